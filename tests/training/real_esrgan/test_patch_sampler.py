from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from w2s_cli.training.patches import open_sampler
from w2s_cli.training.patches.real_esrgan_patches import Degraded, inner, square
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import Network, Patches
from w2s_cli.training.training_batch import Batch

Save = Callable[[str, np.ndarray], Path]
Scene = Callable[..., np.ndarray]


@pytest.fixture
def recipe(save: Save, tmp_path: Path, scene: Scene) -> Recipe:
    for number in range(3):
        save(f"{number}.png", scene(number))
    return Recipe(
        "x",
        data=tmp_path,
        examples="real-esrgan",
        units="unit",
        network=Network("real-esrgan", {"channels": 1, "blocks": 1, "scale": 2}),
        patches=Patches(side=16, batch=4, augment="mirror"),
    )


def _same(first: Batch, second: Batch) -> bool:
    return torch.equal(first.image, second.image) and torch.equal(
        first.truth, second.truth
    )


def test_a_batch_is_whole(recipe: Recipe) -> None:
    batch = open_sampler(recipe, "training").batch(0, range(4))
    assert batch.image.shape == (4, 1, 16, 16)
    assert batch.truth.shape == batch.valid.shape == (4, 1, 32, 32)
    assert batch.sharpened is not None
    assert batch.sharpened.shape == batch.truth.shape
    assert batch.units == "unit"
    assert batch.valid.all()
    assert not batch.lift.any()
    assert {batch.image.dtype, batch.truth.dtype, batch.sharpened.dtype} == {
        torch.float32
    }
    for plane in (batch.image, batch.truth, batch.sharpened):
        assert 0 <= plane.min() <= plane.max() <= 1
    assert torch.equal(batch.target, batch.sharpened)
    assert torch.equal(batch.real, batch.truth)


def test_a_patch_depends_on_seed_part_step_and_number_alone(recipe: Recipe) -> None:
    first, again = open_sampler(recipe, "training"), open_sampler(recipe, "training")
    first.batch(0, range(4))
    assert _same(first.batch(5, [3]), Batch.concatenate([again.batch(5, [3])]))
    both = again.batch(5, [1, 3])
    assert torch.equal(both.image[1:], first.batch(5, [3]).image)
    others = [
        first.batch(6, [3]),
        first.batch(5, [2]),
        open_sampler(replace(recipe, seed=1), "training").batch(5, [3]),
        open_sampler(recipe, "validation").batch(5, [3]),
    ]
    assert not any(_same(first.batch(5, [3]), other) for other in others)


def test_mirrored_patches_and_small_images(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images of 48 pixels give patches that are cut out of 50: mirrored, and turned."""
    wides: list[np.ndarray] = []

    def whole(wide: np.ndarray, scale: int, *_: object) -> Degraded:
        wides.append(wide)
        return Degraded(wide[::2, ::2], wide, wide)

    module = "w2s_cli.training.patches.real_esrgan_patches.degrade"
    monkeypatch.setattr(module, whole)
    open_sampler(recipe, "validation").batch(0, range(60))
    assert {wide.shape for wide in wides} == {(50, 50)}
    large = np.pad(wides[0][:48, :48], (0, 2), mode="reflect")
    ways = [np.array_equal(wide, wides[0]) for wide in wides]
    assert 15 < sum(ways) < 45
    mirrored = wides[ways.index(False)]
    np.testing.assert_array_equal(mirrored, wides[0][:, ::-1])
    assert any(np.array_equal(large, wide) for wide in (wides[0], mirrored))


def test_inputs_and_truths_are_cut_alike() -> None:
    low = np.arange(400.0, dtype=np.float32).reshape(20, 20)
    high = low.repeat(2, 0).repeat(2, 1)
    for seed in range(10):
        cut = inner(Degraded(low, high, high), 12, 2, np.random.default_rng(seed))
        assert cut.low.shape == (12, 12)
        np.testing.assert_array_equal(cut.high[::2, ::2], cut.low)
        np.testing.assert_array_equal(cut.sharpened, cut.high)


def test_squares_come_from_everywhere() -> None:
    image = np.arange(100.0, dtype=np.float32).reshape(10, 10)
    rng = np.random.default_rng(0)
    corners = {float(square(image, 8, rng)[0, 0]) for _ in range(200)}
    assert corners == {y * 10.0 + x for y in range(3) for x in range(3)}
