"""Reading weights takes at most twice the file, and a hostile pickle 112 MiB more."""

import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

MIB = 1 << 20
BLOCKS, NOTES = 16 * MIB, 112 * MIB  # beyond twice the file: for weights, for bombs
GOOD = ("zip.pth", "legacy.pth", "halves.pth", "beside.pth", "w.safetensors")
SCRIPT = """
import re, sys, time
from pathlib import Path
from w2s_cli.weights import checkpoint
from w2s_cli.errors import WeightsError

def memory(kind):
    status = Path("/proc/self/status").read_text()
    return int(re.search(kind + r":\\s+(\\d+)", status)[1])

checkpoint.load(Path(sys.argv[1]))
for name in sys.argv[2:]:
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, start = memory("VmRSS"), time.process_time()
    try:
        said = len(checkpoint.load(Path(name)).state)
    except WeightsError as error:
        said = error
    taken, seconds = memory("VmHWM") - before, time.process_time() - start
    print(name, taken, round(seconds, 2), said, sep="\\t")
    said = None
"""


def write_files() -> list[str]:
    state = {f"layer{n}": torch.ones(MIB) for n in range(8)}
    halves = {name: tensor.half() for name, tensor in state.items()}
    torch.save({"a": torch.ones(3)}, "small.pth")
    torch.save(state, "zip.pth")
    torch.save(state, "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"a": torch.ones(16 * MIB).half()}, "halves.pth")
    torch.save({"model": halves, "optimizer": [state]}, "beside.pth")
    write_safetensors(Path("w.safetensors"))
    bombs = {
        "marks": b"(" * MIB,
        "dictionaries": b"}" * MIB,
        "memo": b"}" + b"\x94" * MIB,
        "calls": b"ctorch\nX\n" + b")R" * MIB,
        "texts": b"X\0\0\xf0\0" + b"\xf0\x9f\x98\x80" + b"a" * (15 * MIB - 4) + b".",
    }
    for name, pickled in bombs.items():
        with zipfile.ZipFile(f"{name}.pth", "w") as archive:
            archive.writestr("archive/data.pkl", pickled)
    with zipfile.ZipFile("members.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
    swell(Path("members.pth"), 100_000)
    nested = b'{"a":[' + b"[]," * (600 * 1024) + b"[]]}"
    Path("json.safetensors").write_bytes(len(nested).to_bytes(8, "little") + nested)
    return sorted(str(path) for path in Path().glob("*.*") if path.name != "small.pth")


def write_safetensors(path: Path) -> None:
    header = json.dumps(
        {"a": {"dtype": "F16", "shape": [16 * MIB], "data_offsets": [0, 32 * MIB]}}
    ).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(32 * MIB))


def swell(path: Path, count: int) -> None:
    """Repeat the last entry of a zip file's list until the list is long."""
    content = path.read_bytes()
    start, end = content.index(b"PK\1\2"), content.rindex(b"PK\5\6")
    entries = content[start:end] * count
    tail = content[end : end + 12] + len(entries).to_bytes(4, "little")
    path.write_bytes(content[:start] + entries + tail + content[end + 16 :])


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "small.pth", *write_files()],
        capture_output=True,
        text=True,
        check=True,
    )
    print(done.stdout)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    for name, kib, seconds, said in rows:
        size = Path(name).stat().st_size
        good = name in GOOD
        assert said.isdecimal() == good, name
        assert int(kib) * 1024 < 2 * size + (BLOCKS if good else NOTES), name
        assert float(seconds) < 20, name
