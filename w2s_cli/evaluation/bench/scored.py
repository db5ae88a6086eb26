"""What became of one image."""

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of one image.

    Attributes
    ----------
    name, group
        The image and its field of view.
    content
        A hash of the image and its truth.
    scores
        By the name of the metric; empty where the image could not be restored.
    seconds
        That the restoration took, the estimate of the noise included.
    error
        Why it could not be restored.
    """

    name: str
    group: str
    content: str
    scores: dict[str, float]
    seconds: float
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the scores as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Self:
        """Return the scores that `as_json` gave."""
        return cls(**found)
