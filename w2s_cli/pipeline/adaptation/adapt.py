"""Adapt a shipped network to images of one kind, without any truth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from w2s_cli.errors import InputError, UsageError
from w2s_cli.io.targets import check_place
from w2s_cli.methods.shipped import Denoise, DenoiseFast, Jdsr, JdsrFast, Shipped
from w2s_cli.microscope.psf import PSF
from w2s_cli.networks.inference import fastest, present
from w2s_cli.pipeline.adaptation import adaptation_patches
from w2s_cli.pipeline.adaptation.adaptation_patches import Adapting, check_planes
from w2s_cli.pipeline.adaptation.adapted_file import write
from w2s_cli.pipeline.adaptation.gain import Gain, gain
from w2s_cli.pipeline.adaptation.redrawn_noise import Field, Plane, fields
from w2s_cli.restorers.restorer import FitProgress, TrainedRange
from w2s_cli.training.loop import train
from w2s_cli.training.patches import Part
from w2s_cli.training.progress import Progress
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_reading import load
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
class Wanted:
    """What to adapt, and how.

    Attributes
    ----------
    method
        One of `METHODS`.
    kernel
        A file with the blur on the grid of the output, for those that enlarge.
    steps
        At most.
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
    def before(self) -> Shipped:
        """Return the network that ships."""
        return METHODS[self.method][0](device=self.device)

    @property
    def guide(self) -> Shipped:
        """Return the denoiser that estimates the light."""
        return METHODS[self.method][1](device=self.device)

    def recipe(self, runs: Path) -> Recipe:
        """Return the training, which writes below a folder."""
        fast = fastest(present(self.device)) == "bf16"
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
        return adaptation_patches.read(self.kernel) if self.kernel else None


def check(wanted: Wanted, target: Path, *, overwrite: bool = False) -> None:
    """Find out before the work what cannot be done.

    Raises
    ------
    UsageError
        When the target is no name for weights; when a kernel is of no use, or missing.
    InputError
        When the kernel cannot be read.
    OutputError
        When the target exists and may not be overwritten, or cannot be written.
    """
    if target.suffix != SUFFIX:
        raise UsageError(
            f"{target} is no name for a safetensors file", hint=f"end it in {SUFFIX}"
        )
    check_place(target, overwrite=overwrite)
    if wanted.kernel and wanted.before.scale == 1:
        raise UsageError(
            f"--kernel is for methods that enlarge, not {wanted.method}",
            hint="leave it out, or use --method jdsr",
        )
    if not wanted.kernel and wanted.before.scale > 1:
        raise UsageError(
            f"{wanted.method} is adapted by the blur of the microscope, and there is "
            "no --kernel",
            hint="w2s estimate-kernel or w2s make-kernel writes it, on the grid of the "
            "output",
        )
    _ = wanted.blur  # what is wrong with it shows now


def adapt(
    wanted: Wanted,
    planes: Sequence[Plane],
    seen: TrainedRange,
    target: Path,
    told: FitProgress,
) -> Gain:
    """Adapt a network to images, and write its weights if it is better for that.

    Parameters
    ----------
    wanted
        What to adapt.
    planes
        (Y, X) counts each, and their noise.
    seen
        The light and the noise in them.
    target
        A safetensors file.
    told
        What to call after each step.

    Returns
    -------
    Gain
        By squares of the images that it has not learned from.

    Raises
    ------
    InputError
        When an image is too small or constant; when the adapted network is not better
        beyond doubt: nothing is written then.
    """
    check_planes(planes)
    found = fields(planes, wanted.guide)
    blur, before = wanted.blur, wanted.before
    with TemporaryDirectory() as folder:
        source = partial(_source, found, before, blur)
        weights = train(wanted.recipe(Path(folder)), partial(_tell, told), source)
        better = gain(before, replace(before, weights=weights), found, blur)
        if not better.clear:
            raise InputError(
                f"{wanted.method} adapted is not better beyond doubt: on squares of "
                f"the images that it has not learned from it gains {better}",
                hint=f"nothing is saved: use --method {wanted.method} as it ships, or "
                "adapt to more images of the kind",
            )
        write(weights, target, wanted.method, found, seen, better, blur)
    return better


def _source(
    found: Sequence[Field],
    before: Shipped,
    blur: PSF | None,
    recipe: Recipe,
    part: Part,
) -> Adapting:
    return Adapting(recipe, part, found, before, blur)


def _tell(told: FitProgress, progress: Progress) -> None:
    told(progress.step, progress.steps, progress.loss)
