"""Patches to adapt with, and whether their squares are kept apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from w2s_cli.errors import InputError
from w2s_cli.methods.shipped import DenoiseFast, JdsrFast
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.networks.unet import ConditionalUNet
from w2s_cli.pipeline.adaptation.adaptation_patches import (
    EVERY,
    SQUARE,
    TEST_SQUARE,
    VALIDATION_SQUARE,
    AdaptationSampler,
    check_planes,
    squares,
)
from w2s_cli.pipeline.adaptation.redrawn_noise import LESS, Field
from w2s_cli.training.losses import LOSSES
from w2s_cli.training.patches import Part
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import Patches
from w2s_cli.weights import checkpoint

SIDE = 96
NOISE = NoiseModel(1.0, 0.0, 1.0)


def _field(height: int = 160, width: int = 200) -> Field:
    light = np.full((height, width), 4.0, np.float32)
    noisy = NOISE.sample(light, np.random.default_rng(2))
    return Field(noisy, light, NOISE)


def _supply(part: Part, **more: object) -> AdaptationSampler:
    patches = Patches(side=SIDE, batch=2, augment="none")
    recipe = Recipe("x", examples="self-supervised", patches=patches)
    return AdaptationSampler(
        recipe, part, [_field()], DenoiseFast(device="cpu"), **more
    )


def test_squares_are_apart_and_the_same_in_any_window() -> None:
    whole = {
        n: squares(np.s_[0:160, 0:200], n) for n in (VALIDATION_SQUARE, TEST_SQUARE)
    }
    assert not (whole[VALIDATION_SQUARE] & whole[TEST_SQUARE]).any()
    for marked in whole.values():
        assert marked[:128, :192].mean() == pytest.approx(1 / EVERY**2)
    window = np.s_[37:133, 11:107]
    np.testing.assert_array_equal(
        squares(window, VALIDATION_SQUARE), whole[VALIDATION_SQUARE][window]
    )


def test_neither_part_asks_for_what_is_kept_back() -> None:
    for step in range(8):
        learned = _supply("training").batch(step, range(2))
        stopped = _supply("validation").batch(step, range(2))
        share = 1 - 2 / EVERY**2
        assert learned.valid.float().mean() == pytest.approx(share, abs=0.06)
        assert stopped.valid.float().mean() == pytest.approx(1 / EVERY**2, abs=0.06)
        # a square kept back in each corner of a period: never all of one is asked for
        rows = learned.valid.float().unfold(2, SQUARE * EVERY, 1).mean()
        assert rows < 1


def test_batches_come_back_and_each_patch_by_its_number() -> None:
    supply = _supply("training")
    both, second = supply.batch(5, range(2)), supply.batch(5, [1])
    assert (both.image[1:] == second.image).all()
    assert (both.truth[1:] == second.truth).all()
    assert not (both.image == supply.batch(6, range(2)).image).all()


def test_images_have_noise_of_one_and_truths_the_dimmed_light() -> None:
    batch = _supply("training").batch(0, range(2))
    assert batch.image.std() == pytest.approx(1, abs=0.1)
    assert batch.truth.mean() == pytest.approx(4 / LESS, rel=0.05)
    assert batch.lift.flatten().tolist() == pytest.approx([0.375 + 1 / LESS] * 2)
    assert batch.before is None


def test_much_read_noise_is_lowered_as_in_use() -> None:
    supply = _supply("training")
    field = replace(supply.fields[0], noise=NoiseModel(1.0, 0.0, 10.0))
    batch = replace(supply, fields=[field]).batch(0, [0])
    lowered = supply.method.with_noise(field.dimmed).lowered
    assert lowered > 0
    assert batch.lowered.item() == pytest.approx(lowered)


def test_enlarged_patches_leave_out_the_rim() -> None:
    blur = gaussian_psf(2.0)  # 17 pixels of the output, 5 of the image
    supply = replace(_supply("training", blur=blur), method=JdsrFast(device="cpu"))
    batch = supply.batch(0, [0])
    assert batch.before is not None
    assert batch.before.shape == (1, 1, 2 * SIDE, 2 * SIDE)
    assert batch.kernel is not None
    assert batch.kernel.shape == (1, 1, 17, 17)
    assert not batch.valid[..., :5, :].any()
    assert not batch.valid[..., -5:].any()
    assert batch.valid[..., 5, :].any()


def test_small_and_empty_images_are_refused() -> None:
    noise = np.random.default_rng(0).random((127, 300))
    with pytest.raises(InputError, match="127 x 300 pixels is too small") as raised:
        check_planes([(noise, NOISE)])
    assert "it takes 128 x 128" in str(raised.value)
    with pytest.raises(InputError, match="without any structure or noise") as raised:
        check_planes([(np.ones((128, 128)), NOISE)])
    assert raised.value.hint == "is it the right channel, and exposed?"
    check_planes([(noise.T.repeat(2, 1), NOISE)])


def test_networks_that_are_told_get_their_planes(tmp_path: Path) -> None:
    network = ConditionalUNet((4, 6), (1, 1), 11, 2, 4)
    path = tmp_path / "w.safetensors"
    trained_on = {"photons": [1, 50], "sigma": 2}
    checkpoint.save(path, network.state_dict(), {"trained_on": trained_on})
    method = JdsrFast(weights=path, device="cpu")
    patches = Patches(side=SIDE, batch=2, augment="none")
    recipe = Recipe("x", examples="self-supervised", patches=patches)
    sampler = AdaptationSampler(
        recipe, "training", [_field()], method, gaussian_psf(1.5)
    )
    batch = sampler.batch(0, range(2))
    assert batch.image.shape == (2, network.channels, SIDE, SIDE)
    assert (batch.image[:, 2] > 0).all()  # the floor
    assert batch.before is not None
    assert batch.before.shape == (2, 1, 2 * SIDE, 2 * SIDE)
    loss = LOSSES["explained"].load()(recipe, "cpu")
    both = network(batch.image)
    assert both.shape[1] == 2
    assert torch.isfinite(loss(both, batch))
