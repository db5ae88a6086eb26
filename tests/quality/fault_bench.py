"""Where a batch is restored and hit by faults, and how what is left is judged.

A folder of eight images of all formats is restored and hit at a random moment; what is
there then must be whole, and the same command must complete it to what one clean run
makes, to the byte.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile

from w2s_cli.io import write_image
from w2s_cli.stack import Stack

WORDS = (
    *("restore", "raw", "-o", "out", "--recursive", "--resume"),
    *("--method", "median", "-O", "size=5", "--quiet"),
)
KINDS = {"files": WORDS, "zarr": (*WORDS, "--name", "{stem}_{suffix}.ome.zarr")}
"""What is run: outputs in the formats of the inputs, or each a folder of OME-Zarr."""
FORKS = Path(__file__).parents[1] / "faults" / "forks.py"


def image(seed: int, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(90, 900, shape or (2, 96, 80)).astype(np.uint16)


def make_inputs(raw: Path) -> None:
    """Write images of all formats, in a tree."""
    (raw / "plate" / "well").mkdir(parents=True)
    for number in range(3):
        tifffile.imwrite(raw / f"{number}.tif", image(number), imagej=True)
    write_image(Stack(image(3, 2, 2, 64, 64), "TCYX"), raw / "plate" / "two.ome.tif")
    write_image(Stack(image(4, 64, 64), "YX"), raw / "plate" / "0.png")
    write_image(Stack(image(5, 64, 64), "YX"), raw / "plate" / "0.npy")
    tifffile.imwrite(raw / "plate" / "well" / "0.tif", image(6), compression="zlib")
    # An image in two files
    named = [raw / "plate" / "well" / f"set_{n}.ome.tif" for n in range(2)]
    data = image(7, 2, 64, 64)
    for number, path in enumerate(named):
        blocks = "".join(
            f'<TiffData FirstT="{at}" IFD="0"><UUID FileName="{one.name}">'
            f"urn:uuid:{at}</UUID></TiffData>"
            for at, one in enumerate(named)
        )
        xml = (
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{number}"><Image ID="Image:0"><Pixels ID="Pixels:0" '
            'DimensionOrder="XYCZT" Type="uint16" SizeX="64" SizeY="64" SizeC="1" '
            f'SizeZ="1" SizeT="2">{blocks}</Pixels></Image></OME>'
        )
        tifffile.imwrite(path, data[number], description=xml, metadata=None)


OUTPUTS = 8  # of the inputs above: two of the nine files are one image


class Forks:
    """Runs of the program: see `forks.py`."""

    def __init__(self, raw: Path, words: Sequence[str]) -> None:
        self.words = words
        self._server = subprocess.Popen(
            [sys.executable, FORKS, raw, *words[4:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def _ask(self, **order: object) -> int:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def start(self, folder: Path, *words: str, user: int = 0, most: int = 0) -> int:
        given = {"words": words or self.words, "user": user, "most": most}
        return self._ask(folder=str(folder), log=str(folder / "log"), **given)

    def wait(self, process: int) -> int:
        return self._ask(wait=process)

    def run(self, folder: Path, *words: str, **how: int) -> int:
        return self.wait(self.start(folder, *words, **how))

    def end(self) -> None:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait()


@dataclass
class Bench:
    """A place to restore in, what comes out of it, and what was counted."""

    forks: Forks
    template: Path  # inputs, and the outputs of a clean run
    seconds: float  # that a clean run takes
    place: Path
    number: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    dice: random.Random = field(default_factory=lambda: random.Random(0))

    def fresh(self) -> Path:
        """Return a folder with the inputs."""
        folder = self.place / str(self.number)
        self.number += 1
        shutil.copytree(self.template / "raw", folder / "raw")
        return folder

    @property
    def clean(self) -> dict[str, bytes]:
        return contents(self.template / "out")

    def output(self, folder: Path, name: str) -> dict[str, bytes]:
        """Return the file, or the files, that were made of an input."""
        zarr = f"{name.removesuffix('.tif')}_tif.ome.zarr/"
        found = contents(folder / "out").items()
        return {key: one for key, one in found if key == name or key.startswith(zarr)}

    def moment(self, longest: float = 1.1) -> None:
        """Wait for a random time of a run."""
        time.sleep(self.dice.uniform(0, longest * self.seconds))

    def check_whole(self, folder: Path) -> None:
        """See that what is there is as a clean run makes it."""
        for name, content in contents(folder / "out").items():
            assert content == self.clean[name], f"{name} is half-written"

    def check_completed(self, folder: Path, code: int = 0) -> None:
        """Run again, and see that all is as one clean run makes it."""
        assert self.forks.run(folder) == code, (folder / "log").read_text()
        assert contents(folder / "out") == self.clean
        left = [path for path in folder.rglob(".w2s-*") if path.name != ".w2s"]
        assert not left, f"temporary files stay: {left}"
        assert contents(folder / "raw") == contents(self.template / "raw")
        said = (folder / "log").read_text()
        assert "Traceback" not in said, said[-4000:]

    def check_once(self, folder: Path) -> None:
        """See that no output was made more than once."""
        made = Counter(
            event["target"]
            for path in (folder / "out" / ".w2s").glob("*.jsonl")
            for line in path.read_text().splitlines()
            if line.endswith("}") and (event := json.loads(line))["event"] == "done"
        )
        assert max(made.values(), default=1) == 1, made


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files in a tree, without the journals and what is hidden."""
    found = {}
    for place, folders, names in os.walk(folder):  # which passes over what vanishes
        folders[:] = sorted(one for one in folders if not one.startswith(".w2s"))
        for name in sorted(names):
            if not name.startswith(".w2s"):
                path = Path(place, name)
                found[str(path.relative_to(folder))] = path.read_bytes()
    return found
