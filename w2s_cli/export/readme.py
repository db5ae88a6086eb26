"""The README.md of a package: what the model is, and when not to use it."""

from collections.abc import Iterator
from pathlib import Path

from w2s_cli.export.model_facts import ModelFacts

_TEMPLATE = Path(__file__).parent / "readme_template.md"


def readme(facts: ModelFacts, agreement: str) -> str:
    """Return the text, Markdown; `agreement` says how near the graphs are to w2s."""
    tiling, scale = facts.tiling, facts.traits.scale
    return _TEMPLATE.read_text("utf-8").format(
        name=facts.name,
        summary=facts.summary,
        numbers=numbers_in_words(facts),
        size=f"{scale} times the size" if scale > 1 else "the same size",
        halo=tiling.halo,
        least=tiling.least,
        step=tiling.step,
        limits="\n".join(f"- {reason}" for reason in _limits(facts)),
        agreement=agreement,
        origin="\n".join(f"- {line}" for line in _origin(facts)),
    )


def numbers_in_words(facts: ModelFacts) -> str:
    """Return what goes in and comes out: for which camera, in which numbers."""
    noise, shown = facts.camera.noise, facts.camera.shown
    if noise:
        built = (
            f"a camera with a gain of {noise.gain:.4g} counts a photon, an offset of "
            f"{noise.offset:.4g} counts and a read noise of {noise.read_noise:.3g} "
            "counts; for another, export it again with w2s"
        )
    elif shown:
        built = (
            f"images that are black at {shown.black:g} and white at {shown.white:g} "
            "counts; for others, export it again with w2s"
        )
    else:
        built = "counts such as those of the data that it was trained on"
    return f"It takes camera counts and gives camera counts. It is built for {built}."


def _limits(facts: ModelFacts) -> Iterator[str]:
    """Yield when not to use it, one line a reason."""
    traits, noise = facts.traits, facts.camera.noise
    known = traits.trained_range
    if noise:
        yield (
            "with another camera, gain or binning, or for averages of images: the "
            "numbers above are part of the graph"
        )
    if known and noise:
        least, most = known.photons
        low, high = (noise.offset + noise.gain * photons for photons in known.photons)
        yield (
            f"where bright parts have less than {least:g} or more than {most:g} "
            f"photons a pixel, {low:.4g} to {high:.4g} counts: the network was not "
            "trained for that, and may invent structure"
        )
    if known and known.pixel_size:
        smallest, largest = known.pixel_size
        yield f"with pixels outside {smallest:g} to {largest:g} micrometres"
    yield (
        "after filters, drift correction, stitching or JPEG: the noise must be that "
        "of the camera, each pixel's its own"
    )
    if traits.scale > 1:
        yield (
            "as a proof of structure that the microscope does not resolve: what is "
            "finer is a guess"
        )
    if facts.looks_further:
        yield (
            "in small tiles: the network looks further than they overlap; choose a "
            "tile as large as the image"
        )
    yield (
        "for saturated or broken pixels: `w2s restore` finds and repairs them, a "
        "graph cannot"
    )


def _origin(facts: ModelFacts) -> Iterator[str]:
    yield f"network: {facts.method}, weights with the SHA-256 {facts.digest}"
    if facts.trained_on:
        yield f"trained on: {facts.trained_on}"
    yield f"by: {', '.join(facts.authors) or 'not stated'}"
    yield f"licence: {facts.licence or 'not stated: ask before you pass it on'}"
    yield f"numbers of the camera: {facts.camera.origin}"
    for text, where in facts.citations:
        yield f"please cite: {text} ({where})"
