"""Noisy images of a folder to learn from, for `w2s train`."""

from collections.abc import Iterator
from pathlib import Path

from w2s_cli.io import open_image as read
from w2s_cli.io.formats import images
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.plane_sampling import sampled, spread
from w2s_cli.restorers.fitting import series, shares
from w2s_cli.restorers.restorer import Series
from w2s_cli.training.patches import Part
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.self_supervised.noisy_patches import NoisyPatchSampler
from w2s_cli.training.self_supervised.series_checks import fitted


def opened(recipe: Recipe, part: Part) -> NoisyPatchSampler:
    """Return the patches of the images in `recipe.data`, a folder or a file.

    The noise of each channel of each is estimated.

    Raises
    ------
    InputError
        When there is no image, one cannot be read or has no noise that can be measured,
        or nothing can be learned from them.
    """
    files = [*images(recipe.data)]
    places = [place for path, most in shares(files) for place in _places(path, most)]
    return NoisyPatchSampler(fitted(recipe, places), part, places)


def _places(path: Path, most: int) -> Iterator[Series]:
    with read(path) as stack:
        for channel in range(stack.channel_count):
            noise = fit_noise(spread(sampled(stack, channel))).model
            yield from series(stack, channel, noise, most)
