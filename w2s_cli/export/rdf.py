"""The description of a model as the bioimage.io format 0.5 wants it, in YAML."""

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from w2s_cli.errors import UnknownNameError, UsageError
from w2s_cli.export.model_facts import ModelFacts
from w2s_cli.export.readme import numbers_in_words
from w2s_cli.networks.counts_network import OPSET, torch_version

RDF = "rdf.yaml"
# Of the format: the oldest patch that has all that is written here. Readers of any 0.5
# take it.
_FORMAT = "0.5.4"
LICENCES = (
    *("MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "Unlicense"),
    *("MPL-2.0", "GPL-2.0-only", "GPL-3.0-only", "LGPL-3.0-only", "AGPL-3.0-only"),
    *("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"),
)
"""Names of licences, as SPDX writes them, of which the format takes no others."""


def check_said(name: str, authors: Sequence[str], licence: str) -> None:
    """Raise UsageError where the format cannot hold what the user says of a model."""
    if name and not re.fullmatch(r"[\w+\- ()]{5,128}", name, re.ASCII):
        raise UsageError(
            f"a model cannot be called {name!r}",
            hint="5 to 128 letters without accents, digits, spaces and _ + - ( )",
        )
    for author in authors:
        if not author.strip() or {*author} & {*"/\\"}:
            raise UsageError(
                f"an author cannot be called {author!r}",
                hint="give a name without slashes, and --author once for each",
            )
    if licence and licence not in LICENCES:
        raise UnknownNameError("licence", licence, LICENCES)


def write_rdf(folder: Path, facts: ModelFacts) -> None:
    """Write `rdf.yaml` beside the other files of a package."""
    import yaml

    content = _content(folder, facts)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=88)
    (folder / RDF).write_text(text, "utf-8", newline="\n")


def _content(folder: Path, facts: ModelFacts) -> dict[str, Any]:
    def file(name: str, **more: Any) -> dict[str, Any]:
        digest = sha256((folder / name).read_bytes()).hexdigest()
        return {"source": name, "sha256": digest, **more}

    def tensor(which: str, description: str) -> dict[str, Any]:
        return {
            "id": which,
            "description": description,
            "axes": _axes(facts, output=which == "output"),
            "data": {"type": "float32"},
            "test_tensor": file(f"test_{which}.npy"),
            "sample_tensor": file(f"sample_{which}.tif"),
        }

    traits = facts.traits
    enlarges = ["super-resolution"] * (traits.scale > 1)
    denoises = ["denoising"] * (traits.needs_noise or traits.scale == 1)
    # Of the counts, and in dark parts of a photon or the network's unit.
    near = {
        "relative_tolerance": 1e-4,
        "absolute_tolerance": (1e-3 if facts.camera.noise else 1e-4) * facts.unit,
    }
    return {
        "type": "model",
        "format_version": _FORMAT,
        "name": re.sub(r"[^\w+\- ()]", "-", facts.name, flags=re.ASCII)[:128],
        "description": f"{facts.summary}. {numbers_in_words(facts)}"[:1024],
        "authors": [{"name": name} for name in facts.authors],
        "cite": [{"text": text, "url": where} for text, where in facts.citations],
        "license": facts.licence if facts.licence in LICENCES else None,
        "documentation": file("README.md"),
        "covers": [file("cover.png")],
        "tags": [
            *("fluorescence-light-microscopy", "image-restoration", "2d", "deepimagej"),
            *denoises,
            *enlarges,
        ],
        "inputs": [tensor("input", "camera counts of one channel")],
        "outputs": [tensor("output", "restored counts, neither rounded nor clipped")],
        "weights": {
            "torchscript": file("weights.pt", pytorch_version=torch_version()),
            "onnx": file("weights.onnx", opset_version=OPSET, parent="torchscript"),
        },
        "config": {
            "bioimageio": {"reproducibility_tolerance": [near]},
            "w2s": _own(facts),
        },
    }


def _axes(facts: ModelFacts, *, output: bool) -> list[dict[str, Any]]:
    scale, tiling = facts.traits.scale, facts.tiling
    along: list[dict[str, Any]] = [
        {
            "size": {"tensor_id": "input", "axis_id": side},
            "halo": tiling.halo * scale,
            "scale": 1 / scale,
        }
        if output
        else {"size": {"min": tiling.least, "step": tiling.step}}
        for side in "yx"
    ]
    return [
        {"type": "batch"},
        {"type": "channel", "channel_names": ["intensity"]},
        {"type": "space", "id": "y", **along[0]},
        {"type": "space", "id": "x", **along[1]},
    ]


def _own(facts: ModelFacts) -> dict[str, Any]:
    """Return what w2s knows of the model: numbers for programs."""
    noise, shown = facts.camera.noise, facts.camera.shown
    return {
        "method": facts.method,
        "weights_sha256": facts.digest,
        **({"noise": noise.as_json()} if noise else {}),
        **({"black": float(shown.black), "white": float(shown.white)} if shown else {}),
    }
