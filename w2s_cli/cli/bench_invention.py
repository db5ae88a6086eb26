"""How `w2s bench --invention` measures what methods draw that is not there."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

from w2s_cli.cli import completion
from w2s_cli.cli.arguments import names, numbers, weight_files
from w2s_cli.cli.bench_claims import print_claims
from w2s_cli.cli.output import note, print_result, table, warn
from w2s_cli.cli.progress import progress
from w2s_cli.cli.typer_options import opt
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.bench.invention.invention_result import InventionResult
    from w2s_cli.pipeline.spec import RestoreSpec

USUAL = (
    "denoise+bicubic,jdsr,denoise-fast,jdsr-fast,denoise,bicubic,richardson-lucy,"
    "pure-let"
)
FIELDS = "1-12"

Invention = Annotated[
    bool,
    opt(
        "Measure what methods draw that is not there, on simulated fields.",
        "--invention",
    ),
]
Methods = Annotated[
    list[str] | None,
    opt(
        "With --invention: which.  [default: the networks that ship, bicubic, "
        "richardson-lucy, pure-let]",
        "--method",
        metavar="NAMES",
        complete=completion.chains,
    ),
]


def refuse_others(invention: bool, given: Mapping[str, object]) -> None:
    """Refuse options that have no meaning beside --invention, or without it."""
    if not invention:
        if given["--method"]:
            raise UsageError(
                "--method is for --invention",
                hint="name methods by --denoiser, --sr or --jdsr, or add --invention",
            )
        return
    others = [name for name, value in given.items() if value and name != "--method"]
    if others:
        raise UsageError(
            f"--invention simulates its own fields and counts what is false in them: "
            f"it has no use for {', '.join(others)}",
            hint=f"leave {'it' if len(others) == 1 else 'them'} out; methods are named "
            "by --method",
        )


def run(
    methods: Sequence[str] | None,
    *,
    levels: str | None,
    fields: str | None,
    weights: Sequence[str] | None,
    options: Sequence[str] | None,
    as_json: bool,
    report: Path | None,
    overwrite: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Measure, print, and write the page."""
    from w2s_cli.bench.invention.invention_result import InventionResult
    from w2s_cli.bench.invention.run_invention import run_invention
    from w2s_cli.bench.report.html_page import check_html
    from w2s_cli.bench.report.invention_page import write_invention_page

    if report:
        check_html(report, overwrite=overwrite)
    chosen = names(methods or ()) or tuple(USUAL.split(","))
    specs = specs_of(chosen, weight_files(weights or ()), options or (), **settings)
    seeds = numbers(fields or FIELDS, "--fields")
    lights = lights_of(levels)
    start = perf_counter()
    found, examples = [], []
    with progress("", quiet=quiet) as bar:
        bar.start(len(specs) * steps(lights))
        for some, example in run_invention(
            specs, seeds, lights=lights, on_row=bar.rename, on_method=bar.advance
        ):
            found += some
            examples.append(example)
    result = InventionResult(found, examples, perf_counter() - start)
    if as_json:
        print_result(json.dumps(result.as_json(), indent=2, allow_nan=False))
    else:
        print_text(result)
    if report:
        write_invention_page(result, report, overwrite=overwrite)
        if not quiet:
            note(f"look at {report}")


def specs_of(
    methods: Sequence[str],
    weights: Mapping[str, str],
    options: Sequence[str],
    **settings: Any,
) -> "list[RestoreSpec]":
    """Return what is to be run; a method that enlarges more than twice is refused."""
    from w2s_cli.methods.build import check_weights, options_for, weights_for
    from w2s_cli.pipeline.spec import RestoreSpec

    check_weights(methods, weights)
    specs = [
        RestoreSpec(name, tuple(own), weights_for(name, weights), **settings)
        for name, own in zip(methods, options_for(methods, options), strict=True)
    ]
    for spec in specs:
        if (scale := spec.chain().traits.scale) > 2:
            raise UsageError(
                f"{spec.method} enlarges x{scale}: the truths of --invention have "
                "twice the pixels",
                hint="name a method that keeps the size or doubles it",
            )
    return specs


def lights_of(levels: str | None) -> list[float]:
    """Return the levels of light that are asked for; none for all of each scene."""
    from w2s_cli.bench.invention.scenes import SCENES

    if not levels:
        return []
    known = sorted({light for scene in SCENES.values() for light in scene.lights})
    try:
        asked = [float(word) for word in levels.split(",")]
    except ValueError:
        asked = []
    if not asked or not {*asked} <= {*known}:
        raise UsageError(
            f"--levels of --invention are photons, of "
            f"{', '.join(f'{one:g}' for one in known)}; found {levels!r}",
            hint="such as --levels 5,20",
        )
    return asked


def steps(lights: Sequence[float]) -> int:
    """Return how many scenes there are, each level of light counted."""
    from w2s_cli.bench.invention.scenes import SCENES

    return sum(
        not lights or light in lights
        for scene in SCENES.values()
        for light in scene.lights
    )


def print_text(result: "InventionResult") -> None:
    """Print what the numbers mean, the table, and the claims."""
    from w2s_cli.bench.invention.invention_result import HEADS

    for subject, text in result.stated.items():
        print_result(f"{subject}: {text}")
    print_result()
    print_result(table([HEADS, *result.rows()]))
    print_claims(result.claims)
    for remark in result.remarks:
        warn(remark)
