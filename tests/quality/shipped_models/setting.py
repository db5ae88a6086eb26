"""What is checked, and under which circumstances."""

from dataclasses import dataclass
from pathlib import Path

from w2s_cli._typing import FloatArray
from w2s_cli.bench.config import MethodConfig, Row
from w2s_cli.bench.run_image import restored
from w2s_cli.datasets.data_set import ImagePair
from w2s_cli.microscope.noise_model import NoiseModel

BM3D = "vst+bm3d"  # the rival of denoisers


@dataclass(frozen=True, slots=True)
class Subject:
    """A method under test.

    Attributes
    ----------
    method, weights, options
        See `w2s_cli.methods.build.build`.
    """

    method: str
    weights: tuple[Path, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def scale(self) -> int:
        """Return the pixels of its output along one of its input."""
        return Row(self.method, "", 1, self.weights, self.options).scale

    def row(self, level: int = 1) -> Row:
        """Return it as a row of a bench, on the images of a level."""
        return Row(self.method, "", level, self.weights, self.options)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how methods are checked.

    Attributes
    ----------
    images
        The folder of real images; None for none.
    cache
        The folder where scores are kept.
    jobs
        Processes that share the images.
    device, precision, tile
        As for `w2s_cli.bench.config.MethodConfig`.
    """

    images: Path | None
    cache: Path
    jobs: int = 1
    device: str = "auto"
    precision: str = "auto"
    tile: int = 512

    @property
    def folder(self) -> Path:
        """Return the folder of real images, for a check that needs one."""
        assert self.images is not None  # without it the check is not run
        return self.images

    def config(self, *, known_noise: bool) -> MethodConfig:
        """Return how methods are run; rows put their methods into it."""
        return MethodConfig(
            device=self.device,
            precision=self.precision,
            tile=self.tile,
            known_noise=known_noise,
        )

    def restored(
        self, subject: Subject, counts: FloatArray, noise: NoiseModel | None
    ) -> FloatArray:
        """Return what a method makes of one image in counts.

        Parameters
        ----------
        subject
            The method.
        counts
            (Y, X).
        noise
            Of the camera; None to have it estimated.

        Raises
        ------
        InputError
            When the noise is to be estimated and cannot be.
        """
        pair = ImagePair("", "", counts, counts, None, noise)
        config = self.config(known_noise=noise is not None).of(subject.row())
        return restored(config, pair)
