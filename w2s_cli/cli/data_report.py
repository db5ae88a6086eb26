"""How what is known of a data set reads."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from w2s_cli.cli.telling import note, tell, warn
from w2s_cli.cli.wording import table
from w2s_cli.errors import few

if TYPE_CHECKING:
    from w2s_cli.datasets.check import Checked
    from w2s_cli.datasets.prepare import Prepared


def show_prepared(found: "Prepared", raw: Path, output: Path, *, quiet: bool) -> None:
    """Say what was made; say in any case what is missing or broken."""
    by_names: dict[tuple[str, ...], list[str]] = {}
    for level, names in found.missing.items():
        what = f"level {level}" if level else "SIM"
        by_names.setdefault(tuple(names), []).append(what)
    for names, parts in by_names.items():
        warn(f"{raw} lacks {', '.join(parts)} of {brief(names)}")
    for name, error in found.failed.items():
        tell(error, name)
    if not quiet:
        note(f"{raw} -> {output}: {found.made} files made, {found.kept} there already")


def prepared_json(found: "Prepared") -> dict[str, Any]:
    """Return what became of an order as a JSON object."""
    return {
        "made": found.made,
        "kept": found.kept,
        "missing": [
            {"level": level or "sim", "images": list(names)}
            for level, names in found.missing.items()
        ],
        "failed": [
            {"image": name, "error": str(error)} for name, error in found.failed.items()
        ],
    }


def show_checked(found: "Checked") -> None:
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
    typer.echo(table([[key, value] for key, value in facts.items()]))
    lines = [
        [part.name, str(part.count), brief(part.missing) or "-"] for part in found.parts
    ]
    typer.echo("\n" + table([["part", "there", "missing"], *lines]))
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
