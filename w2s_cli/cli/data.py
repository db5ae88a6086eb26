"""`w2s data`: sets of images and their truths."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from w2s_cli.cli import completion
from w2s_cli.cli import options as ask
from w2s_cli.cli.arguments import names, numbers
from w2s_cli.cli.commands import Command, Commands
from w2s_cli.cli.output import note, print_error, print_json, print_result, table, warn
from w2s_cli.cli.progress import progress
from w2s_cli.cli.typer_options import arg, opt
from w2s_cli.errors import InputError, few

if TYPE_CHECKING:
    from w2s_cli.datasets.dataset_check import CheckResult
    from w2s_cli.datasets.preparation import PrepareResult


def show_checked(found: "CheckResult") -> None:
    """Print what a data set is, what is there, and what is not."""
    data = found.data
    facts = {
        "kind": f"{data.name}: {data.title}",
        "place": data.place,
        "unit": f"{data.unit} = {data.per_unit:.7g} in the values of the images",
        "fields": f"{len(found.groups)}: {brief(found.groups)}",
        "pairs": ", ".join(f"{split} {n}" for split, n in found.pairs.items())
        or "none",
    }
    if found.checksums:
        facts["checksums"] = f"{found.checksums} files compared"
    print_result(table([[key, value] for key, value in facts.items()]))
    lines = [
        [part.name, str(part.count), brief(part.missing) or "-"] for part in found.parts
    ]
    print_result("\n" + table([["part", "there", "missing"], *lines]))
    for fault in found.faults:
        named = fault.where in fault.reason
        warn(fault.reason if named else f"{fault.where} {fault.reason}")


def brief(names: Sequence[str]) -> str:
    """Return names in a few words: W2S images by ranges of fields, others by the first.

    All three channels of fields 1 to 3 are "1-3"; a field that is there in part is
    named with its channels.
    """
    from w2s_cli.datasets.data_set import field_of
    from w2s_cli.datasets.w2s import CHANNELS

    fields = [field_of(name) for name in names]
    if not all(len(one) == 3 and one.isdecimal() for one in fields):
        return few(names)
    whole = [f for f, n in Counter(fields).items() if n == CHANNELS or f in names]
    part = [name for name in names if field_of(name) not in whole]
    return ", ".join([*_ranges([int(field) for field in whole]), *part])


def _ranges(ordered: Sequence[int]) -> Iterator[str]:
    """Yield runs of numbers, as "1-3"."""
    for _, run in groupby(enumerate(ordered), key=lambda at: at[1] - at[0]):
        one = [number for _, number in run]
        yield str(one[0]) if len(one) == 1 else f"{one[0]}-{one[-1]}"


data = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None)

_Raw = Annotated[
    Path, arg("W2S_raw.zip, its folder, or the folder of z-scores.", metavar="RAW")
]
_Output = Annotated[
    Path, opt("The folder to write into.", "--output", "-o", metavar="OUT")
]
_Form = Annotated[
    str,
    opt(
        "normalized (z-scores, float32 NPY), png (8 bit), or both: a,b.", metavar="FORM"
    ),
]
_Levels = Annotated[str, opt("How many captures are averaged.", metavar="LIST")]
_Fields = Annotated[str, opt("Fields of view.", metavar="LIST")]
_NoSim = Annotated[bool, opt("Leave the SIM targets out.", "--no-sim")]
_Grays = Annotated[float, opt("Scale of PNGs; the authors' own is not published.")]
_Place = Annotated[
    str,
    arg(
        "A folder, a zip, or simulated.",
        metavar="PATH",
        complete=completion.data_places,
    ),
]
_Truth = Annotated[
    Path | None,
    opt("The folder of the truths, where PATH has images alone.", metavar="FOLDER"),
]
_Kind = Annotated[
    str,
    opt(
        "Which of several that PATH holds; `w2s data list` names them.",
        metavar="NAME",
        complete=completion.data_kinds,
    ),
]


@data.callback()
def about() -> None:
    """Look at sets of images and their truths, and prepare W2S.

    For example:
      w2s data list
      w2s data check data/
      w2s data prepare w2s W2S_raw.zip -o data
      w2s data simulate FMD -o fmd-simulated
    """


@data.command("prepare", cls=Command, no_args_is_help=True)
def prepare(
    which: Annotated[Literal["w2s"], arg("The data set: w2s.", metavar="w2s")],
    raw: _Raw,
    output: _Output = Path("data"),
    form: _Form = "normalized",
    levels: _Levels = "1,2,4,8,16,400",
    fields: _Fields = "1-120",
    no_sim: _NoSim = False,
    grays_per_count: _Grays = 0.62,
    as_json: ask.JsonText = False,
    quiet: ask.Quiet = False,
) -> None:
    """Make the averages and SIM targets of W2S from a copy of it.

    For example:
      w2s data prepare w2s W2S_raw.zip -o data
      w2s data prepare w2s W2S_raw/ -o data --form normalized,png --fields 71-120

    The zip is read where it lies. Files that are done are checked, and not made again.
    """
    from w2s_cli.datasets.preparation import SIM, PrepareConfig
    from w2s_cli.datasets.preparation import prepare as prepared

    config = PrepareConfig(
        names([form]),
        [*numbers(levels, "--levels"), *([] if no_sim else [SIM])],
        numbers(fields, "--fields"),
        grays_per_count,
    )
    with progress(str(output), quiet=quiet) as bar:
        found = prepared(raw, output, config, bar.reach)
    _finish(found, raw, output, as_json=as_json, quiet=quiet)


@data.command("simulate", cls=Command, no_args_is_help=True)
def simulate(
    fmd: Annotated[Path, arg("The folder of FMD, all its types.", metavar="FMD")],
    output: _Output = Path("fmd-simulated"),
    noise: Annotated[
        str,
        opt(
            "What is added: photons of white, spread in gray values, or both.",
            metavar="LIST",
        ),
    ] = "gaussian-15,poisson-20,poisson-15-gaussian-5",
    seed: Annotated[int, opt("Of the noise.", min=0)] = 2022,
    as_json: ask.JsonText = False,
    quiet: ask.Quiet = False,
) -> None:
    """Add noise to the averages of FMD, as Noise2SR validates on it.

    For example:
      w2s data simulate FMD -o fmd-simulated
      w2s data simulate FMD -o fmd-simulated --noise poisson-20-gaussian-5

    Files that are done are checked, and not made again.
    """
    from w2s_cli.datasets.simulated_noise import simulate_noise

    with progress(str(output), quiet=quiet) as bar:
        found = simulate_noise(fmd, output, names([noise]), seed, bar.reach)
    _finish(found, fmd, output, as_json=as_json, quiet=quiet)


def _finish(
    found: "PrepareResult", source: Path, output: Path, *, as_json: bool, quiet: bool
) -> None:
    """Say what was made and what is missing or broken; end with that exit code."""
    by_names: dict[tuple[str, ...], list[str]] = {}
    for level, fields in found.missing.items():
        what = f"level {level}" if level else "SIM"
        by_names.setdefault(tuple(fields), []).append(what)
    for fields, parts in by_names.items():
        warn(f"{source} lacks {', '.join(parts)} of {brief(fields)}")
    for name, error in found.failed.items():
        print_error(error, name)
    if not quiet:
        counts = f"{found.made} files made, {found.kept} there already"
        note(f"{source} -> {output}: {counts}")
    if as_json:
        missing = found.missing.items()
        failed = found.failed.items()
        print_json(
            {
                "made": found.made,
                "kept": found.kept,
                "missing": [
                    {"level": n or "sim", "images": [*of]} for n, of in missing
                ],
                "failed": [{"image": name, "error": str(why)} for name, why in failed],
            }
        )
    if found.failed:
        raise typer.Exit(1 if found.made or found.kept else InputError.exit_code)


@data.command("check", cls=Command, no_args_is_help=True)
def check(
    place: _Place,
    truth: _Truth = None,
    kind: _Kind = "",
    as_json: ask.JsonText = False,
    quiet: ask.Quiet = False,
) -> None:
    """Say what a data set is, what is there, missing or broken.

    For example:
      w2s data check data/normalized
      w2s data check W2S_raw.zip --json
      w2s data check noisy/ --truth clean/
    """
    from w2s_cli.datasets import find
    from w2s_cli.datasets.dataset_check import check as checked

    with progress(place, quiet=quiet) as bar:
        found = checked(find(place, kind=kind, truth=truth), bar.reach)
    if as_json:
        print_json(found.as_json())
    else:
        show_checked(found)
    if found.faults:
        raise typer.Exit(InputError.exit_code)


@data.command("list", cls=Command)
def listed(as_json: ask.JsonText = False) -> None:
    """List the data sets that are known, and the files that tell each.

    For example:
      w2s data list
      w2s data list --json | jq '.[].name'
    """
    from w2s_cli.datasets import DATASETS

    heads = ["name", "summary", "source", "needs"]
    rows = [{head: getattr(row, head) for head in heads} for row in DATASETS]
    if as_json:
        print_json(rows)
        return
    lines: Sequence[list[str]] = [[row[head] or "-" for head in heads] for row in rows]
    print_result(table([[*heads[:-1], "known by"], *lines]))
