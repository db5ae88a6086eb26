"""Noise that is alike along rows: what each way of learning alone makes of it."""

from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from w2s_cli.methods.noise2x import N2S, N2V
from w2s_cli.methods.self_supervised import SelfSupervised
from w2s_cli.microscope.simulation import CAMERA, simulate_scene

pytestmark = pytest.mark.quality
Plane: TypeAlias = NDArray[np.float32]


@pytest.fixture(scope="module")
def light() -> Plane:
    """Photons of a simulated cell."""
    return CAMERA.photons(simulate_scene(3, photons=60, side=256).clean).clip(0)


@pytest.fixture(scope="module")
def striped(light: Plane) -> Plane:
    """Stabilised counts; the noise of pixels side by side has a correlation of 0.5."""
    noise = np.random.default_rng(1).standard_normal((256, 257), np.float32)
    alike = (noise[:, 1:] + noise[:, :-1]) / np.float32(np.sqrt(2))
    return 2 * np.sqrt(light + np.float32(0.375)) + alike


def _error(method: SelfSupervised, seen: Plane, light: Plane) -> float:
    """Return the root mean squared error in photons, over that of the noise."""
    fitted = method.fitted(lambda: [[seen]], lambda step, steps, loss: None)
    photons = (fitted(seen[None])[0] / 2) ** 2 - 0.375
    return float(np.sqrt(((photons - light) ** 2).mean() / (light + 0.375).mean()))


def test_only_a_mask_along_the_rows_keeps_stripes_from_being_learned(
    striped: Plane,
    light: Plane,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    small = {"width": 8, "iterations": 400, "device": "cpu", "precision": "fp32"}
    methods: dict[str, SelfSupervised] = {
        "n2v": N2V(**small),  # type: ignore[arg-type]
        "n2s": N2S(**small),  # type: ignore[arg-type]
        "n2v rows=2": N2V(**small, rows=2),  # type: ignore[arg-type]
    }
    errors = {name: _error(one, striped, light) for name, one in methods.items()}
    print(errors)
    assert errors["n2v rows=2"] < errors["n2s"] - 0.05
    assert errors["n2v rows=2"] < errors["n2v"] - 0.05
