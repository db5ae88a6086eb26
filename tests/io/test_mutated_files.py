"""Files that were changed anywhere are read or refused, by every parser."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from fuzzed_parsers import PARSERS, mutants
from parser_fuzzing import READ, is_fault, outcome_of


@pytest.mark.parametrize("name", PARSERS)
def test_any_change_is_read_or_refused(name: str, tmp_path: Path) -> None:
    parser = PARSERS[name]
    path = tmp_path / f"x{parser.suffix}"
    for content in parser.seeds():
        path.write_bytes(content)
        assert outcome_of(parser, path) == READ
    count = 20 if name == "zarr" else 60  # which takes as long
    for content in islice(mutants(parser, seed=3), count):
        path.write_bytes(content)
        outcome = outcome_of(parser, path)
        assert not is_fault(outcome), outcome


def test_a_parser_that_fails_is_found(tmp_path: Path) -> None:
    parser = PARSERS["noise"]
    (path := tmp_path / f"x{parser.suffix}").write_bytes(parser.seeds()[0])
    assert outcome_of(parser, path) == READ
    faulty = replace(parser, read=lambda path: 1 / 0)
    assert "ZeroDivisionError" in outcome_of(faulty, path)
    greedy = replace(parser, read=lambda path: bytes(1 << 31))
    assert "MemoryError" in outcome_of(greedy, path)
