"""The map of standard errors beside a restored image."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from w2s_cli import __version__
from w2s_cli.errors import InputError, UsageError
from w2s_cli.io.formats import FORMATS, ZARR, stem
from w2s_cli.io.targets import STREAM
from w2s_cli.methods import OWN
from w2s_cli.methods.build import parse
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis
from w2s_cli.pipeline.error_planes import ErrorPlanes
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import Restorer
from w2s_cli.restorers.with_error import WithError
from w2s_cli.stack import Channel, Stack

if TYPE_CHECKING:
    from w2s_cli.methods.error_estimate import ErrorEstimate

_KEPT = ("asked form", "compression")  # of what else a file said, by the map
COMMAND = "restore --uncertainty"
"""What the history of a map says that made it."""
_PHOTONS = 50.0  # where nothing is known of the light
_SHARPENING = ("richardson-lucy", "wiener")


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainty:
    """The standard errors of a restoration, computed with its planes."""

    estimates: Mapping[int, "ErrorEstimate"]  # by channel
    planes: ErrorPlanes
    doubts: tuple[str, ...]  # why the map should not be relied on

    def beside(self, channel: int, chain: Chain) -> Restorer:
        """Return the methods of a channel, with the standard errors beside."""
        from w2s_cli.methods.error_estimate import MARGIN, STEP

        return WithError(chain, self.estimates[channel], MARGIN, STEP)

    def as_json(self) -> dict[str, Any]:
        """Return what the record says of the map."""
        from w2s_cli.methods.error_estimate import FACTOR, calibration

        first = self.estimates[0]
        known = calibration(first.scale)
        own = known["covered"].get(first.method)
        return {
            "what": "standard error of each pixel",
            "unit": "counts",
            "interval_90": f"value +- {FACTOR} x standard error",
            "factor_90": FACTOR,
            "calibrated_for": first.method,
            "weights_sha256": known["weights_sha256"],
            **({"covered_in_calibration": own} if own else {}),
        }

    def stack(self, image: Stack) -> Stack:
        """Return the map, with all that is known of the restored `image`."""
        names = [
            replace(one, name=f"{one.name} standard error".strip())
            for one in image.channels or [Channel()] * image.channel_count
        ]
        extra = {key: it for key, it in image.extra.items() if key in _KEPT}
        return replace(image, data=self.planes, channels=tuple(names), extra=extra)

    def history(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the last step of the history of a map, beside that of the image."""
        head = {"tool": "w2s", "version": __version__, "command": COMMAND}
        return {**head, **self.as_json(), "image": dict(record)}


def find_uncertainty(
    spec: RestoreSpec, method: str, chain: Chain, diagnosis: Diagnosis, stack: Stack
) -> Uncertainty | None:
    """Return how the standard errors are found, channel by channel, if they are wanted.

    Raises UsageError where they are not known of methods that enlarge as much.
    """
    if not spec.uncertainty:
        return None
    from w2s_cli.methods.error_estimate import ErrorEstimate, table_for

    scale = chain.traits.scale
    *lead, height, width = stack.data.shape
    planes = ErrorPlanes((*lead, height * scale, width * scale))
    own = method in OWN
    tuned = any(spec.weights) or (bool(spec.options) and not own)
    table = table_for(method, scale, as_others=tuned)
    light = {
        number: one.photons or _PHOTONS
        for number, one in enumerate(diagnosis.channels)
        if one.model
    }
    estimates = {
        number: ErrorEstimate(noise, scale, table, light[number], spec.device)
        for number, noise in diagnosis.noise.items()
    }
    doubts = (*_of_method(method, chain, table), *_of_image(scale, diagnosis))
    return Uncertainty(estimates, planes, doubts)


def _of_method(method: str, chain: Chain, table: str) -> Iterator[str]:
    from w2s_cli.methods.error_estimate import OTHERS

    if sharp := next((e.name for e in parse(method) if e.name in _SHARPENING), ""):
        yield (
            f"the standard errors are those against the light that the camera should "
            f"have seen, while {sharp} takes the blur away: where it has sharpened "
            "they are too large"
        )
    elif any(link.traits.hazeless for link in chain.links):
        yield (
            "the standard errors are those of all the light, that in focus and that "
            "out of focus: how well the two were told apart is not in them"
        )
    elif table == OTHERS:
        yield (
            f"the standard errors of {method} are calibrated with those of other "
            "methods: 90 % intervals may hold 75 to 95 % of the truth"
        )


def _of_image(scale: int, diagnosis: Diagnosis) -> Iterator[str]:
    several = len(diagnosis.channels) > 1
    for one in diagnosis.channels:
        if one.model and one.origin != "blank":
            for doubt in _of_channel(scale, one):
                yield f"channel {one.name}: " * several + doubt


def _of_channel(scale: int, channel: ChannelDiagnosis) -> Iterator[str]:
    from w2s_cli.methods.error_estimate import calibrated_range

    known, light = calibrated_range(scale), channel.photons
    least, most = known.photons
    said = "the standard errors are calibrated for"
    if light is not None and not least <= light <= most:
        yield (
            f"{said} {least:g} to {most:g} photons a pixel in the brightest parts, "
            f"which have {light:.3g}"
        )
    if channel.noise.sigma > known.sigma:
        yield (
            f"{said} read noise up to {known.sigma:g} photons, here it is "
            f"{channel.noise.sigma:.3g}"
        )
    if not channel.white:
        yield f"{said} noise that neighbours do not share: here they are too small"
    if not channel.noise_fits:
        yield f"{said} noise that is known: what was given is not what the image shows"


def map_of(target: Path) -> Path:
    """Return where the map of an output goes: NAME_error.tif beside it."""
    ending = target.name[len(stem(target)) :]
    kept = target.suffix.lower() in (*FORMATS[0].suffixes, *ZARR.suffixes)
    return target.with_name(f"{stem(target)}_error{ending if kept else '.tif'}")


def check_map(target: Path, path: Path | None) -> Path:
    """Return where the map of an output goes, or refuse one that has no place."""
    if path is None and target == STREAM:
        raise UsageError(
            "standard output holds the image alone, not the map of its standard errors",
            hint="say where that goes: --error-map FILE.tif",
        )
    return path or map_of(target)


def refuse_map(stack: Stack, path: Path) -> None:
    """Refuse a map of standard errors where an image is wanted."""
    if stack.history and stack.history[-1].get("command") == COMMAND:
        raise InputError(
            f"{path} is a map of standard errors, not an image",
            hint="leave it out, or name the image that it was written beside",
        )
