"""The blur between what a network gives at twice the size and what a camera saw.

It must be known. The Gaussian with which the answer of the network explains an image
best was tried in its place: where the true blur had longer tails, the adapted network
explained the image better and was worse at twice the size.
"""

from pathlib import Path

from w2s_cli.files.kernel_file import read_kernel
from w2s_cli.physics.kernel import Kernel

MOST_REACH = 24  # pixels of a kernel that are taken, from its middle


def read(path: Path) -> Kernel:
    """Return the blur in a file, without its far tails; their light goes to the rest.

    Raises
    ------
    InputError
        When the file cannot be read or holds no kernel.
    """
    weights = read_kernel(path).weights
    middle = [side // 2 for side in weights.shape]
    reach = min(MOST_REACH, *((side - 1) // 2 for side in weights.shape))
    y, x = (slice(at - reach, at + reach + 1) for at in middle)
    return Kernel.normalised(weights[y, x])
