"""Noisy images of a folder to learn from, for `w2s train`."""

from collections.abc import Iterator
from pathlib import Path

from w2s_cli.estimate.noise import fit_noise
from w2s_cli.files import opened as read
from w2s_cli.files.folder import images
from w2s_cli.restore import Series
from w2s_cli.restore.lessons import series, shares
from w2s_cli.restore.sampling import sampled, spread
from w2s_cli.training.alone.places import fitted
from w2s_cli.training.alone.supply import Alone
from w2s_cli.training.examples import Part
from w2s_cli.training.recipe import Recipe


def opened(recipe: Recipe, part: Part) -> Alone:
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
    return Alone(fitted(recipe, places), part, places)


def _places(path: Path, most: int) -> Iterator[Series]:
    with read(path) as stack:
        for channel in range(stack.channel_count):
            noise = fit_noise(spread(sampled(stack, channel))).model
            yield from series(stack, channel, noise, most)
