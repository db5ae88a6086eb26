from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from w2s_cli.assets import checkpoint
from w2s_cli.errors import InputError
from w2s_cli.methods.network import Denoise, Jdsr
from w2s_cli.training.loop import train
from w2s_cli.training.patches import Pool
from w2s_cli.training.progress import Progress
from w2s_cli.training.recipe import Light, NetworkOptions, Patches, Recipe, Sources


def _recipe(folder: Path, **changes: object) -> Recipe:
    tiny = Recipe(
        "tiny",
        runs=folder,
        steps=40,
        learning_rate=1e-2,
        simulated_fields=4,
        save_every=20,
        validate_every=20,
        precision="fp32",
        network=NetworkOptions(width=8, levels=2, blocks=1),
        patches=Patches(side=32, batch=4),
    )
    return replace(tiny, **changes)


def test_training_learns_and_its_weights_restore(tmp_path: Path) -> None:
    seen: list[Progress] = []
    path = train(_recipe(tmp_path), seen.append)
    validation = [step.validation for step in seen if step.validation is not None]
    assert [step.step for step in seen] == [*range(1, 41)]
    assert validation[1] < validation[0] < 1  # 1 is the noise of the input
    assert checkpoint.load(path).record["recipe"]["steps"] == 40
    blocks = np.full((1, 8, 8), 4, np.float32)
    assert Denoise(weights=path)(blocks).shape == (1, 8, 8)
    assert (tmp_path / "tiny" / "log.csv").read_text().count("\n") == 41


class _Interrupted(Exception):
    pass


def _stop_at(step: int, progress: Progress) -> None:
    if progress.step == step:
        raise _Interrupted


def test_resumed_training_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = train(_recipe(tmp_path / "a"))
    recipe = _recipe(tmp_path / "b")
    with pytest.raises(_Interrupted):
        train(recipe, lambda progress: _stop_at(27, progress))
    assert train(recipe).read_bytes() == whole.read_bytes()


def test_enlarging_network_trains(tmp_path: Path) -> None:
    options = NetworkOptions(width=8, levels=2, blocks=1, scale=2)
    path = train(_recipe(tmp_path, steps=2, loss="root", network=options))
    assert Jdsr(weights=path)(np.ones((2, 8, 12), np.float32)).shape == (2, 16, 24)


@pytest.mark.parametrize("scale", [1, 2])
def test_input_and_target_of_a_patch_agree(scale: int) -> None:
    options = NetworkOptions(scale=scale)
    pool = Pool.of(_recipe(Path(), network=options), (1, 1), seed=0)
    for sample in [*pool.batch(0, 0), *pool.batch(0, 1)]:
        side = sample.stabilised.shape[0] * scale
        assert sample.photons.shape == sample.valid.shape == (side, side)
        seen = np.square(sample.stabilised / 2) - sample.lift
        error = float(np.sqrt(sample.photons.mean() + sample.lift))
        assert seen.mean() == pytest.approx(sample.photons.mean(), abs=error, rel=0.5)


def test_a_target_keeps_the_light_of_its_haze(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("w2s_cli.training.samples.HAZY", 1.0)
    light = Light(photons=(2000, 2001), haze=(3, 3), sigma=(0, 0))
    options = NetworkOptions(scale=2)
    pool = Pool.of(_recipe(Path(), network=options, light=light), (1, 1), seed=0)
    for sample in [*pool.batch(0, 0), *pool.batch(0, 1)]:
        seen = np.square(sample.stabilised / 2) - sample.lift
        inner, fine = np.s_[8:-8, 8:-8], np.s_[16:-16, 16:-16]
        target = sample.photons[fine].mean()
        assert seen[inner].mean() == pytest.approx(target, rel=0.06)


def test_missing_data_is_told(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path, data=tmp_path / "none", sources=Sources(pairs=1))
    with pytest.raises(InputError, match=r"there is no .*index\.csv") as caught:
        train(recipe)
    assert "data=FOLDER" in caught.value.hint
