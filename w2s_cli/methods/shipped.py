"""Networks on stabilised counts: the shipped models, and a user's own weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.io.psf_file import read_psf
from w2s_cli.methods.network_engines import Opened, StabilisedNetwork, engine
from w2s_cli.microscope.defects import filled
from w2s_cli.microscope.imaging_conditions import (
    ImagingConditions,
    gaussian_transfer,
    psf_transfer,
)
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import WIDEST
from w2s_cli.networks.devices import kind_of
from w2s_cli.restorers.orientations import mean_over_orientations
from w2s_cli.restorers.restorer import NetworkAtWork, TrainedRange, Traits
from w2s_cli.restorers.units import Units, excess
from w2s_cli.weights.catalogue import SHIPPED

_UNTOLD = ImagingConditions()  # white noise, no read noise, a blur that is unknown
_Way: TypeAlias = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Shipped:
    """A network that takes and gives stabilised counts."""

    # A safetensors file; None for the weights that come with the package
    weights: Path | None = None
    device: str = "auto"  # or "cpu", "cuda", "cuda:n", "mps"
    precision: str = "auto"  # or "fp32", "bf16", "fp16"
    orientations: Annotated[
        Literal[1, 8],
        "ways to lay each tile; the mean of 8 is a little better and takes 8 times "
        "as long",
    ] = 1
    # What is taken from stabilised counts, and added again: see `units.excess`
    lowered: float = 0.0
    # What is known of noise and blur, for networks that are told
    conditions: ImagingConditions = _UNTOLD

    name: ClassVar[str]
    scale: ClassVar[int]
    reach: ClassVar[int]
    """Input pixels; what lies further off changes the output of the weights that ship
    by less than 1e-4 of the noise (5e-4 at 50,000 photons). The network's own margin is
    what could reach it."""

    @property
    def provenance(self) -> dict[str, str]:
        """Return what decides about the output besides the input and the options."""
        network = self._loaded.network
        near = f"within 1e-4 of the noise: margin {self._margin} of {network.margin}"
        return {
            "weights_sha256": self._loaded.digest,
            "engine": engine().NAME,
            "device": kind_of(self._loaded.device),
            "precision": self._computed,
            **({"tiles": near} if self._margin < network.margin else {}),
            **(
                {"told": str(self.told), "haze": "remove" if self.hazeless else "keep"}
                if network.conditions
                else {}
            ),
        }

    @property
    def told(self) -> ImagingConditions:
        """Return what the network is told, if it takes such numbers."""
        return self.conditions

    @property
    def hazeless(self) -> bool:
        """Return whether light out of focus is taken away."""
        return False

    @property
    def traits(self) -> Traits:
        """Return the traits, as the network and its record tell them."""
        network = self._loaded.network
        return Traits(
            scale=network.scale,
            margin=self._margin,
            multiple_of=network.multiple_of,
            whole=network.whole,
            expects=Units.ROOT,
            trained_range=TrainedRange.of_record(self._loaded.record),
            knows_noise=True,
            hazeless=self.hazeless,
            provenance=self.provenance,
            device=self._loaded.device,
            network=self.running,
            memory=engine().memory(network, self._computed),
        )

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the restored planes."""
        lowered, run, sideways = np.float32(self.lowered), *self._ways
        seen = blocks - lowered
        made = (
            run(seen)
            if self.orientations == 1
            else mean_over_orientations(run, seen, sideways)
        )
        return made + lowered

    def with_noise(self, noise: NoiseModel) -> Self:
        """Return the restorer for images with this noise."""
        conditions = self.conditions.knowing(noise, excess(noise))
        return replace(self, lowered=excess(noise), conditions=conditions)

    def input_planes(self, blocks: FloatArray) -> FloatArray:
        """Return (N, C, Y, X), all that the network takes of planes, lowered already.

        Where it is told what is known: also which pixels are unknown, NaN in the
        planes, and the numbers of `conditions`.
        """
        network = self._loaded.network
        if not network.conditions:
            return blocks[:, None]
        return _told_planes(network, blocks, self.told)

    def outputs(self, planes: FloatArray) -> FloatArray:
        """Return (N, K, Y * scale, X * scale), all that it makes of `input_planes`."""
        loaded = self._loaded
        return engine().forward_planes(
            loaded.network, planes, loaded.device, self._computed
        )

    @property
    def _ways(self) -> tuple[_Way, _Way]:
        """Return what restores planes, and planes with Y and X exchanged."""
        loaded = self._loaded
        if not loaded.network.conditions:
            return self.running, self.running
        one, other = (
            _Told(loaded.network, loaded.device, self._computed, told, self.hazeless)
            for told in (self.told, self.told.transposed())
        )
        return one, other

    @property
    def running(self) -> NetworkAtWork:
        """Return the network at work."""
        return engine().at_work(self._loaded, self._computed)

    @property
    def _margin(self) -> int:
        return self._loaded.network.margin if self.weights else self.reach

    @property
    def _computed(self) -> str:
        auto = self.precision == "auto"
        return engine().fastest(self._loaded.device) if auto else self.precision

    @property
    def _loaded(self) -> Opened:
        path = self.weights or SHIPPED / f"{self.name}.safetensors"
        loaded = _load(path, engine().available_device(self.device))
        if loaded.network.scale != self.scale:
            raise WeightsError(
                f"{self.weights} enlarges x{loaded.network.scale}, "
                f"but {self.name} enlarges x{self.scale}",
                hint="name the method that the weights were trained for",
            )
        return loaded


@dataclass(frozen=True)
class Denoise(Shipped):
    """Denoise with a residual U-Net."""

    name = "denoise"
    scale = 1
    reach = 56


@dataclass(frozen=True)
class Enlarging(Shipped):
    """A network that enlarges x2, and parts light in focus from light out of focus."""

    haze: Annotated[
        Literal["keep", "remove"],
        "keep all light, or remove what the network takes for light out of focus, to "
        "look like SIM: even light of the sample goes with it",
    ] = "keep"
    # Told that it is unknown, the network takes blurs to be as wide as most that it has
    # learned from, and makes structure of what a narrower one shows.
    fwhm: Annotated[
        float,
        "full width of the blur in pixels, better measured, as of a bead; too large a "
        "width draws what is not there, too small a one restores less; 0 to let the "
        "network guess",
    ] = 3.4
    kernel: Annotated[
        Path | None, "file with the measured blur, TIFF or NPY, in the place of fwhm"
    ] = None

    def __post_init__(self) -> None:
        if not 0 <= self.fwhm <= WIDEST:
            raise UsageError(f"option fwhm must be 0 to {WIDEST}, found {self.fwhm:g}")
        _ = self.told  # a bad file shows before the work begins

    @property
    def told(self) -> ImagingConditions:
        """Return what the network is told."""
        if self.kernel is not None:
            transfer = _transfer_of(self.kernel)
        elif self.fwhm:
            transfer = gaussian_transfer(self.fwhm)
        else:
            return self.conditions
        return replace(self.conditions, transfer=transfer)

    @property
    def hazeless(self) -> bool:
        """Return whether light out of focus is taken away."""
        return self.haze == "remove"

    @property
    def _loaded(self) -> Opened:
        loaded = super()._loaded
        asked = {
            "haze=remove": self.hazeless,
            "fwhm": self.fwhm != Enlarging.fwhm,
            "kernel": self.kernel is not None,
        }
        given = [name for name, was_given in asked.items() if was_given]
        if given and not loaded.network.conditions:
            raise UsageError(
                f"{self.weights} takes no {given[0]}: its network has one output and "
                "is told nothing of the blur",
                hint=f"leave -O {given[0]} out, or --weights",
            )
        return loaded


@dataclass(frozen=True)
class Jdsr(Enlarging):
    """Denoise and enlarge x2 with a U-Net that knows noise and blur."""

    name = "jdsr"
    scale = 2
    reach = 96


@dataclass(frozen=True)
class DenoiseFast(Shipped):
    """Denoise with a smaller residual U-Net."""

    name = "denoise-fast"
    scale = 1
    reach = 48


@dataclass(frozen=True)
class JdsrFast(Enlarging):
    """Denoise and enlarge x2 with a smaller network like that of `jdsr`."""

    name = "jdsr-fast"
    scale = 2
    reach = 88


@dataclass(frozen=True)
class Auto:
    """Stand for the denoiser that an image asks for, until the image is known.

    `w2s_cli.pipeline.auto_method` puts that one in its place; by itself it is the
    shipped one.
    """

    device: str = "auto"
    precision: str = "auto"

    @property
    def traits(self) -> Traits:
        """Return the traits of the shipped denoiser."""
        return replace(self._shipped.traits, automatic=True)

    def with_noise(self, noise: NoiseModel) -> Shipped:
        """Return the shipped denoiser for images with this noise."""
        return self._shipped.with_noise(noise)

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return the denoised planes."""
        return self._shipped(blocks)

    @property
    def _shipped(self) -> Shipped:
        return Denoise(None, self.device, self.precision)


@dataclass(frozen=True, eq=False)
class _Told:
    """A network at work that is told what it cannot see."""

    network: StabilisedNetwork
    device: str
    precision: str
    conditions: ImagingConditions
    hazeless: bool

    def __call__(self, blocks: FloatArray) -> FloatArray:
        """Return what it makes of stabilised planes; NaN is a pixel unknown."""
        planes = _told_planes(self.network, blocks, self.conditions)
        made = engine().forward_planes(
            self.network, planes, self.device, self.precision
        )
        total = np.maximum(made[:, 0], 0)
        if not self.hazeless:
            return total
        lift = np.float32((self.conditions.floor / 2) ** 2)
        hazy = np.maximum((np.maximum(made[:, 1], 0) / 2) ** 2 - lift, 0)
        focus = np.maximum((total / 2) ** 2 - lift - hazy, 0)
        return np.asarray(2 * np.sqrt(focus + lift), np.float32)


def _told_planes(
    network: StabilisedNetwork, blocks: FloatArray, conditions: ImagingConditions
) -> FloatArray:
    planes = np.empty((len(blocks), network.channels, *blocks.shape[1:]), np.float32)
    for plane, block in zip(planes, blocks, strict=True):
        unknown = np.isnan(block)
        # A plane without any known pixel is dark.
        plane[0], plane[1] = np.nan_to_num(filled(block, unknown)), unknown
    numbers = conditions.numbers(network.conditions)
    planes[:, -len(numbers) :] = np.array(numbers, np.float32)[:, None, None]
    return planes


@lru_cache(maxsize=4)
def _transfer_of(kernel: Path) -> tuple[float, ...]:
    return psf_transfer(read_psf(kernel))


@lru_cache(maxsize=4)
def _load(path: Path, device: str) -> Opened:
    opened = engine().open_network(path, device)
    if not {"expects", "trained_on"} & opened.record.keys():
        raise WeightsError(
            f"{path} does not say what input its network expects",
            hint="use weights that `w2s train` has written, "
            "or name the network of published ones: --method dncnn",
        )
    return opened
