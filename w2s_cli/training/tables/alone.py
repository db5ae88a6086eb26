"""What a network does not see of a noisy image, and is asked for."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Hidden:
    """What is hidden, for `examples = "alone"`.

    Attributes
    ----------
    by
        "quarter": it sees one pixel of every 2 x 2, as an image of half the size
        (Noise2SR); "spots": some pixels are replaced by neighbours (Noise2Void);
        "lattice": every pixel of a lattice is the mean of those around it (Noise2Self);
        "capture": it sees one capture and is asked for another (Noise2Noise).
    share, radius, value
        Of "spots": which part of the pixels, how far away a neighbour may be, and
        whether it is any "neighbour" of the square around, the pixel itself among them,
        or the "median" of the others (N2V2).
    reach
        Of "spots": how many pixels above and below, and left and right, of each are
        replaced too, because their noise is known to be alike (StructN2V).
    period
        Of "lattice": pixels from one of it to the next.
    """

    by: Literal["quarter", "spots", "lattice", "capture"] = "quarter"
    share: float = 0.015
    radius: int = 5
    value: Literal["neighbour", "median"] = "neighbour"
    reach: tuple[int, int] = (0, 0)
    period: int = 4
