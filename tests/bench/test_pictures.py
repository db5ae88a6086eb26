from pathlib import Path

import numpy as np
from PIL import Image

from w2s_cli.bench.pictures import Inset, Panel, save_comparison


def test_panels_share_their_grays(tmp_path: Path) -> None:
    dark, bright = np.full((50, 50), 10.0), np.full((100, 100), 20.0)
    path = tmp_path / "p.png"
    save_comparison(
        path,
        [Panel("dark", dark), Panel("bright", bright, 2)],
        Inset(10, 10, 20),
        limits=(0, 20),
        side=100,
    )
    with Image.open(path) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape[1] == 2 * 100 + 3 * 8
    middle = pixels.shape[0] - 50
    assert pixels[middle, 58].tolist() == [127, 127, 127]
    assert pixels[middle, 166].tolist() == [255, 255, 255]
