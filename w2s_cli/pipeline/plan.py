"""Say what a restoration would do, and what it would take."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from w2s_cli.io.targets import STREAM, check_target, spooled_input
from w2s_cli.pipeline.auto_method import Choice, resolve_auto
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.restoration import tiles_of
from w2s_cli.pipeline.shared_fitting import check_savable
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.fitting import MOST_PIXELS
from w2s_cli.stack import Stack

# Peak resident memory is about that of the program with its libraries, plus a few
# copies of the plane in hand, before and after, plus what a method works with: so
# many bytes a pixel of a tile with its margin: an input pixel where the method was
# trained, else an output pixel. Measured, and rounded up.
_PROGRAM = 100 << 20
_PLANE = 14
_TRAINED_PROGRAM = 300 << 20
_TRAINED_WORK = 1536  # in fp32; half of it or more in bf16
_WORK = 64
_FITTED = 4  # bytes a pixel of what is learned from


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done to a file."""

    source: Path
    target: Path
    axes: str
    dtype: str
    shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    method: str  # the chain of methods that was asked for
    tile: int  # its side, in input pixels
    tiles: int
    memory: int  # bytes of main memory that it takes at most, about
    # Which method would be taken, and why, where that was left open
    choice: Choice | None = None
    # How many it takes to fit the method before, in all channels; none where weights
    # are given
    steps: int = 0
    train_on: tuple[Path, ...] = ()  # what it would learn from, if not from the source

    def as_json(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return {
            "source": str(self.source),
            "target": str(self.target),
            "axes": self.axes,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "output_shape": list(self.output_shape),
            "method": self.method,
            **({"auto": self.choice.as_json()} if self.choice else {}),
            **({"learning": self._learning()} if self.steps else {}),
            "tile": self.tile,
            "tiles": self.tiles,
            "memory": self.memory,
        }

    def _learning(self) -> dict[str, Any]:
        files = self.train_on or (self.source,)
        return {"steps": self.steps, "from": [str(file) for file in files]}


def plan_file(spec: RestoreSpec, chain: Chain, source: Path, target: Path) -> Plan:
    """Return what `restore_file` would do; nothing is written.

    No pixel is read, unless the method is to be chosen by the image.
    """
    if target != STREAM and target.parent.exists():
        check_target(target, overwrite=spec.overwrite)
    with spooled_input(source) as file, spec.opened(file) as whole:
        stack = spec.part(whole)
        check_savable(spec, stack.channel_count)
        given, choice = spec.noise.of(source), None
        if any(link.traits.automatic for link in chain.links):
            _, chain, _, choice = resolve_auto(spec, chain, diagnose(stack, given))
        *lead, height, width = stack.data.shape
        scale = chain.traits.scale
        fit = chain.to_fit.traits.fit if chain.to_fit else None
        return Plan(
            source,
            target,
            stack.axes,
            str(stack.data.dtype),
            stack.data.shape,
            (*lead, height * scale, width * scale),
            spec.method,
            spec.tile,
            tiles_of(stack, chain, spec.tile),
            memory_needed(stack, chain, spec.tile),
            choice,
            fit.steps * stack.channel_count if fit else 0,
            spec.train_on,
        )


def memory_needed(stack: Stack, chain: Chain, tile: int) -> int:
    """Return about how many bytes of memory a stack takes at most."""
    traits = chain.traits
    height, width = stack.data.shape[-2:]
    trained = any(link.traits.trained for link in chain.links)
    planes = height * width * (1 + traits.scale**2) * _PLANE
    sides = [
        side if traits.whole else min(side, tile + 2 * traits.margin)
        for side in (height, width)
    ]
    each = _TRAINED_WORK if trained else _WORK * traits.scale**2
    work = sides[0] * sides[1] * each
    to_restore = (_TRAINED_PROGRAM if trained else _PROGRAM) + planes + work
    fit = chain.to_fit.traits.fit if chain.to_fit else None
    if not fit or not fit.steps:
        return to_restore
    pixels = min(prod(stack.data.shape) // stack.channel_count, MOST_PIXELS)
    return max(_TRAINED_PROGRAM + fit.memory + pixels * _FITTED, to_restore)
