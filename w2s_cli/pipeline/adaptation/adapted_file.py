"""The file that an adapted network is written to, and what it says of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from w2s_cli import __version__
from w2s_cli.io.targets import replacing
from w2s_cli.microscope.psf import PSF
from w2s_cli.pipeline.adaptation.gain import Gain
from w2s_cli.pipeline.adaptation.redrawn_noise import Field
from w2s_cli.restorers.restorer import TrainedRange
from w2s_cli.weights import checkpoint


def write(
    weights: Path,
    target: Path,
    name: str,
    fields: Sequence[Field],
    seen: TrainedRange,
    better: Gain,
    blur: PSF | None,
) -> None:
    """Write weights that were adapted.

    Parameters
    ----------
    weights
        What the training has written.
    target
        The file.
    name
        Of the network that shipped.
    fields, seen
        What it was adapted to.
    better
        How much it gained.
    blur
        Of its output, where it enlarges.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    trained = checkpoint.load(weights, as_stored=True)
    shipped = checkpoint.load(checkpoint.shipped(name))
    kernel = (
        {"kernel_sha256": sha256(blur.weights.tobytes()).hexdigest()} if blur else {}
    )
    record = {
        **trained.record,
        "summary": f"{name}, adapted to images of one kind",
        "seen": widened(shipped.record["seen"], asdict(seen)),
        "adapted": {
            "from": {"name": name, "sha256": shipped.digest},
            "planes": len(fields),
            "pixels": sum(field.noisy.size for field in fields),
            "gain": asdict(better),
            **kernel,
        },
        "adapted by": f"w2s {__version__}",
    }
    with replacing(target) as partial:
        checkpoint.save(partial, trained.state, record, halve=False)


def widened(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a network is meant for, with the light of more images in it.

    Parameters
    ----------
    one
        As a record has it: "photons", "sigma" and perhaps "pixel_size".
    other
        The same of the images; a pixel size that only they have bounds nothing.
    """
    made = {**one, "sigma": max(one["sigma"], other["sigma"])}
    for key in ("photons", "pixel_size"):
        if one.get(key) and other.get(key):
            lows, highs = zip(one[key], other[key], strict=True)
            made[key] = [min(lows), max(highs)]
    return made
