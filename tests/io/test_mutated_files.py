"""Files that were changed anywhere are read or refused, by every parser."""

from itertools import islice
from pathlib import Path

import pytest

from parser_fuzzing import PARSERS, fault_of, mutants


@pytest.mark.parametrize("name", PARSERS)
def test_any_change_is_read_or_refused(name: str, tmp_path: Path) -> None:
    parser = PARSERS[name]
    path = tmp_path / f"x{parser.suffix}"
    for content in islice(mutants(parser, seed=3), 120):
        path.write_bytes(content)
        assert fault_of(parser, path) == ""


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_changed_could_be_read_before(name: str, tmp_path: Path) -> None:
    parser = PARSERS[name]
    for content in parser.seeds():
        (path := tmp_path / f"x{parser.suffix}").write_bytes(content)
        parser.read(path)


@pytest.mark.parametrize("name", ["tiff", "npy", "noise"])
def test_a_parser_that_fails_is_found(name: str, tmp_path: Path) -> None:
    parser = PARSERS[name]
    (path := tmp_path / f"x{parser.suffix}").write_bytes(parser.seeds()[0])
    assert fault_of(parser, path) == ""
    faulty = type(parser)(parser.suffix, lambda path: 1 / 0, parser.seeds)
    assert "ZeroDivisionError" in fault_of(faulty, path)
    greedy = type(parser)(parser.suffix, lambda path: bytes(1 << 31), parser.seeds)
    assert "MemoryError" in fault_of(greedy, path)
