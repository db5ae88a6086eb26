"""The method that an image asks for where it is to be enlarged."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from w2s_cli.methods.shipped import Auto, Jdsr


@dataclass(frozen=True)
class AutoX2(Auto):
    """Stand for what an image is best enlarged by, until the image is known.

    `w2s_cli.pipeline.auto_method` puts that in its place; by itself it is `jdsr`.
    """

    fwhm: Annotated[
        float | None, "full width of the blur, as for jdsr, whose default it has"
    ] = None
    kernel: Annotated[Path | None, "file with the measured blur, as for jdsr"] = None

    def __post_init__(self) -> None:
        _ = self._shipped  # what is wrong with the blur shows before the work begins

    @property
    def told(self) -> tuple[str, ...]:
        """Return the options that `jdsr` is to have."""
        return tuple(f"{name}={value}" for name, value in self._blur.items())

    @property
    def _blur(self) -> dict[str, Any]:
        given = {"fwhm": self.fwhm, "kernel": self.kernel}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def _shipped(self) -> Jdsr:
        return Jdsr(None, self.device, self.precision, **self._blur)
