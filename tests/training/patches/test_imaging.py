from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from w2s_cli.errors import InputError, UsageError
from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.microscope.simulation import simulate_field
from w2s_cli.training.losses import LOSSES
from w2s_cli.training.losses.photons import ImagingBatch
from w2s_cli.training.patches import open_sampler
from w2s_cli.training.patches.scenes import draw_blur, scaled_crop
from w2s_cli.training.recipe import Recipe, load
from w2s_cli.training.training_batch import Batch

QUICK = ["simulated_fields=2", "light.measured=0", "patches.side=48"]
ONLY = ["pairs", "averages", "sharp", "sim", "even", "simulated"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make SIM images to train on, to validate on and to judge by."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "sim_truth").mkdir()
    for number in (1, 32, 33, 41):
        field = simulate_field(160, np.random.default_rng(number))
        gray = np.clip(255 * field, 0, 255).astype(np.uint8)
        Image.fromarray(gray).save(folder / "sim_truth" / f"er_{number:02d}.png")
    return folder


def _recipe(data: Path, name: str, source: str, *more: str) -> Recipe:
    shares = [f"sources.{one}={int(one == source)}" for one in ONLY]
    return load(name, [*QUICK, *shares, f"data={data}", *more])


def _batch(recipe: Recipe, step: int = 0, count: int = 6) -> ImagingBatch:
    batch = open_sampler(recipe, "training").batch(step, range(count))
    assert isinstance(batch, ImagingBatch)
    return batch


@pytest.mark.parametrize("source", ["simulated", "sim", "even"])
@pytest.mark.parametrize("name", ["denoise-2", "jdsr"])
def test_patches_have_what_the_network_takes(
    name: str, source: str, data: Path
) -> None:
    batch = _batch(_recipe(data, name, source))
    scale = 1 if name == "denoise-2" else 2
    assert batch.image.shape == (6, 7 if scale == 1 else 13, 48, 48)
    assert batch.truth.shape == batch.valid.shape == (6, 1, 48 * scale, 48 * scale)
    assert batch.on_camera.shape == (6, 1, 48, 48)
    assert torch.isfinite(batch.image).all()
    assert ((batch.image[:, 1] == 0) | (batch.image[:, 1] == 1)).all()
    constants = batch.image[:, 2:]
    assert torch.equal(constants, constants[..., :1, :1].expand_as(constants))
    if scale == 2:
        assert batch.parted.all()
        binned = torch.nn.functional.avg_pool2d(batch.truth, 2).mean((1, 2, 3))
        on_camera = batch.on_camera.mean((1, 2, 3))
        torch.testing.assert_close(binned, on_camera, rtol=0.3, atol=0.5)
    if scale == 2 and source == "even":
        torch.testing.assert_close(batch.truth, batch.haze)


def test_batches_depend_on_seed_step_and_number_alone(data: Path) -> None:
    recipe = _recipe(data, "jdsr", "simulated")
    sampler = open_sampler(recipe, "training")
    first, again = sampler.batch(3, range(4)), sampler.batch(3, [2])
    torch.testing.assert_close(first.image[2:3], again.image)
    assert not torch.equal(sampler.batch(4, [2]).image, again.image)
    other = open_sampler(replace(recipe, seed=1), "training")
    assert not torch.equal(other.batch(3, [2]).image, again.image)


def test_sim_images_of_the_judges_are_left_alone(data: Path) -> None:
    from w2s_cli.training.patches.truth import sim_images

    assert [len(sim_images(data, part)["er"]) for part in (False, True)] == [2, 1]


def test_blur_is_told_to_most(data: Path) -> None:
    told = _recipe(data, "jdsr", "simulated", "imaging.known=1")
    batch = _batch(told)
    assert (batch.image[:, -1] == 1).all()
    untold = _batch(_recipe(data, "jdsr", "simulated", "imaging.known=0"))
    assert not untold.image[:, -6:].any()


def test_sources_that_hold_nothing_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sources\.sim is 1, but there is no"):
        open_sampler(_recipe(tmp_path, "denoise-2", "sim"), "training")


def test_pairs_are_explained_by_what_is_blurred(
    w2s_samples_batch: ImagingBatch,
) -> None:
    batch = w2s_samples_batch
    loss = LOSSES["imaging"].load()(Recipe("r"), "cpu")
    right = 2 * (batch.truth + batch.lift).sqrt()
    none = 2 * batch.lift.sqrt().expand_as(right)
    good, bad = (
        loss(torch.cat([total, none], 1), batch) for total in (right, 1.2 * right)
    )
    assert good < 0.2 * bad


@pytest.fixture
def w2s_samples_batch() -> ImagingBatch:
    """Return a patch of which only the average on the camera is known."""
    torch.manual_seed(0)
    light = torch.rand(1, 1, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3) * 50
    kernel = torch.from_numpy(gaussian_psf(0.4).weights)
    return ImagingBatch(
        image=torch.zeros(1, 13, 32, 32),
        truth=light,
        valid=torch.ones(1, 1, 64, 64) > 0,
        lift=torch.full((1, 1, 1, 1), 0.375),
        units="root",
        on_camera=torch.nn.functional.avg_pool2d(light, 2),
        haze=torch.zeros_like(light),
        parted=torch.tensor([False]),
        kernel=kernel,
    )


@pytest.mark.parametrize("name", ["denoise-2", "jdsr"])
def test_truth_has_no_loss_and_error_has_more_and_more(name: str, data: Path) -> None:
    recipe = _recipe(data, name, "sim")
    batch, loss = _batch(recipe), LOSSES["imaging"].load()(recipe, "cpu")
    lights = [batch.truth] if name == "denoise-2" else [batch.truth, batch.haze]
    right = torch.cat([2 * (one + batch.lift).clamp(min=0).sqrt() for one in lights], 1)
    wrong = torch.randn_like(right)
    losses = [float(loss(right + share * wrong, batch)) for share in (0, 0.1, 0.5, 2)]
    assert losses[0] == pytest.approx(0, abs=0.25)  # the root of the smallest error
    assert losses == sorted(losses)


def test_loss_is_for_these_patches_only() -> None:
    flat = torch.ones(1, 1, 4, 4)
    batch = Batch(flat, flat, flat > 0, flat[..., :1, :1], "root")
    with pytest.raises(UsageError, match="told of noise and blur"):
        LOSSES["imaging"].load()(Recipe("r"), "cpu")(flat, batch)


def test_blurs_are_as_wide_as_they_say() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        blur = draw_blur(0.13, [], rng)
        assert blur.transfer[-1] < 0.05 < blur.transfer[1] < blur.transfer[0] < 1


@pytest.mark.parametrize("factor", [0.5, 0.77, 1.0, 1.4])
def test_crops_have_the_size_that_was_asked_for(factor: float) -> None:
    plane = simulate_field(100, np.random.default_rng(0))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert scaled_crop(plane, 90, factor, rng).shape == (90, 90)
