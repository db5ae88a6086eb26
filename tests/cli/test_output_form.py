"""`w2s restore --pyramid` and `--compression`: the form of TIFF files."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from w2s_cli.io import open_image


def test_a_file_of_imagej_becomes_ome(w2s: Any, here: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 999, (600, 520)).astype(np.uint16)
    tifffile.imwrite("fiji.tif", pixels, imagej=True, metadata={"unit": "um"})
    words = ["restore", "fiji.tif", "--method", "identity", "--pyramid", "-o"]
    assert w2s(*words, "a.tif", "--compression", "deflate").exit_code == 0
    with open_image(Path("a.tif")) as found:
        assert (found.extra["format"], found.extra["levels"]) == ("OME-TIFF", 2)
        assert found.extra["compression"] == "deflate"
        np.testing.assert_array_equal(found.data[()], pixels)
        assert found.history[-1]["pyramid"] is True
    for name in ("a.png", "a.npy"):
        for more in ([], ["--dry-run"]):
            result = w2s(*words, name, *more, code=2)
            assert f"--pyramid is for TIFF, which {name} is not" in result.stderr
            assert "hint: name a .ome.tif file" in result.stderr
            assert not Path(name).exists()
