"""How a report on a file reads: a line on standard error, or JSON."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any, TypeVar

from w2s_cli.cli.output import note, print_error, print_result, warn
from w2s_cli.errors import UsageError, few
from w2s_cli.registry import LICENCE

if TYPE_CHECKING:
    from w2s_cli.batch.jobs import Failure, Report, Reports
    from w2s_cli.batch.journal import Journal
    from w2s_cli.batch.resume import Kept
    from w2s_cli.pipeline.auto_method import Choice
    from w2s_cli.pipeline.diagnosis import ChannelDiagnosis
    from w2s_cli.pipeline.file_restoration import FileReport

    Told = TypeVar("Told", bound=Report)


def show_restored(outcome: "FileReport", *, quiet: bool) -> None:
    """Say in a line what was done; say in any case what speaks against it."""
    for warning in outcome.warnings:
        warn(f"{_name(outcome.source, 'standard input')}: {warning}")
    if quiet:
        return
    if outcome.choice:
        note(_chosen(outcome, outcome.choice))
    sentence = outcome.record.get("check", {}).get("sentence")
    if sentence and sentence not in outcome.warnings:
        note(f"{_name(outcome.source, 'standard input')}: {sentence}")
    facts = [_size(outcome.output_shape), f"x{outcome.scale}"]
    if known := [channel for channel in outcome.channels if channel.model]:
        facts.append(_noise(known))
    if outcome.clipped:
        facts.append(f"{outcome.clipped} pixels clipped")
    if outcome.redone:
        facts.append(f"in place of what was there: {outcome.redone}")
    facts.append(f"{outcome.seconds or 0:.1f} s")
    note(f"{_arrow(outcome)}: {', '.join(facts)}")


class RestoredDisplay:
    """Says of each restored file what was done, and after the first the licences."""

    def __init__(self, method: str, *, quiet: bool) -> None:
        self._licences_of = "" if quiet else method
        self._quiet, self._kept = quiet, 0

    def __call__(self, outcome: "FileReport | Kept") -> None:
        """Say it of one file."""
        from w2s_cli.batch.resume import Kept
        from w2s_cli.methods.build import parse

        if isinstance(outcome, Kept):
            self._kept += 1
            return
        methods = parse(self._licences_of) if self._licences_of else ()
        for entry in dict.fromkeys(methods):
            if entry.licence != LICENCE:
                note(f"{entry.name}: licence: {entry.licence} ({entry.source})")
        self._licences_of = ""
        show_restored(outcome, quiet=self._quiet)

    def end(self, journal: "Journal | None", preview: Path | None) -> None:
        """Say what was there already, and what else there is to look at."""
        if journal and journal.trouble:
            warn(f"there is no journal of this run: {journal.trouble}")
        if self._quiet:
            return
        if self._kept:
            note(f"there already: {self._kept}")
        if preview and preview.exists():
            note(f"look at {preview}")


def show_plan(plan: "FileReport | Kept", *, quiet: bool = False) -> None:
    """Print what would be done; say in any case what speaks against it."""
    from w2s_cli.batch.resume import Kept

    if isinstance(plan, Kept):
        if not quiet:
            print_result(f"{plan.target} is there already")
        return
    for warning in plan.warnings:
        warn(f"{_name(plan.source, 'standard input')}: {warning}")
    if quiet:
        return
    if plan.choice:
        note(_chosen(plan, plan.choice))
    print_result(
        f"{_arrow(plan)}: {plan.axes} {_size(plan.input_shape)} to "
        f"{_size(plan.output_shape)} {plan.dtype}, {plan.method}{_fitting(plan)}, "
        f"{plan.tiles} tiles of {plan.tile}, about {plan.memory >> 20} MiB of memory"
    )


def _fitting(plan: "FileReport") -> str:
    if not plan.steps:
        return ""
    others = plan.learns_from != (plan.source,)
    files = f" from {few(plan.learns_from)}" if others else ""
    return f" (learns first, in {plan.steps} steps{files})"


def _chosen(report: "FileReport", choice: "Choice") -> str:
    name = _name(report.source, "standard input")
    asked = str(report.record["method"]).partition("+")[0]
    return f"{name}: {asked} takes {choice.method}: {choice.reason}"


def show_failure(failure: "Failure") -> None:
    """Say why a file was not done; what ends all is said once, when it has ended."""
    from w2s_cli.batch.jobs import EndedError

    if isinstance(failure.error, EndedError):
        return
    message = str(failure.error)
    source = _name(failure.source, "standard input")
    named = (
        source in message
        or _name(failure.target or failure.source, "standard output") in message
    )
    print_error(failure.error, "" if named else source)


SCHEMA = 1  # raised when a key of the JSON changes its meaning or goes


@dataclass(frozen=True)
class Form:
    """How reports on files are printed, beside what is said on standard error."""

    as_json: bool = False  # one array, at the end
    as_lines: bool = False  # a line a file, as soon as it is done

    def __post_init__(self) -> None:
        if self.as_json and self.as_lines:
            raise UsageError(
                "--json and --json-lines both want standard output", hint="drop one"
            )

    @property
    def option(self) -> str:
        """Return the option that fills standard output with JSON; "" for none."""
        return "--json" if self.as_json else "--json-lines" if self.as_lines else ""


def tell(
    found: "Reports[Told]",
    show: "Callable[[Told], None]",
    form: Form,
    fail: "Callable[[Failure], None]" = show_failure,
    kept: "Callable[[Told], Told] | None" = None,
) -> "list[Told | Failure]":
    """Tell of each file as soon as it is known what became of it; return all reports.

    Of a report `kept` returns what is wanted later: files may be a million. An
    interruption is raised when that is said too.
    """
    from w2s_cli.batch.jobs import Failure

    reports: list[Told | Failure] = []
    told: list[str] = []
    interrupt = None

    def take(report: "Told | Failure") -> None:
        if isinstance(report, Failure):
            if report.begun:
                fail(report)
            _without_frames(report.error)
            reports.append(report)
        else:
            show(report)
            reports.append(kept(report) if kept else report)
        if form.as_lines:
            print_result(json.dumps(_facts(report)))
        elif form.as_json:
            told.append(json.dumps(_facts(report), indent=2))

    try:
        for report in found:
            take(report)
    except KeyboardInterrupt as error:
        interrupt = error
        with suppress(KeyboardInterrupt):  # of what was told in full already
            take(found.throw(error))
            for report in found:
                take(report)
    missing = [one for one in reports if isinstance(one, Failure) and one.ends]
    if missing and len(reports) > 1:
        names = few([one.source for one in missing])
        note(f"not done: {len(missing)} of {len(reports)} files: {names}")
    if form.as_json:
        rows = indent(",\n".join(told), "  ")
        print_result(f"[\n{rows}\n]" if told else "[]")
    if interrupt:
        raise interrupt
    return reports


def _without_frames(error: BaseException | None) -> None:
    """Let go of what the functions held that an error came through: planes."""
    while error:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _facts(report: "Report") -> dict[str, Any]:
    return {"schema": SCHEMA, **report.as_json()}


def _arrow(report: "FileReport") -> str:
    source = _name(report.source, "standard input")
    return f"{source} -> {_name(report.target, 'standard output')}"


def _name(path: Path, stream: str) -> str:
    return stream if str(path) == "-" else str(path)


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _noise(channels: "Sequence[ChannelDiagnosis]") -> str:
    """Return the noise of an image, by channel where it has several."""
    named = [
        (f"{channel.name}: " if len(channels) > 1 else "")
        + f"gain {model.gain:.3g}, offset {model.offset:.4g}, "
        f"read noise {model.read_noise:.3g}"
        for channel in channels
        if (model := channel.noise)
    ]
    return f"noise {channels[0].origin} ({'; '.join(named)})"
