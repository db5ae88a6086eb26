import sys

import numpy as np
import pytest

from w2s_cli.bench import machine

MIB = 1 << 20


def test_the_peak_is_that_of_what_was_held() -> None:
    machine.restart()
    before = machine.peak()
    assert before
    np.ones(100 * MIB, np.uint8)
    assert machine.peak() >= before + 90 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="other systems never forget")
def test_a_peak_is_forgotten() -> None:
    np.ones(100 * MIB, np.uint8)
    high = machine.peak()
    assert machine.restart()
    assert machine.peak() < high - 50 * MIB


def test_without_the_files_of_linux(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(machine, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(machine, "_FORGET", tmp_path / "no" / "folder")
    assert not machine.restart()
    assert machine.peak() > MIB
