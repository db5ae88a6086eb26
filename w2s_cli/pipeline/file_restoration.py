"""One file into another: what would be done, and the doing, told in the same terms."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from w2s_cli.io import left_out, write_image
from w2s_cli.io.atomic_files import claimed, remove_strays
from w2s_cli.io.content import History
from w2s_cli.io.fingerprints import InputHash, identity
from w2s_cli.io.ome_zarr_writing import ZarrOutput
from w2s_cli.io.targets import (
    STREAM,
    check_target,
    make_folder,
    spooled_input,
    spooled_output,
)
from w2s_cli.io.write_behind import Behind, at_once
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.auto_method import Choice, resolve_auto
from w2s_cli.pipeline.defect_repair import map_for
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.diagnosis import ChannelDiagnosis, Diagnosis
from w2s_cli.pipeline.memory_forecast import fitting_tile, memory_needed, overlaps
from w2s_cli.pipeline.output_type import output_type
from w2s_cli.pipeline.request import INPUT, NAME, REQUEST, request
from w2s_cli.pipeline.restoration import (
    Restoration,
    RestoreProgress,
    record_head,
    restore_stack,
    tiles_of,
)
from w2s_cli.pipeline.shared_fitting import (
    FittedMethods,
    check_savable,
    save_weights,
)
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.pipeline.uncertainty import check_map, refuse_map
from w2s_cli.restorers.chain import Chain
from w2s_cli.stack import Stack

if TYPE_CHECKING:
    from w2s_cli.pipeline.output_check import OutputCheck


Spread: TypeAlias = Callable[[Restoration, Path, Path, RestoreProgress], None]
"""Makes an output of OME-Zarr of a file, and has its pixels written, of all sizes."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """A file that is restored, or would be."""

    source: Path
    target: Path
    axes: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    dtype: str  # of the output's pixels, where dim light asks for no other
    scale: int  # output pixels per input pixel along Y and X
    method: str  # the methods that are taken, without `auto`
    tile: int  # its side, in input pixels
    tiles: int
    memory: int  # bytes of main memory that it takes at most, about
    record: Mapping[str, Any]  # of the output; without what the pixels are yet to tell
    warnings: tuple[str, ...] = ()  # why the result should be looked at twice
    # Which method was taken, and why, where that was left open
    choice: Choice | None = None
    # How many steps it takes to fit the method before, in all channels; none where
    # weights are given
    steps: int = 0
    learns_from: tuple[Path, ...] = ()
    channels: tuple[ChannelDiagnosis, ...] = ()  # what the input showed, by channel
    # Of a file that is done: output pixels that did not fit into the dtype, wall time
    clipped: int | None = None
    seconds: float | None = None
    # The share of the time in which each stage worked, where they overlapped
    utilisation: Mapping[str, float] = field(default_factory=dict)
    # Whether the output agrees with its input; None where that was not looked at
    consistent: bool | None = None
    error_map: Path | None = None  # the standard errors, where they were written
    redone: str = ""  # why, where there was an output already

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON object; null for what is not known yet."""
        files = [str(file) for file in self.learns_from]
        done = self.seconds is not None
        return {
            "status": "done" if done else "planned",
            "source": str(self.source),
            "target": str(self.target),
            "axes": self.axes,
            "input_shape": [*self.input_shape],
            "output_shape": [*self.output_shape],
            "dtype": self.dtype,
            "scale": self.scale,
            "method": self.method,
            "auto": self.choice.as_json() if self.choice else None,
            "learning": {"steps": self.steps, "from": files} if self.steps else None,
            "tile": self.tile,
            "tiles": self.tiles,
            "memory_bytes": self.memory,
            "record": dict(self.record),
            "warnings": [*self.warnings],
            "clipped_pixels": self.clipped,
            "consistent": self.consistent,
            "error_map": str(self.error_map) if self.error_map else None,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            **({"utilisation": {**self.utilisation}} if self.utilisation else {}),
            **({"redone": self.redone} if self.redone else {}),
        }


def plan_file(
    spec: RestoreSpec, chain: Chain, source: Path, target: Path
) -> FileReport:
    """Return what `restore_file` would do; nothing is written.

    No pixel is read, unless the method is to be chosen by the image.
    """
    with spooled_input(source) as file, spec.opened(file) as whole:
        refuse_map(whole, source)
        if target != STREAM and target.parent.exists():
            check_target(target, overwrite=spec.overwrite)
        error_map = check_map(target, spec.error_map) if spec.uncertainty else None
        if error_map and error_map.parent.exists():
            check_target(error_map, overwrite=spec.overwrite)
        stack = spec.in_form(spec.part(whole), target)
        check_savable(spec, stack.channel_count)
        given, method, choice = spec.noise.of(source), spec.method, None
        if any(link.traits.automatic for link in chain.links):
            method, chain, choice = resolve_auto(spec, chain, diagnose(stack, given))
        dtype = output_type(spec, stack, chain, Diagnosis())[0]
        tile = fitting_tile(spec, stack, chain, dtype)
        return FileReport(
            source,
            target,
            **_outline(
                *(spec, stack, chain, tile, dtype),
                overlapped=overlaps(spec, stack, chain, tile, dtype),
            ),
            method=method,
            record={
                **record_head(spec, method, chain),
                **({"auto": choice.as_json()} if choice else {}),
            },
            warnings=(*stack.warnings, *(choice.warnings if choice else ())),
            choice=choice,
            error_map=error_map,
            steps=_steps(chain, stack),
            learns_from=spec.train_on or (source,),
        )


def _outline(
    spec: RestoreSpec,
    stack: Stack,
    chain: Chain,
    tile: int,
    dtype: np.dtype[Any],
    **how: bool,
) -> dict[str, Any]:
    """Return what is known of an output before its pixels are, as in `FileReport`."""
    *lead, height, width = stack.data.shape
    scale = chain.traits.scale
    how |= {"checked": spec.check, "uncertainty": spec.uncertainty}
    return {
        "axes": stack.axes,
        "input_shape": stack.data.shape,
        "output_shape": (*lead, height * scale, width * scale),
        "dtype": str(dtype),
        "scale": scale,
        "tile": tile,
        "tiles": tiles_of(stack, chain, tile),
        "memory": memory_needed(stack, chain, tile, dtype, **how),
    }


def _steps(chain: Chain, stack: Stack) -> int:
    """Return how many steps it takes to fit the methods to all channels."""
    fit = chain.to_fit.traits.fit if chain.to_fit else None
    return fit.steps * stack.channel_count if fit else 0


def restore_file(
    spec: RestoreSpec,
    chain: Chain,
    source: Path,
    target: Path,
    *,
    fitted: FittedMethods | None = None,
    progress: RestoreProgress | None = None,
    into_folder: bool = False,
    spread: Spread | None = None,
) -> FileReport:
    """Restore `source` into `target`, plane by plane.

    With `into_folder` the folder of the target is made, once the source is open. What
    is given as `spread` has others write the pixels of OME-Zarr.
    """
    progress = progress or RestoreProgress()
    start = perf_counter()
    asked = request(spec, chain, source)
    error_map = check_map(target, spec.error_map) if spec.uncertainty else None
    if target.suffix.lower() == ".png" and spec.dtype == "auto":
        spec = replace(spec, dtype="input")  # a PNG holds nothing else
    with (
        spooled_input(source) as file,
        _opened(spec, file) as (stack, hashed),
        _claim(spec, target, into_folder=into_folder),
        _claim(spec, error_map or STREAM, into_folder=into_folder),
        spooled_output(target) as spooled,
    ):
        refuse_map(stack, source)
        result = restore_stack(
            spec,
            stack,
            given=spec.noise.of(source),
            chain=chain,
            fitted=fitted,
            progress=progress,
            overlap=not spread,
        )
        image, check = spec.in_form(result.image, target), None
        if spec.check:
            check = _check(spec, stack, result, spec.noise.of(source))
            image = check.watched(image)

        unsure = result.uncertainty
        if unsure and error_map:
            unsure.planes.folder = str(error_map.parent)

        def record() -> dict[str, Any]:
            named = {} if source == STREAM else {NAME: source.name}
            found = {"check": check.as_json()} if check else {}
            facts = {INPUT: hashed.result(), REQUEST: asked}
            return {**result.record, **found, **named, **facts}

        def written_last() -> dict[str, Any]:
            facts = record()
            if unsure and error_map:  # before the image is there: it says that all is
                write_image(
                    spec.in_form(unsure.stack(result.image), error_map),
                    error_map,
                    overwrite=spec.overwrite,
                    record=lambda: unsure.history(facts),
                )
            return facts

        def write(_: Stack, path: Path, history: Callable[[], History]) -> None:
            assert spread
            spread(result, file, path, progress)
            output = ZarrOutput(path)
            if check:
                for index in image.indices():
                    check.add(index, output.plane(index))
            output.finish(history(), shrunk=True)

        stages = result.stages
        write_image(
            *(image, spooled),
            overwrite=spec.overwrite,
            record=written_last,
            write=write if spread else None,
            hand_over=Behind(stages) if stages else at_once,
        )
        if unsure:
            unsure.planes.close()
        if spec.save_weights and not fitted:
            save_weights(result.fitted, spec.save_weights, overwrite=spec.overwrite)
        written = record()  # while standard input is still there
    doubted = check and check.verdict in ("not consistent", "in doubt")
    doubts = [check.sentence] if check and doubted else []
    return FileReport(
        source,
        target,
        **_outline(
            *(spec, result.source, result.chain, result.tile, result.image.data.dtype),
            overlapped=bool(stages),
            repaired=bool(result.repairs.by_plane),
        ),
        method=result.method,
        utilisation=stages.as_json() if stages else {},
        record=written,
        warnings=(*result.warnings, *left_out(image, spooled), *doubts),
        consistent=check.consistent if check else None,
        error_map=error_map,
        choice=result.choice,
        steps=_steps(chain, result.source),
        learns_from=spec.train_on or (source,),
        channels=tuple(one.without_pixels for one in result.diagnosis.channels),
        clipped=result.tally.clipped,
        seconds=perf_counter() - start,
    )


def _check(
    spec: RestoreSpec, stack: Stack, result: Restoration, given: Sequence[NoiseModel]
) -> "OutputCheck":
    """Return what compares the output with its input as it is written."""
    from w2s_cli.pipeline.output_check import OutputCheck  # scipy.signal and more

    part, found = spec.part(stack), result.diagnosis
    known = [bool(one.fit) or one.origin == "blank" for one in found.channels]
    if not known or not all(known):
        found = diagnose(
            part,
            given,
            defects=spec.defects != "keep",
            even_lines=spec.defects == "all",
        )
    check = OutputCheck(part, found, known_defects=map_for(spec, part))
    _ = check.noise  # where it cannot be measured, that is told before the work
    return check


@contextmanager
def _opened(spec: RestoreSpec, file: Path) -> Iterator[tuple[Stack, InputHash]]:
    """Open an image, whose files are hashed while it is worked on."""
    before = identity(file) if file.is_file() else None
    with (
        spec.opened(file) as stack,
        InputHash(stack.extra.get("files", [file]), before) as hashed,
    ):
        yield stack, hashed


@contextmanager
def _claim(spec: RestoreSpec, target: Path, *, into_folder: bool) -> Iterator[None]:
    """Refuse a target that is there, or that another process is working on."""
    if target == STREAM:
        yield
        return
    if into_folder:
        make_folder(target.parent)
    remove_strays(target.parent)  # which may put back what is refused then
    check_target(target, overwrite=spec.overwrite)
    with nullcontext() if spec.overwrite else claimed(target):
        check_target(target, overwrite=spec.overwrite)  # the other one may be done
        yield
