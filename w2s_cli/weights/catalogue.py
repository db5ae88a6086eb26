"""What others have published and `w2s fetch` brings: two TOML files, read as rows."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from w2s_cli.errors import UnknownNameError

Kind = Literal["weights", "data"]


@dataclass(frozen=True, slots=True)
class Item:
    """A published file.

    Attributes
    ----------
    name
        What it is called here.
    kind
        "weights" or "data".
    title
        What it is, in a few words.
    url
        Where its publisher keeps it.
    published_as
        Its file name there.
    licence
        Its terms.
    citation
        What to cite for it.
    sha256
        Of its bytes, in hexadecimal; "" where nobody could check one.
    size
        In bytes; 0 where it is not known.
    network
        The row of `networks.NETWORKS` that it belongs to; "" for none of them.
    units
        What the network takes, as `networks.rebuild.Units`; "" where not known.
    scale
        Output pixels per input pixel.
    bf16
        Whether bfloat16 changes the output by less than a tenth of its noise.
    trained_on
        Images and noise level.
    note
        What a user should know before using it.
    """

    name: str
    kind: Kind
    title: str
    url: str
    published_as: str
    licence: str
    citation: str
    sha256: str = ""
    size: int = 0
    network: str = ""
    units: str = ""
    scale: int = 1
    bf16: bool = False
    trained_on: str = ""
    note: str = ""

    @property
    def file(self) -> str:
        """Return its file name in the cache: published ones are often the same."""
        return self.name + PurePosixPath(self.published_as).suffix

    @property
    def path(self) -> str:
        """Return where it is on its publisher's host, without a slash in front."""
        return unquote(urlsplit(self.url).path).lstrip("/")


def find(name: str) -> Item:
    """Return the published file of a name.

    Raises
    ------
    UnknownNameError
        When there is none.
    """
    rows = {**WEIGHTS, **DATASETS}
    if name not in rows:
        raise UnknownNameError("published file", name, rows)
    return rows[name]


def of_hash(sha256: str) -> Item | None:
    """Return the published weights whose file has this SHA-256, if it is known."""
    return next((item for item in WEIGHTS.values() if item.sha256 == sha256), None)


def _read(kind: Kind) -> Mapping[str, Item]:
    stem = "weights" if kind == "weights" else "datasets"
    with (Path(__file__).parent / f"{stem}.toml").open("rb") as file:
        tables: dict[str, dict[str, Any]] = tomllib.load(file)
    citations = tables.pop("citations")
    return MappingProxyType(
        {
            name: Item(
                name=name,
                kind=kind,
                published_as=table.pop("file", PurePosixPath(table["url"]).name),
                citation=citations[table.pop("cite")],
                **table,
            )
            for name, table in tables.items()
        }
    )


WEIGHTS = _read("weights")
DATASETS = _read("data")
