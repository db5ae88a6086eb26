"""A field of W2S in colours."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from w2s_cli.bench.report import colours
from w2s_cli.bench.report.colours import field_in_colours
from w2s_cli.datasets import find


@pytest.fixture
def w2s_folder(tmp_path: Path) -> Path:
    """Field 081: light in the left third is of channel 0, and so on."""
    for folder, side in (("avg1", 30), ("avg400", 30), ("sim", 60)):
        (tmp_path / folder).mkdir()
        for channel in range(3):
            plane = np.full((side, side), -1.0)
            third = side // 3
            plane[:, channel * third : (channel + 1) * third] = 3
            np.save(tmp_path / folder / f"081_{channel}.npy", plane)
    return tmp_path


def test_channels_are_colours_by_their_wavelength(w2s_folder, monkeypatch) -> None:
    drawn: dict[str, np.ndarray] = {}
    monkeypatch.setattr(colours, "_drawn", lambda shown: drawn.update(shown) or b"")
    figure = field_in_colours(find(w2s_folder), "081_1")
    assert figure is not None
    assert (figure.name, figure.title) == ("colours-081", "Field 081 in colours")
    assert "gamma of 2.2" in figure.caption
    assert [*drawn] == ["single capture", "mean of 400", "SIM"]
    for picture in drawn.values():
        third = len(picture) // 3
        left, middle, right = (picture[0, third * n].tolist() for n in range(3))
        assert (left, middle, right) == ([0, 0, 1], [0, 1, 0], [1, 0, 0])


def test_gamma_brightens_what_is_dim(w2s_folder: Path) -> None:
    shades = colours._shades(np.full((1, 1, 3), 0.5), [(0, 1)] * 3)
    assert shades == pytest.approx(0.5 ** (1 / 2.2))
    figure = field_in_colours(find(w2s_folder), "081_1")
    assert figure is not None
    assert Image.open(BytesIO(figure.png)).format == "PNG"


def test_only_whole_fields_of_w2s_have_colours(w2s_folder: Path) -> None:
    assert field_in_colours(find("simulated"), "005") is None
    for path in w2s_folder.glob("*/081_2.npy"):
        path.unlink()
    assert field_in_colours(find(w2s_folder), "081_1") is None
