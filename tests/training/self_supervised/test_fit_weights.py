from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TypeAlias

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from w2s_cli.errors import InputError, OutputError
from w2s_cli.methods.self_supervised import fit_weights
from w2s_cli.training import loop
from w2s_cli.training.recipe import Recipe
from w2s_cli.weights import checkpoint

Plane: TypeAlias = NDArray[np.float32]
Small: TypeAlias = Callable[..., Recipe]


class _Interrupted(Exception):
    pass


class _Told(list[tuple[int, int, float]]):
    """What is told after each step; it may be too much after one."""

    def __init__(self, last: int = 0) -> None:
        super().__init__()
        self.last = last

    def __call__(self, step: int, steps: int, loss: float) -> None:
        self.append((step, steps, loss))
        if step == self.last:
            raise _Interrupted


@pytest.fixture
def recipe(small: Small) -> Recipe:
    return small("n2v", "steps=6", "average=0")


def test_it_learns_once(own_cache: Path, captures: list[Plane], recipe: Recipe) -> None:
    first, second = _Told(), _Told()
    path = fit_weights(recipe, [captures[:1]], first)
    assert [step[:2] for step in first] == [(step, 6) for step in range(1, 7)]
    assert all(np.isfinite(loss) for *_, loss in first)
    assert fit_weights(recipe, [[captures[0].copy()]], second) == path
    assert not second
    assert path.is_relative_to(own_cache)
    assert path.name == "n2v.safetensors"
    record = checkpoint.load(path).record
    assert record["recipe"]["masking"]["kind"] == "blind-spots"
    assert not [*own_cache.rglob("checkpoint*")]


def test_it_learns_anew_what_is_another(
    own_cache: Path, captures: list[Plane], small: Small
) -> None:
    one, other, _ = captures
    recipe = small("n2v", "steps=1")
    ways: list[tuple[Recipe, list[list[Plane]]]] = [
        (recipe, [[one]]),
        (recipe, [[other]]),
        (recipe, [[one], [other]]),
        (recipe, [[one, other]]),
        (recipe, [[one.reshape(72, 128)]]),
        (replace(recipe, seed=1), [[one]]),
        (replace(recipe, steps=2), [[one]]),
        (small("n2v", "steps=1", "masking.radius=2"), [[one]]),
        (small("n2s", "steps=1"), [[one]]),
    ]
    paths = {fit_weights(recipe, places, _Told()) for recipe, places in ways}
    assert len({path.parent for path in paths}) == len(ways)


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(
    tmp_path: Path,
    captures: list[Plane],
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    states = []
    for name, interrupted in (("whole", False), ("broken", True)):
        monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / name))
        if interrupted:
            with pytest.raises(_Interrupted):
                fit_weights(recipe, [captures[:1]], _Told(3))
            assert [*(tmp_path / name).rglob("checkpoint.pt")]
            assert not [*(tmp_path / name).rglob("*.safetensors")]
        told = _Told()
        states.append(checkpoint.load(fit_weights(recipe, [captures[:1]], told)).state)
        assert told[0][0] == (3 if interrupted else 1)  # the third was not kept
        assert not [*(tmp_path / name).rglob("checkpoint*")]
    whole, broken = states
    assert whole.keys() == broken.keys()
    assert all(torch.equal(whole[key], broken[key]) for key in whole)


def test_two_at_once_learn_once(
    own_cache: Path, captures: list[Plane], recipe: Recipe
) -> None:
    told = _Told()
    paths: list[Path] = []

    def learn() -> None:
        paths.append(fit_weights(recipe, [captures[:1]], told))

    threads = [Thread(target=learn) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 3
    assert len(set(paths)) == 1
    assert len(told) == 6


def test_what_cannot_be_learned_leaves_nothing(
    own_cache: Path, captures: list[Plane], recipe: Recipe
) -> None:
    with pytest.raises(InputError, match="too small to train on"):
        fit_weights(recipe, [[captures[0][:50]]], _Told())
    assert not [path for path in own_cache.rglob("*") if path.suffix != ".lock"]


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path,
    captures: list[Plane],
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"^cannot write .*file/fitted") as caught:
        fit_weights(recipe, [captures[:1]], _Told())
    assert "name another folder in W2S_CACHE_DIR" in caught.value.hint
