"""`w2s bench --suite`: whether the shipped models, or others, keep their promises."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from w2s_cli.cli.arguments import names
from w2s_cli.cli.output import table, warn
from w2s_cli.cli.progress import progress
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.bench.suite.finding import Finding, Outcome
    from w2s_cli.bench.suite.setting import Subject

Suite = Annotated[
    str | None,
    typer.Option(
        "--suite",
        help="Check what the models promise: shipped for all checks, or their names.",
        metavar="NAMES",
    ),
]
_TAKEN = frozenset(
    [
        *("suite", "denoiser", "jdsr", "weights", "option", "data", "cache"),
        *("jobs", "device", "precision", "tile", "as_json", "quiet"),
    ]
)
_HEADS = ["measured", "value", "goal", "", "figures"]


def check_suite_meant(context: typer.Context) -> None:
    """Refuse options that mean nothing with `--suite`.

    Raises
    ------
    UsageError
        When there is one on the command line.
    """
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        given = source is not None and source.name == "COMMANDLINE"
        if given and option.name not in _TAKEN:
            raise UsageError(
                f"{option.opts[0]} means nothing with --suite",
                hint="name the methods to check with --denoiser and --jdsr",
            )


def bench_suite(
    words: str,
    methods: Sequence[str],
    weights: Mapping[str, str],
    options: Sequence[str],
    *,
    data: str,
    cache: Path | None,
    as_json: bool,
    quiet: bool,
    **running: Any,
) -> NoReturn:
    """Run checks and print what they find, each when it is done.

    Raises
    ------
    W2SError
        When there is no such check, method, or folder, or a file cannot be read.
    typer.Exit
        With 1 when a check falls short.
    """
    from w2s_cli import __version__
    from w2s_cli.bench.suite.run import SHIPPED, checks_named, planned, run
    from w2s_cli.bench.suite.setting import Setting
    from w2s_cli.weights.cache import cache_folder

    subjects = subjects_of(methods or SHIPPED, weights, options)
    plan = planned(subjects, checks_named(names([words])))
    folder = _folder(data)
    outcomes = []
    with progress("", quiet=quiet) as bar:
        bar.start(len(plan))
        setting = Setting(folder, cache or cache_folder(), told=bar.rename, **running)
        for outcome in run(plan, setting):
            bar.advance()
            outcomes.append(outcome)
            if not as_json:
                show(outcome)
    if as_json:
        found = [outcome.as_json() for outcome in outcomes]
        record = {"version": __version__, "outcomes": found}
        typer.echo(json.dumps(record, indent=2, allow_nan=False))
    else:
        summarise(outcomes)
    raise typer.Exit(any(one.verdict == "falls short" for one in outcomes))


def subjects_of(
    methods: Sequence[str], weights: Mapping[str, str], options: Sequence[str]
) -> "list[Subject]":
    """Return the methods to check, with their files and options.

    Raises
    ------
    UsageError
        When weights or options are for none of them.
    """
    from w2s_cli.bench.suite.setting import Subject
    from w2s_cli.methods.build import options_for

    if unknown := sorted(weights.keys() - {*methods}):
        raise UsageError(
            f"weights are given for {unknown[0]}, which is not checked",
            hint="write --weights METHOD=FILE, with METHOD as in --denoiser",
        )
    files = {name: (Path(file),) for name, file in weights.items()}
    return [
        Subject(name, files.get(name, ()), has)
        for name, has in zip(methods, options_for(methods, options), strict=True)
    ]


def show(outcome: "Outcome") -> None:
    """Print the table of one check."""
    typer.echo(f"{outcome.check}, {outcome.method}: {outcome.summary}")
    if outcome.missing:
        typer.echo(f"not run: {outcome.missing}\n")
        return
    lines = [_cells(finding) for finding in outcome.findings]
    typer.echo(table([_HEADS, *lines]) + "\n")


def summarise(outcomes: "Sequence[Outcome]") -> None:
    """Print a line a check; on standard error, how many were not run."""
    lines = [[one.check, one.method, one.verdict.upper()] for one in outcomes]
    typer.echo(table([["check", "method", "verdict"], *lines]))
    idle = sum(one.verdict == "not run" for one in outcomes)
    if idle:
        warn(f"{idle} of {len(outcomes)} checks were not run, and have not passed")


def _cells(finding: "Finding") -> list[str]:
    verdict = "PASS" if finding.met else "FALLS SHORT"
    goal = f"{finding.rule} {finding.goal:.4g}"
    return [finding.what, f"{finding.value:.4g}", goal, verdict, finding.beside]


def _folder(data: str) -> Path | None:
    """Return the folder of real images; None where none is named.

    Raises
    ------
    UsageError
        When it is no folder.
    """
    from w2s_cli.datasets import SIMULATED

    if data == SIMULATED:
        return None
    if not Path(data).is_dir():
        raise UsageError(
            f"there is no folder {data}",
            hint="the checks look for w2s/, pairs_hagen/ and sim_pair/ in it",
        )
    return Path(data)
