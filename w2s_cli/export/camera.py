"""The camera that a graph is built for: given by the user, or found in an image."""

from dataclasses import dataclass
from pathlib import Path

from w2s_cli.errors import UsageError
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.restorer import Traits
from w2s_cli.restorers.units import DisplayRange


@dataclass(frozen=True, slots=True)
class Camera:
    """What the numbers of a network depend on, as far as they do."""

    noise: NoiseModel | None = None
    shown: DisplayRange | None = None
    origin: str = "given"  # or the name of the image that it was found in
    warnings: tuple[str, ...] = ()  # why not to rely on what was found


def find_camera(spec: RestoreSpec, traits: Traits, like: Path | None) -> Camera:
    """Return the camera of images like one, or the one that is given.

    Parameters
    ----------
    spec
        The method, and the noise that is known.
    traits
        Of the method.
    like
        An image to measure what is not known.

    Raises
    ------
    UsageError
        When something is neither given nor can be measured, or is given for several
        channels: their graphs differ.
    InputError
        When the image cannot be read, or has no noise that can be measured.
    """
    if like is not None:
        return _found(spec, traits, like)
    if traits.needs_range:
        raise UsageError(
            f"{spec.method} needs to know which counts are black and white, for they "
            "are built into what is exported",
            hint="-O black=COUNTS -O white=COUNTS, or --like FILE to measure them",
        )
    shown = None
    if traits.black is not None and traits.white is not None:
        shown = DisplayRange(traits.black, traits.white)
    if not traits.needs_noise:
        return Camera(shown=shown)
    if spec.noise.by_file or len(spec.noise.everywhere) > 1:
        about = spec.noise.by_file or spec.noise.everywhere
        of = "files" if spec.noise.by_file else "channels"
        raise UsageError(
            f"a model is exported for one camera, and the noise of {len(about)} {of} "
            "is given",
            hint="give the one: --gain G --offset O --read-noise R",
        )
    if not spec.noise.everywhere:
        raise UsageError(
            f"{spec.method} needs the noise of the camera, which is built into what is "
            "exported",
            hint="--like FILE to measure it in an image, --noise camera.json, or "
            "--gain G --offset O --read-noise R",
        )
    return Camera(spec.noise.everywhere[0], shown)


def _found(spec: RestoreSpec, traits: Traits, like: Path) -> Camera:
    with spec.opened(like) as stack:
        part = spec.part(stack)
        if part.channel_count > 1 and (traits.needs_noise or traits.needs_range):
            raise UsageError(
                f"{like} has {part.channel_count} channels, and a model is exported "
                "for one",
                hint="name it: --channel 1",
            )
        found = diagnose(
            part,
            spec.noise.of(like),
            noise=traits.needs_noise,
            display_range=traits.needs_range,
        )
        return Camera(
            found.noise[0] if traits.needs_noise else None,
            found.channels[0].display_range if traits.needs_range else None,
            like.name,
            (*stack.warnings, *found.warnings_for([traits])),
        )
