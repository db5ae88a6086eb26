"""Sharp images, degraded twice: the training examples of Real-ESRGAN [1]_.

A patch goes through blur, a change of size, noise and JPEG; then, more mildly, through
all of it again; then through a low-pass filter, which rings as sharpened images do.
What it is after that is the input, what it was before is the truth. The recipe's table
`real_esrgan` has every share and span; its defaults are the published ones for x2.

What is done otherwise than in the published code:

- Each patch is degraded by itself, with draws of its own. There, a batch shares the
  kind of noise and the sizes, and a queue of 180 patches mixes the batches again.
- Images have one channel: gray and colour noise are the same.
- JPEG is Pillow's, of 8-bit gray, and a quality is a whole number; there it is a
  differentiable imitation in floats.
- Sizes, not factors, place the pixels when a size changes, so that a rounded size moves
  nothing.
- A blur mirrors the image beyond its edge with the pixel at the edge, not without it.

References
----------
.. [1] X. Wang, L. Xie, C. Dong and Y. Shan, "Real-ESRGAN: training real-world blind
   super-resolution with pure synthetic data", ICCV Workshops (2021): section 3.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from w2s_cli.training.patches import Part, PatchSampler
    from w2s_cli.training.recipe import Recipe


def opened(recipe: "Recipe", part: "Part") -> "PatchSampler":
    """Return the degraded patches of a recipe.

    Sharp images are the finest truths of a data set, where `recipe.data` is one, of
    the splits that `recipe.pairs` names; else every plane of every image in that
    folder, where every tenth file is there to validate on.

    Raises
    ------
    UsageError
        When the recipe asks for other units than "unit", or for nonsense.
    InputError
        When there are no images, they cannot be read, or they show nothing.
    """
    from w2s_cli.training.real_esrgan_degradation import degraded_patches

    return degraded_patches.open_degraded(recipe, part)
