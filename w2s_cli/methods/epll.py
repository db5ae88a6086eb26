"""EPLL: the image whose patches are likely, under a learned mixture of Gaussians."""

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError
from w2s_cli.networks.devices import kind_of
from w2s_cli.networks.inference import available_device, memory_errors
from w2s_cli.networks.patch_mixture import PatchFilter, PatchMixture
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import Units
from w2s_cli.weights import checkpoint
from w2s_cli.weights.cache import sha256_of

_digest = lru_cache(maxsize=4)(sha256_of)


@dataclass(frozen=True)
class Epll:
    """Raise the expected log-likelihood of the patches of stabilised counts ([1]_).

    All overlapping patches are denoised under the Gaussian that each most likely
    belongs to, and averaged; the average is mixed with the input; and again, trusting
    the patches more and more (half quadratic splitting, Sec. 3.2 there). The
    mixture was learned from fluorescence at many exposures, so that planes are not
    normalised.

    The default schedule is the paper's. A softer start, as in 1,1,4,8,16,32, leaves
    fewer dark pits where read noise is about as strong as the light, but blurs: the
    error on W2S rises by 1.2 %.

    References
    ----------
    .. [1] D. Zoran and Y. Weiss, "From learning models of natural image patches to
       whole image restoration", IEEE ICCV (2011).
    """

    betas: Annotated[
        str, "trust in the patches, step by step; 1 is the trust in the input's noise"
    ] = "1,4,8,16,32"
    fidelity: Annotated[
        float, "weight of the input; the original takes the pixels of a patch"
    ] = 64.0
    weights: Path | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self._betas or not all(0 < beta < inf for beta in self._betas):
            raise UsageError(
                f"option betas must be numbers above 0, found {self.betas!r}",
                hint="separate them by commas: -O betas=1,4,8,16,32",
            )
        if self.fidelity < 0:
            raise UsageError(
                f"option fidelity must be 0 or more, found {self.fidelity:g}"
            )

    @property
    def provenance(self) -> dict[str, str]:
        """Return what decides about the output besides the input and the options."""
        path, device = self._path, available_device(self.device)
        return {"weights_sha256": _digest(path), "device": kind_of(device)}

    @property
    def traits(self) -> Traits:
        """Return the traits: each step sees one patch further."""
        margin = len(self._betas) * (self._filters[0].side - 1)
        return Traits(
            margin=margin,
            expects=Units.STABILISED,
            provenance=self.provenance,
            device=available_device(self.device),
            memory=(130, 130),
        )

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the denoised planes, noise of standard deviation 1 assumed."""
        side = self._filters[0].side
        height, width = blocks.shape[1:]
        missing = [(0, max(side - length, 0)) for length in (height, width)]
        padded = np.pad(blocks, [(0, 0), *missing], mode="symmetric")
        with torch.inference_mode(), memory_errors():
            planes = torch.from_numpy(padded).to(available_device(self.device))
            clean = torch.stack([self._plane(plane) for plane in planes])
            pixels: FloatArray = clean[:, :height, :width].cpu().numpy()
        return pixels

    def _plane(self, noisy: Tensor) -> Tensor:
        clean = noisy
        for beta, one in zip(self._betas, self._filters, strict=True):
            trust = beta * one.side**2
            likely = one.restored(clean)
            clean = (self.fidelity * noisy + trust * likely) / (self.fidelity + trust)
        return clean

    @property
    def _betas(self) -> tuple[float, ...]:
        try:
            return tuple(float(beta) for beta in self.betas.split(","))
        except ValueError:
            return ()

    @property
    def _path(self) -> Path:
        return self.weights or checkpoint.shipped("epll")

    @property
    def _filters(self) -> tuple[PatchFilter, ...]:
        return _filters(self._path, self._betas, available_device(self.device))


@lru_cache(maxsize=4)
def _filters(
    path: Path, betas: tuple[float, ...], device: str
) -> tuple[PatchFilter, ...]:
    mixture = PatchMixture.from_state(checkpoint.load(path).state)
    return tuple(PatchFilter.of(mixture, 1 / beta, device) for beta in betas)
