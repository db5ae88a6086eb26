"""Adapt a shipped network to images of one kind, without any truth."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from w2s_cli import __version__
from w2s_cli.errors import InputError, UsageError
from w2s_cli.io.targets import check_writable
from w2s_cli.methods.shipped import Denoise, DenoiseFast, Jdsr, JdsrFast, Shipped
from w2s_cli.microscope.psf import PSF
from w2s_cli.networks.inference import available_device, fastest
from w2s_cli.pipeline.adaptation.adaptation_patches import (
    AdaptationSampler,
    check_planes,
    read_blur,
)
from w2s_cli.pipeline.adaptation.gain import Gain, measure_gain
from w2s_cli.pipeline.adaptation.redrawn_noise import Field, Plane, fields
from w2s_cli.restorers.restorer import FitProgress, TrainedRange
from w2s_cli.training.loop import train
from w2s_cli.training.patches import Part
from w2s_cli.training.progress import fit_progress
from w2s_cli.training.recipe import Recipe, load
from w2s_cli.weights import checkpoint

METHODS: dict[str, tuple[type[Shipped], type[Shipped]]] = {
    "denoise": (Denoise, Denoise),
    "denoise-fast": (DenoiseFast, DenoiseFast),
    "jdsr": (Jdsr, Denoise),
    "jdsr-fast": (JdsrFast, DenoiseFast),
}
"""What can be adapted, and what estimates the light meanwhile."""
SUFFIX = ".safetensors"
_SETTINGS = {
    "average": 0.98,
    "validate_every": 20,
    "validation_batches": 12,
    "patches.side": 96,
    "patches.batch": 4,
    "optimiser.rate": 3e-4,
    "schedule.warm_up": 20,
}
"""Of the training, in place of those of the network's own recipe."""
_PATIENCE = 120  # steps


@dataclass(frozen=True)
class AdaptSpec:
    """What to adapt, and how.

    Attributes
    ----------
    method
        One of `METHODS`.
    kernel
        A file with the blur on the grid of the output, for those that enlarge.
    steps
        The most steps.
    device
        Where to compute.
    seed
        Of patches and noise.
    """

    method: str = "denoise"
    kernel: Path | None = None
    steps: int = 300
    device: str = "auto"
    seed: int = 0

    @property
    def shipped(self) -> Shipped:
        """Return the network that ships."""
        return METHODS[self.method][0](device=self.device)

    @property
    def guide(self) -> Shipped:
        """Return the denoiser that estimates the light."""
        return METHODS[self.method][1](device=self.device)

    def recipe(self, runs: Path) -> Recipe:
        """Return the training, which writes below a folder."""
        fast = fastest(available_device(self.device)) == "bf16"
        settings = {
            **_SETTINGS,
            "start": str(checkpoint.shipped(self.method)),
            "steps": self.steps,
            "patience": _PATIENCE,
            "precision": "bf16" if fast else "fp32",
            "seed": self.seed,
        }
        found = load(self.method, [f"{key}={one}" for key, one in settings.items()])
        return replace(found, runs=runs, device=self.device, loss={"explained": 1.0})

    @property
    def blur(self) -> PSF | None:
        """Return the blur from output to image; None where it has the same size."""
        return read_blur(self.kernel) if self.kernel else None


def check(spec: AdaptSpec, target: Path, *, overwrite: bool = False) -> None:
    """Raise W2SError for what cannot be done, before the work begins."""
    if target.suffix != SUFFIX:
        raise UsageError(
            f"{target} is no name for a safetensors file", hint=f"end it in {SUFFIX}"
        )
    check_writable(target, overwrite=overwrite)
    if spec.kernel and spec.shipped.scale == 1:
        raise UsageError(
            f"--kernel is for methods that enlarge, not {spec.method}",
            hint="leave it out, or use --method jdsr",
        )
    if not spec.kernel and spec.shipped.scale > 1:
        raise UsageError(
            f"{spec.method} is adapted by the blur of the microscope, and there is "
            "no --kernel",
            hint="w2s estimate-kernel or w2s make-kernel writes it, on the grid of the "
            "output",
        )
    _ = spec.blur  # what is wrong with it shows now


def adapt(
    spec: AdaptSpec,
    planes: Sequence[Plane],
    trained_on: TrainedRange,
    target: Path,
    progress: FitProgress,
) -> Gain:
    """Adapt a network to images, and write its weights if it is better for that.

    Parameters
    ----------
    spec
        What to adapt.
    planes
        (Y, X) counts each, and their noise.
    trained_on
        The light and the noise in them.
    target
        A safetensors file.
    progress
        Called after each step.

    Returns
    -------
    Gain
        On squares of the images that were kept out of the training.

    Raises
    ------
    InputError
        When an image is too small or constant; when the adapted network is not better
        beyond doubt: nothing is written then.
    """
    check_planes(planes)
    found = fields(planes, spec.guide)
    blur, shipped = spec.blur, spec.shipped

    def open_sampler(recipe: Recipe, part: Part) -> AdaptationSampler:
        return AdaptationSampler(recipe, part, found, shipped, blur)

    with TemporaryDirectory() as folder:
        recipe = spec.recipe(Path(folder))
        weights = train(recipe, fit_progress(progress), open_sampler)
        gain = measure_gain(shipped, replace(shipped, weights=weights), found, blur)
        if not gain.clear:
            raise InputError(
                f"{spec.method} adapted is not better beyond doubt: on squares of "
                f"the images that it was not trained on it gains {gain}",
                hint=f"nothing is saved: use --method {spec.method} as it ships, or "
                "adapt to more images of the kind",
            )
        trained = checkpoint.load(weights, as_stored=True)
        record = {
            **trained.record,
            **_record(spec.method, found, trained_on, gain, blur),
        }
        checkpoint.save(target, trained.state, record, halve=False)
    return gain


def _record(
    name: str,
    fields: Sequence[Field],
    trained_on: TrainedRange,
    gain: Gain,
    blur: PSF | None,
) -> dict[str, Any]:
    """Return what the file of an adapted network says beside its recipe."""
    shipped = checkpoint.load(checkpoint.shipped(name))
    kernel = (
        {"kernel_sha256": sha256(blur.weights.tobytes()).hexdigest()} if blur else {}
    )
    return {
        "summary": f"{name}, adapted to images of one kind",
        "trained_on": widened(shipped.record["trained_on"], asdict(trained_on)),
        "adapted": {
            "from": {"name": name, "sha256": shipped.digest},
            "planes": len(fields),
            "pixels": sum(field.noisy.size for field in fields),
            "gain": asdict(gain),
            **kernel,
        },
        "adapted by": f"w2s {__version__}",
    }


def widened(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a network is meant for, with the light of more images in it.

    - `one`: as a record has it: "photons", "sigma" and perhaps "pixel_size".
    - `other`: the same of the images; a pixel size that only they have bounds nothing.
    """
    widest = {**one, "sigma": max(one["sigma"], other["sigma"])}
    for key in ("photons", "pixel_size"):
        if one.get(key) and other.get(key):
            lows, highs = zip(one[key], other[key], strict=True)
            widest[key] = [min(lows), max(highs)]
    return widest
