from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from w2s_cli.training.patches.noisy_patches import HELD_OUT_SIDE, NoisyPatchSampler
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import Masking, Patches
from w2s_cli.training.training_batch import Batch

Plane = NDArray[np.float32]
MASKINGS = {
    "subsample": Masking("subsample"),
    "blind-spots": Masking("blind-spots", share=0.1),
    "grid": Masking("grid", period=3),
    "capture": Masking("capture"),
}


def _recipe(masking: Masking, side: int = 32, **changes: object) -> Recipe:
    patches = Patches(side=side, batch=2)
    recipe = Recipe(
        "self", examples="self-supervised", masking=masking, patches=patches
    )
    return replace(recipe, **changes)


def _where(height: int, width: int) -> Plane:
    """Return a plane of which every pixel tells, as a root, where it is."""
    return np.arange(height * width, dtype=np.float32).reshape(height, width)


def _asked(batch: Batch, height: int, width: int) -> NDArray[np.intp]:
    """Return how often each pixel of such a plane is asked for."""
    at = 2 * batch.truth[batch.valid].double().sqrt()
    return np.bincount(at.round().long().numpy(), minlength=height * width).reshape(
        height, width
    )


def _all_asked(source: NoisyPatchSampler, height: int, width: int) -> NDArray[np.intp]:
    batches = [source.batch(step, range(8)) for step in range(60)]
    return np.sum([_asked(batch, height, width) for batch in batches], axis=0)


@pytest.mark.parametrize("masking", MASKINGS.values(), ids=MASKINGS.keys())
def test_held_out_squares_are_asked_for_only_in_validation(masking: Masking) -> None:
    height, width = 65, 200
    planes = [_where(height, width)] * 2
    held = np.zeros((height, width), bool)
    held[HELD_OUT_SIDE : 2 * HELD_OUT_SIDE, HELD_OUT_SIDE : 2 * HELD_OUT_SIDE] = True
    held[HELD_OUT_SIDE : 2 * HELD_OUT_SIDE, 5 * HELD_OUT_SIDE : 6 * HELD_OUT_SIDE] = (
        True
    )
    recipe = _recipe(masking)
    training = _all_asked(
        NoisyPatchSampler(recipe, "training", [planes]), height, width
    )
    assert not training[held].any()
    assert (training[~held] > 0).mean() > 0.8
    validation = _all_asked(
        NoisyPatchSampler(recipe, "validation", [planes]), height, width
    )
    assert not validation[~held].any()
    assert (validation[held] > 0).mean() > 0.8


@pytest.mark.parametrize("masking", MASKINGS.values(), ids=MASKINGS.keys())
def test_every_patch_of_the_validation_asks_for_something(masking: Masking) -> None:
    planes = [_where(300, 220)] * 2
    source = NoisyPatchSampler(_recipe(masking, side=16), "validation", [planes])
    batch = source.batch(0, range(30))
    assert batch.valid.flatten(1).any(1).all()


@pytest.mark.parametrize("masking", MASKINGS.values(), ids=MASKINGS.keys())
def test_a_patch_depends_on_seed_step_and_number_alone(masking: Masking) -> None:
    rng = np.random.default_rng(0)
    places = [[*rng.random((2, 70, 80), np.float32)] for _ in range(2)]
    source = NoisyPatchSampler(_recipe(masking), "training", places)
    again = NoisyPatchSampler(_recipe(masking), "training", places)
    again.batch(0, [0])
    whole, part = source.batch(3, range(4)), again.batch(3, [2, 3])
    for name in ("image", "truth", "valid"):
        torch.testing.assert_close(getattr(whole, name)[2:], getattr(part, name))
    others = [
        source.batch(4, range(4)),
        source.batch(3, range(4, 8)),
        NoisyPatchSampler(_recipe(masking, seed=1), "training", places).batch(
            3, range(4)
        ),
        NoisyPatchSampler(_recipe(masking), "validation", places).batch(3, range(4)),
    ]
    assert not any(torch.equal(whole.truth, other.truth) for other in others)


@pytest.mark.parametrize("masking", MASKINGS.values(), ids=MASKINGS.keys())
def test_the_shapes_are_those_of_the_network(masking: Masking) -> None:
    plane = np.ones((128, 128), np.float32)
    batch = NoisyPatchSampler(_recipe(masking), "training", [[plane, plane]]).batch(
        0, range(2)
    )
    scale = 2 if masking.kind == "subsample" else 1
    assert batch.image.shape == (2, 1, 32, 32)
    assert batch.truth.shape == (2, 1, 32 * scale, 32 * scale) == batch.valid.shape
    assert batch.image.dtype == batch.truth.dtype == torch.float32
    assert batch.valid.dtype == torch.bool
    assert batch.lift.tolist() == [[[[0.0]]]] * 2
    assert batch.units == "root"


@pytest.mark.parametrize("by", ["blind-spots", "grid"])
def test_the_truth_is_the_noisy_pixels_as_photons(by: str) -> None:
    plane = np.random.default_rng(0).random((64, 64), np.float32)
    recipe = _recipe(MASKINGS[by], side=64)
    batch = NoisyPatchSampler(recipe, "training", [[plane]]).batch(0, range(3))
    found = np.sort(batch.truth.flatten(1).numpy())
    expected = np.sort((plane.astype(float) ** 2 / 4).ravel())
    np.testing.assert_allclose(found, [expected] * 3, rtol=1e-6)
    torch.testing.assert_close(batch.target, 2 * batch.truth.sqrt())


@pytest.mark.parametrize("masking", MASKINGS.values(), ids=MASKINGS.keys())
def test_an_image_and_its_truth_are_turned_alike(masking: Masking) -> None:
    y, x = np.mgrid[:64, :96].astype(np.float32)
    plane = 2 * y + 100 * x
    batch = NoisyPatchSampler(_recipe(masking), "training", [[plane] * 2]).batch(
        0, range(8)
    )
    scale = 2 if masking.kind == "subsample" else 1
    truth = 2 * batch.truth.sqrt()
    small = truth[:, :, ::scale, ::scale]
    near = (small - batch.image).abs() <= 102 * (scale - 1) + 0.1
    assert near.float().mean() > 0.85


def test_noise_along_rows_is_hidden_along_rows_and_turned_after() -> None:
    """What is replaced beside a spot lies in its row of the image, however it lies."""
    plane = _where(64, 64)
    recipe = _recipe(Masking("blind-spots", 0.004, 2, reach=(0, 2)), side=64)
    batch = NoisyPatchSampler(recipe, "training", [[plane]]).batch(0, range(16))
    for image, truth, asked in zip(
        batch.image[:, 0], 2 * batch.truth[:, 0].sqrt(), batch.valid[:, 0], strict=True
    ):
        replaced = truth[(image - truth).abs() > 0.5].round().long().numpy()
        spots = truth[asked].round().long().numpy()
        rows, columns = np.divmod(spots, 64)
        for row, column in zip(rows, columns, strict=True):
            beside = replaced[replaced // 64 == row] % 64
            assert (abs(beside - column) <= 2).sum() >= 2


def test_a_capture_is_asked_for_from_the_one_next_to_it() -> None:
    planes = [np.full((64, 64), 2.0 * number, np.float32) for number in range(5)]
    source = NoisyPatchSampler(_recipe(MASKINGS["capture"]), "training", [planes])
    batch = source.batch(0, range(200))
    seen = batch.image[:, 0, 0, 0] / 2
    wanted = batch.truth[:, 0, 0, 0].sqrt()
    pairs = set(zip(seen.tolist(), wanted.tolist(), strict=True))
    forth = {(float(at), at + 1.0) for at in range(4)}
    assert pairs == forth | {(b, a) for a, b in forth}


def test_a_lone_capture_is_not_asked_for_from_itself() -> None:
    lone = np.full((64, 64), 8, np.float32)
    pair = [np.full((64, 64), value, np.float32) for value in (2, 4)]
    source = NoisyPatchSampler(
        _recipe(MASKINGS["capture"]), "training", [[lone], pair, [lone]]
    )
    batch = source.batch(0, range(50))
    assert sorted(batch.image.unique().tolist()) == [2, 4]


def test_planes_of_different_sizes_are_all_drawn_from() -> None:
    places = [
        [np.full(shape, n, np.float32)]
        for n, shape in enumerate([(64, 300), (90, 64), (70, 70)])
    ]
    batch = NoisyPatchSampler(
        _recipe(MASKINGS["blind-spots"]), "training", places
    ).batch(0, range(40))
    assert batch.image.unique().tolist() == [0, 1, 2]
