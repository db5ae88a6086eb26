"""How a report on a file reads: a line on standard error, or JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from w2s_cli.cli.output import note, print_error, warn
from w2s_cli.errors import few
from w2s_cli.registry import LICENCE

if TYPE_CHECKING:
    from w2s_cli.batch.jobs import Failure, Report
    from w2s_cli.pipeline.auto_method import Choice
    from w2s_cli.pipeline.diagnosis import ChannelDiagnosis
    from w2s_cli.pipeline.plan import Plan
    from w2s_cli.pipeline.restoration import RestoredFile


def show_restored(outcome: "RestoredFile", *, quiet: bool) -> None:
    """Say in a line what was done; say in any case what speaks against it."""
    for warning in outcome.warnings:
        warn(f"{_name(outcome.source, 'standard input')}: {warning}")
    if quiet:
        return
    if outcome.choice:
        note(_chosen(outcome.source, outcome.choice))
    facts = [_size(outcome.shape), f"x{outcome.scale}"]
    facts += [_noise(channel) for channel in outcome.channels if channel.model]
    if outcome.clipped:
        facts.append(f"{outcome.clipped} pixels clipped")
    facts.append(f"{outcome.seconds:.1f} s")
    note(f"{_arrow(outcome)}: {', '.join(facts)}")


def show_licences(methods: str) -> None:
    """Say once of each of the methods what its licence asks, where it is another's."""
    from w2s_cli.methods.build import parse

    for entry in dict.fromkeys(parse(methods)):
        if entry.licence != LICENCE:
            note(f"{entry.name}: licence: {entry.licence} ({entry.source})")


def show_plan(plan: "Plan") -> None:
    """Print what would be done."""
    if plan.choice:
        note(_chosen(plan.source, plan.choice))
    typer.echo(
        f"{_arrow(plan)}: {plan.axes} {_size(plan.shape)} to "
        f"{_size(plan.output_shape)} {plan.dtype}, {plan.method}{_fitting(plan)}, "
        f"{plan.tiles} tiles of {plan.tile}, about {plan.memory >> 20} MiB of memory"
    )


def _fitting(plan: "Plan") -> str:
    if not plan.steps:
        return ""
    files = f" from {few(plan.train_on)}" if plan.train_on else ""
    return f" (learns first, in {plan.steps} steps{files})"


def _chosen(source: Path, choice: "Choice") -> str:
    name = _name(source, "standard input")
    return f"{name}: auto takes {choice.method}: {choice.reason}"


def show_failure(failure: "Failure") -> None:
    """Say why a file was not done."""
    message = str(failure.error)
    source = _name(failure.source, "standard input")
    named = (
        source in message
        or _name(failure.target or failure.source, "standard output") in message
    )
    print_error(failure.error, "" if named else source)


def document(reports: "Sequence[Report]") -> str:
    """Return reports as one JSON document."""
    return json.dumps([report.as_json() for report in reports], indent=2)


def _arrow(report: "RestoredFile | Plan") -> str:
    source = _name(report.source, "standard input")
    return f"{source} -> {_name(report.target, 'standard output')}"


def _name(path: Path, stream: str) -> str:
    return stream if str(path) == "-" else str(path)


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _noise(channel: "ChannelDiagnosis") -> str:
    model = channel.noise
    return (
        f"noise {channel.origin} (gain {model.gain:.3g}, offset {model.offset:.4g}, "
        f"read noise {model.read_noise:.3g})"
    )
