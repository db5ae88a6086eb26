"""What the commands that draw a plot share."""

from collections.abc import Sequence
from pathlib import Path

from w2s_cli.errors import UsageError


def check_plot(plot: Path, inputs: Sequence[Path], *, overwrite: bool) -> None:
    """Find out before the work whether a plot can be written.

    Raises
    ------
    UsageError
        When it is no PNG file, or is an input.
    OutputError
        When it exists, or its folder cannot be written.
    """
    from w2s_cli.batch.pairs import check_spared
    from w2s_cli.files import check_target

    if plot.suffix.lower() != ".png":
        raise UsageError(f"the plot {plot} is no .png file", hint="name it FILE.png")
    check_target(plot, overwrite=overwrite)
    check_spared(plot, inputs)
