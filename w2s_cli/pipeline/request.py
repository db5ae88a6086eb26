"""What a result depends on beside its input, as one number."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from w2s_cli import __version__
from w2s_cli.io.fingerprints import hash_of
from w2s_cli.methods.build import chain_record
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain

NAME, INPUT, REQUEST = "input", "input_sha256", "request"
"""The keys of the record that say of what, and by what, an output was made."""

_BY_THE_MACHINE = ("device", "precision")  # of a link: as they turned out there
_IN_OTHER_WORDS = ("options", "weights", "defects", "train_on")  # than the links'


def request(spec: RestoreSpec, chain: Chain, source: Path) -> str:
    """Return the SHA-256 of all that was asked for, files by their content.

    The same request of the same input gives the same output. Names of folders, time and
    host are no part of it; nor is the size of the file.
    """
    said = spec.as_record()
    facts = {
        "version": __version__,
        **{key: value for key, value in said.items() if key not in _IN_OTHER_WORDS},
        "device": spec.device.partition(":")[0],  # whichever of several
        "tile": spec.tile,
        "dtype": spec.dtype,
        **({"uncertainty": True} if spec.uncertainty else {}),
        "display range": repr(spec.display_range),
        "noise": [model.as_json() for model in spec.noise.of(source)],
        "defects": spec.defects
        if isinstance(spec.defects, str)
        else hash_of(spec.defects),
        "train on": [hash_of(file) for file in spec.train_on],
        "links": [_plain(link) for link in chain_record(spec.method, chain)],
    }
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _plain(link: dict[str, Any]) -> dict[str, Any]:
    """Return a link without what another machine, or another folder, has otherwise."""
    own = {key: value for key, value in link.items() if key not in _BY_THE_MACHINE}
    files = ("weights", "kernel")  # whose hashes stand beside
    options = {key: it for key, it in link["options"].items() if key not in files}
    return {**own, "options": options}
