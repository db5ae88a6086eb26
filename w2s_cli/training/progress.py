"""How far a training has come, for whoever watches and for the log."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Progress:
    """Where a training stands."""

    step: int
    loss: float
    validation: float | None = None

    def log(self, path: Path) -> None:
        """Add a line to a CSV file, which is made where it is missing."""
        new = not path.exists()
        with path.open("a") as log:
            if new:
                log.write("step,loss,validation\n")
            validation = "" if self.validation is None else f"{self.validation:.6g}"
            log.write(f"{self.step},{self.loss:.6g},{validation}\n")
