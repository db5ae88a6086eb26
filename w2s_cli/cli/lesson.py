"""How learning from an image shows itself."""

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from w2s_cli.cli.progress import Bar, progress
from w2s_cli.cli.telling import note
from w2s_cli.cli.wording import duration

if TYPE_CHECKING:
    from w2s_cli.batch.job import Job
    from w2s_cli.batch.learning import Lessons
    from w2s_cli.restore import Chain, Told

_WARM, _TIMED = 5, 20  # steps: the first are slower; then it is known how long all take


@dataclass(frozen=True)
class Lesson:
    """What is learned from, and the bar that shows how far it is."""

    name: str
    bar: Bar
    quiet: bool

    def of_channel(self, channel: int) -> "Told":
        """Return what to call after each step in a channel."""
        begun: list[float] = []
        name = f"{self.name}, channel {channel}" if channel else self.name

        def tell(step: int, steps: int, loss: float) -> None:
            begun.append(monotonic())
            if len(begun) == _TIMED and not self.quiet:
                each = (begun[-1] - begun[_WARM]) / (_TIMED - 1 - _WARM)
                left = each * (steps - step)
                note(f"{self.name}: at most {steps} steps, about {duration(left)}")
            self.bar.rename(f"{name}: loss {loss:.4g}")
            self.bar.reach(step, steps)

        return tell


def learned_before(job: "Job", chain: "Chain", *, quiet: bool) -> "Lessons":
    """Return what is learned from the files of `--train-on`, and save it as asked."""
    from w2s_cli.batch.learning import learned, save_weights

    name = str(job.train_on[0])
    with progress(name, quiet=quiet) as bar:
        lesson = Lesson(name, bar, quiet=quiet)
        lessons = learned(job, chain, job.train_on, lesson.of_channel)
    if job.save_weights:
        save_weights(lessons, job.save_weights)
    return lessons
