"""What others have published and `w2s fetch` brings: two TOML files, read as rows."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from w2s_cli.errors import UnknownNameError, UsageError

Kind = Literal["weights", "data"]

SHIPPED = Path(__file__).parent / "shipped"
MODEL_PREFIX = "bioimageio:"
"""What the name of a model of bioimage.io begins with."""
_MODELS = "https://hypha.aicell.io/bioimage-io/artifacts/{}/create-zip-file"


@dataclass(frozen=True, slots=True)
class Item:
    """A published file."""

    name: str  # what it is called here
    kind: Kind  # "weights" or "data"
    title: str  # what it is, in a few words
    url: str  # where its publisher keeps it
    published_as: str  # its file name there
    licence: str  # its terms
    citation: str  # what to cite for it
    sha256: str = ""  # of its bytes, in hexadecimal; "" where nobody could check one
    size: int = 0  # in bytes; 0 where it is not known
    # The row of `networks.NETWORKS` that it belongs to; "" for none of them
    network: str = ""
    # What the network takes, as `networks.rebuild.UnitName`; "" where not known
    units: str = ""
    scale: int = 1  # output pixels per input pixel
    # Whether bfloat16 changes the output by less than a tenth of its noise
    bf16: bool = False
    trained_on: str = ""  # images and noise level
    note: str = ""  # what a user should know before using it

    @property
    def file(self) -> str:
        """Return its file name in the cache: published ones are often the same."""
        return self.name.replace(":", "-") + PurePosixPath(self.published_as).suffix

    @property
    def path(self) -> str:
        """Return where it is on its publisher's host, without a slash in front."""
        return unquote(urlsplit(self.url).path).lstrip("/")


def find(name: str) -> Item:
    """Return the published file of a name."""
    rows = {**WEIGHTS, **DATASETS}
    if name.startswith(MODEL_PREFIX):
        return _of_bioimageio(name)
    if name not in rows:
        raise UnknownNameError("published file", name, rows)
    return rows[name]


def _of_bioimageio(name: str) -> Item:
    model = name.removeprefix(MODEL_PREFIX)
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", model):
        raise UsageError(
            f"bioimage.io has no model of the name {model!r}",
            hint="its names are words such as affable-shark; a file ends in .zip",
        )
    return Item(
        name=name,
        kind="weights",
        title=f"the model {model} of bioimage.io",
        url=_MODELS.format(model),
        published_as=f"{model}.zip",
        licence="see its page",
        citation=f"https://bioimage.io/#/artifacts/{model}",
    )


def of_hash(sha256: str) -> Item | None:
    """Return the published weights whose file has this SHA-256, if it is known."""
    return next((item for item in WEIGHTS.values() if item.sha256 == sha256), None)


def compact_weights(method: str) -> Path | None:
    """Return the small weights of a network of the papers, if some ship.

    - `method`: of a network, or of one that was trained for a task of its own.
    """
    path = SHIPPED / f"{method}-compact.safetensors"
    return path if path.is_file() else None


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
