"""The method that an image asks for where it is to be enlarged."""

from dataclasses import dataclass

from w2s_cli.methods.shipped import Auto, Jdsr


@dataclass(frozen=True)
class AutoX2(Auto):
    """Stand for what an image is best enlarged by, until the image is known.

    `w2s_cli.pipeline.auto_method` puts that in its place; by itself it is `jdsr`.
    """

    @property
    def _shipped(self) -> Jdsr:  # type: ignore[override]
        return Jdsr(None, self.device, self.precision)
