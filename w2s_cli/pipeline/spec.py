"""How a file is to be restored."""

from dataclasses import dataclass, field
from pathlib import Path

from w2s_cli.errors import UsageError
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.methods.build import build, parse
from w2s_cli.restorers.chain import Chain
from w2s_cli.stack import Stack


@dataclass(frozen=True, slots=True)
class RestoreSpec:
    """How to restore a file.

    Attributes
    ----------
    method, options, weights, device, precision
        The chain of methods: see `w2s_cli.methods.build.build`.
    noise
        What is known of the noise of the files; estimated where nothing is.
    axes
        The axes of the file, where its metadata have none or are wrong.
    channel
        The one channel to restore, by name or number; all of them where None.
    tile
        Side of a tile, in input pixels.
    overwrite
        Whether an output that exists is replaced.
    train_on
        Files for a method that learns to learn from; each input by itself without.
    save_weights
        Where what it has learned is copied to.
    """

    method: str = "jdsr"
    options: tuple[str, ...] = ()
    weights: tuple[Path, ...] = ()
    device: str = "auto"
    precision: str = "auto"
    noise: GivenNoise = field(default_factory=GivenNoise)
    axes: str | None = None
    channel: str | None = None
    tile: int = 512
    overwrite: bool = False
    train_on: tuple[Path, ...] = ()
    save_weights: Path | None = None

    def part(self, stack: Stack) -> Stack:
        """Return the part of a stack that the job is about."""
        return stack if self.channel is None else stack.only_channel(self.channel)

    def chain(self) -> Chain:
        """Return the chain of methods, built once for all files.

        Raises
        ------
        UsageError
            When there is no such method or option, or when `auto` does not come first.
        WeightsError
            When the weights of a network cannot be had.
        """
        if any(entry.name == "auto" for entry in parse(self.method)[1:]):
            raise UsageError(
                f"auto must come first, found {self.method}",
                hint="it goes by the noise of the camera, which other methods change",
            )
        chain = build(
            self.method, self.options, self.weights, self.device, self.precision
        )
        _ = chain.traits  # loads the weights: what is wrong with them shows now
        return chain
