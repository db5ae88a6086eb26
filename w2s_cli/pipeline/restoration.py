"""The one place that knows the order: open, diagnose, choose, fit, restore, record.

The command line, the Python API, the bench and the speed test all come through here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from w2s_cli import __version__
from w2s_cli.io.write_behind import Stages
from w2s_cli.methods import OWN
from w2s_cli.methods.build import chain_record, parse
from w2s_cli.microscope.defects import Kinds
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.auto_method import Choice, chosen, resolve_auto
from w2s_cli.pipeline.defect_repair import Repairs, defect_finders, map_for
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.diagnosis import Diagnosis
from w2s_cli.pipeline.memory_forecast import fitting_tile, overlaps
from w2s_cli.pipeline.network_check import NetworkCheck, Watched
from w2s_cli.pipeline.output_type import output_type, rounds
from w2s_cli.pipeline.prepared_planes import PreparedPlanes
from w2s_cli.pipeline.read_ahead import ReadAhead
from w2s_cli.pipeline.restored_planes import BandReader, RestoredPlanes, Tally, plain
from w2s_cli.pipeline.shared_fitting import (
    FittedMethods,
    check_fitted,
    check_savable,
)
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.pipeline.uncertainty import Uncertainty, find_uncertainty
from w2s_cli.pipeline.unknown_areas import UnknownAreas
from w2s_cli.restorers import TILE
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.fitting import fit_channels
from w2s_cli.restorers.restorer import FitProgress, Fittable, Restorer
from w2s_cli.restorers.tiling import tile_count
from w2s_cli.restorers.units import DisplayRange
from w2s_cli.stack import Stack


def bound_chains(
    stack: Stack,
    chain: Chain,
    noise: Mapping[int, NoiseModel] | None = None,
    display_ranges: Mapping[int, DisplayRange] | None = None,
    fitted: Mapping[int, Fittable] | None = None,
) -> list[Chain]:
    """Return the chain for each channel, taking and giving its counts."""
    facts = {"noise": noise, "display_range": display_ranges, "fitted": fitted}
    return [
        chain.bound(**{name: by[number] for name, by in facts.items() if by})  # type: ignore[arg-type]
        for number in range(stack.channel_count)
    ]


def restore_planes(
    stack: Stack,
    chain: Chain,
    noise: Mapping[int, NoiseModel] | None = None,
    display_ranges: Mapping[int, DisplayRange] | None = None,
    fitted: Mapping[int, Fittable] | None = None,
    *,
    dtype: np.dtype[Any] | None = None,
    checks: Mapping[int, NetworkCheck] | None = None,
    tile: int = TILE,
    on_tile: Callable[[], None] = lambda: None,
    bands: BandReader | None = None,
    stages: Stages | None = None,
    uncertainty: Uncertainty | None = None,
) -> tuple[Stack, Tally]:
    """Return the restored stack, each plane, or part, computed when it is asked for.

    Its pixels are of `dtype`, or of that of the stack. `bands` gives the rows of planes
    that are ready for a method; else they are taken as they are. With `stages` the
    next are read in a thread, and the time is measured there. The standard errors are
    kept where they are wanted.
    """
    scale, dtype = chain.traits.scale, dtype or stack.data.dtype
    tally = Tally()
    chains = bound_chains(stack, chain, noise, display_ranges, fitted)
    for number, check in (checks or {}).items():
        first, *others = chains[number].links
        chains[number] = Chain([Watched(first, check), *others])

    restorers: list[Restorer] = [*chains]
    if uncertainty:
        restorers = [uncertainty.beside(*one) for one in enumerate(chains)]

    *lead, height, width = stack.data.shape
    planes = RestoredPlanes(
        (*lead, height * scale, width * scale),
        dtype,
        bands or plain(stack),
        lambda index: restorers[stack.channel_of(index)],
        tile,
        tally,
        on_tile,
        uncertainty.planes.put if uncertainty else None,
    )
    if stages:
        planes.read = ReadAhead(planes.read, planes.order, stages)
    restored = replace(
        stack,
        data=planes,
        pixel_size={
            axis: size / scale if axis in "YX" else size
            for axis, size in stack.pixel_size.items()
        },
        chunk=(min(planes.rows, height) * scale, width * scale),
    )
    return restored, tally


@dataclass(frozen=True, slots=True)
class RestoreProgress:
    """What to call on the way."""

    # Called with the number of tiles
    started: Callable[[int], None] = lambda tiles: None
    tile: Callable[[], None] = lambda: None  # called after each tile
    # Called with a channel; gives what to call after each step of fitting
    fit: Callable[[int], FitProgress] = lambda channel: lambda step, steps, loss: None


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """All that is decided before a plane of a stack is restored; it can be pickled."""

    spec: RestoreSpec  # what was asked for
    choice: Choice | None  # which method, where that was left open
    diagnosis: Diagnosis  # with the noise, also for methods that do not need it
    fitted: FittedMethods  # the method that was fitted, by channel; empty for others
    dtype: np.dtype[Any]
    rounding: Sequence[str]  # what whole counts do to the light, if anything
    tile: int
    judge: bool  # whether what a network takes away is compared with the noise


@dataclass(frozen=True, slots=True, eq=False)
class Restoration:
    """A stack that is restored as its planes are read, and what is known of it."""

    decided: Decisions
    source: Stack  # the stack before, of the channels that were asked for
    image: Stack  # the restored stack; lazy
    method: str  # the methods that were taken, without `auto`
    chain: Chain
    diagnosis: Diagnosis  # what was found in the stack before
    tally: Tally  # complete when every plane of the image has been read
    repairs: Repairs  # what was repaired before; complete at the same time
    unknown: UnknownAreas  # what was left as it is; complete at the same time
    # Seconds of each stage, where they overlap: the image is to be read in order then
    stages: Stages | None = None
    # Whether the first method fits the image, by channel; complete with the tally
    checks: Mapping[int, NetworkCheck] = field(default_factory=dict)
    uncertainty: Uncertainty | None = None  # where the standard errors are wanted

    @property
    def choice(self) -> Choice | None:
        """Return why those methods, where that was left open."""
        return self.decided.choice

    @property
    def fitted(self) -> FittedMethods:
        """Return the method that was fitted, by channel; empty for others."""
        return self.decided.fitted

    @property
    def tile(self) -> int:
        """Return the side of the tiles, in input pixels."""
        return self.decided.tile

    @property
    def warnings(self) -> list[str]:
        """Return why the result should be looked at twice."""
        chosen = self.choice.warnings if self.choice else []
        methods = [link.traits for link in self.chain.links]
        found = self.diagnosis.warnings_for(methods)
        told = any(
            one.unknown for channel in self.diagnosis.channels for one in channel.planes
        )
        words = self.unknown.words
        kept = [words] if words and not told else []
        unsure = self.uncertainty.doubts if self.uncertainty else ()
        said = [*self.source.warnings, *chosen, *found, *self.decided.rounding]
        said += [*kept, *unsure]
        return said + self._misfits()

    def _misfits(self) -> list[str]:
        """Return where the first method does not fit a channel, if it is a network."""
        name = parse(self.method)[0].name
        own = name in OWN and not self.decided.spec.weights
        hazeless = self.chain.links[0].traits.hazeless
        several = len(self.checks) > 1
        return [
            f"channel {self.diagnosis.channels[number].name}: " * several + doubt
            for number, check in self.checks.items()
            if (doubt := check.doubt(name, shipped=own, hazeless=hazeless))
        ]

    @property
    def chains(self) -> list[Chain]:
        """Return the methods for each channel, from its counts to counts."""
        found = self.diagnosis
        return bound_chains(
            self.source, self.chain, found.noise, found.display_ranges, self.fitted
        )

    def found(self) -> dict[str, Any]:
        """Return what was found out and chosen, as a part of a JSON object."""
        learned = [dict(one.traits.provenance) for one in self.fitted.values()]
        methods = [link.traits for link in self.chain.links]
        invented = self.diagnosis.inventions_by(methods)
        return {
            **({"auto": self.choice.as_json()} if self.choice else {}),
            **self.diagnosis.as_json(),
            **({"expected_inventions": invented} if invented else {}),
            **({"learned": learned} if learned else {}),
        }

    @property
    def record(self) -> dict[str, Any]:
        """Return what an output says of its making; the same run says the same."""
        return {
            **record_head(self.decided.spec, self.method, self.chain),
            "tile": self.tile,
            "dtype": str(self.image.data.dtype),
            **self.found(),
            **self.repairs.as_json(),
            **self.unknown.as_json(),
            **({"uncertainty": self.uncertainty.as_json()} if self.uncertainty else {}),
            "clipped": self.tally.clipped,
            "warnings": self.warnings,
        }


def checks_of(diagnosis: Diagnosis, scale: int) -> dict[int, NetworkCheck]:
    """Return what compares a network's residual with the noise that channels show.

    Correlated noise is warned of as such, and so is noise that was given wrongly.
    """
    return {
        number: NetworkCheck(one.fit.model, scale)
        for number, one in enumerate(diagnosis.channels)
        if one.fit and one.white and one.noise_fits
    }


def record_head(spec: RestoreSpec, method: str, chain: Chain) -> dict[str, Any]:
    """Return what the record says before any pixel is looked at."""
    return {
        "tool": "w2s",
        "version": __version__,
        "command": "restore",
        **spec.as_record(),
        "links": chain_record(method, chain),
    }


def restore_stack(
    spec: RestoreSpec,
    stack: Stack,
    *,
    given: Sequence[NoiseModel] | None = None,
    chain: Chain | None = None,
    diagnosis: Diagnosis | None = None,
    fitted: FittedMethods | None = None,
    progress: RestoreProgress | None = None,
    judge: bool = True,
    overlap: bool = False,
) -> Restoration:
    """Return a restored stack, its planes computed when they are read.

    What is `given`, diagnosed or fitted already, and methods that are built, are used;
    the rest is done here: a few planes are read to diagnose the stack, and all that are
    learned from to fit a method. `given` stands for the noise models of every file.
    What a network takes away is compared with the noise, unless `judge` is unset.
    With `overlap` the next rows are read ahead, if there is room for them.
    """
    progress = progress or RestoreProgress()
    chain = chain or spec.chain()
    part = spec.part(stack)
    known = map_for(spec, part)
    judge = judge and diagnosis is None and chain.links[0].traits.trained
    if diagnosis is None:
        diagnosis = diagnose(
            part,
            spec.noise.everywhere if given is None else given,
            noise=chain.needs_noise or judge or spec.uncertainty,
            display_range=chain.needs_range,
            known_range=spec.display_range,
            shown_by=chain.shown_by,
            defects=spec.defects != "keep" and chain.needs_noise,
            even_lines=spec.defects == "all",
            known_defects=known,
            levels=rounds(spec, part, chain),
        )
    part, ready = _ready(part, diagnosis, known)
    method, chain, choice = resolve_auto(spec, chain, diagnosis)
    used = diagnosis if chain.needs_noise else diagnosis.without_noise()
    if fitted:
        check_fitted(fitted, part, spec.train_on)
    check_savable(spec, part.channel_count)
    fitted = fitted or fit_channels(part, chain, used.noise, progress.fit)
    dtype, rounding = output_type(spec, part, chain, used)
    decided = Decisions(
        *(spec, choice, diagnosis, fitted, dtype, rounding),
        fitting_tile(spec, part, chain, dtype, repaired=ready.repairing),
        judge or (choice is not None and chain.links[0].traits.trained),
    )
    overlap = overlap and overlaps(
        *(spec, part, chain, decided.tile, dtype), repaired=ready.repairing
    )
    progress.started(tiles_of(part, chain, decided.tile))
    how = progress.tile, Stages() if overlap else None
    return _restoration(decided, method, chain, part, ready, *how)


def restore_as_decided(decided: Decisions, stack: Stack, chain: Chain) -> Restoration:
    """Return the restoration that was decided on for the same image elsewhere.

    `chain` is that of the specification.
    """
    spec = decided.spec
    part = spec.part(stack)
    part, ready = _ready(part, decided.diagnosis, map_for(spec, part))
    method, chain = chosen(spec, chain, decided.choice)
    return _restoration(decided, method, chain, part, ready)


def _ready(
    part: Stack, diagnosis: Diagnosis, known: Kinds | None
) -> tuple[Stack, PreparedPlanes]:
    """Return a stack whose planes are ready for a method, and these."""
    finders = defect_finders(part, diagnosis, known)
    ready = PreparedPlanes(part, finders, diagnosis.blank_channels)
    return replace(part, data=ready, chunk=part.chunk or (1, 1)), ready


def _restoration(
    decided: Decisions,
    method: str,
    chain: Chain,
    part: Stack,
    ready: PreparedPlanes,
    on_tile: Callable[[], None] = lambda: None,
    stages: Stages | None = None,
) -> Restoration:
    found = decided.diagnosis
    scale = chain.links[0].traits.scale
    checks = checks_of(found, scale) if decided.judge else {}
    uncertainty = find_uncertainty(decided.spec, method, chain, found, part)
    if not chain.needs_noise:
        found = found.without_noise()
    if stages:
        ready.given_up = lambda: stages.given_up
    image, tally = restore_planes(
        *(part, chain, found.noise, found.display_ranges, decided.fitted),
        dtype=decided.dtype,
        checks=checks,
        tile=decided.tile,
        on_tile=on_tile,
        bands=ready.band,
        stages=stages,
        uncertainty=uncertainty,
    )
    if uncertainty:
        uncertainty.planes.restore = image.data.__getitem__
    return Restoration(
        *(decided, part, image, method, chain, found, tally),
        *(ready.repairs, ready.unknown, stages, checks, uncertainty),
    )


def tiles_of(stack: Stack, chain: Chain, tile: int) -> int:
    """Return how many tiles a stack is cut into."""
    *leading, height, width = stack.data.shape
    return prod(leading) * tile_count(height, width, chain.traits, tile)
