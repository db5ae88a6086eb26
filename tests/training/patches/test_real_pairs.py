from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from w2s_cli.datasets import find
from w2s_cli.datasets.w2s import Z_OFFSET, Z_UNIT
from w2s_cli.errors import InputError, UsageError
from w2s_cli.training.patches import Part, open_sampler, real_pairs
from w2s_cli.training.patches.real_pairs import PairSampler
from w2s_cli.training.patches.truth import open_data_set
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import Network, Pairs, Patches


def _recipe(data: Path, **changes) -> Recipe:
    recipe = Recipe(
        "r",
        data=data,
        examples="pairs",
        units="z",
        patches=Patches(side=16, batch=6, augment="none"),
    )
    return replace(recipe, **changes)


def _supply(recipe: Recipe, part: Part = "training") -> PairSampler:
    found = open_sampler(recipe, part)
    assert isinstance(found, PairSampler)
    return found


ENLARGING = Network("unet", {"width": 4, "levels": 1, "blocks": 1, "scale": 2})


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("augment", ["none", "turns", "w2s", "mirror"])
def test_an_input_and_its_truth_show_the_same(tmp_path, scale, augment) -> None:
    rng = np.random.default_rng(0)
    for name in ("noisy/a", "noisy/b", "clean/a", "clean/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        plane = rng.integers(0, 4000, (30, 40)).astype(np.uint16)
        if name.startswith("clean"):
            plane = np.load(tmp_path / f"noisy/{name[-1]}.npy")
            plane = plane.repeat(scale, axis=0).repeat(scale, axis=1)
        np.save(tmp_path / f"{name}.npy", plane)
    recipe = _recipe(
        tmp_path,
        pairs=Pairs(split="all"),
        patches=Patches(side=16, batch=6, augment=augment),
        network=ENLARGING if scale == 2 else Network(),
    )
    batch = _supply(recipe).batch(3, range(6))
    assert batch.image.shape == (6, 1, 16, 16)
    assert batch.truth.shape == batch.valid.shape == (6, 1, 16 * scale, 16 * scale)
    assert (batch.image.dtype, batch.truth.dtype) == (torch.float32, torch.float32)
    assert (batch.valid.dtype, batch.valid.all()) == (torch.bool, True)
    assert (batch.lift.shape, batch.units) == ((6, 1, 1, 1), "z")
    assert torch.equal(batch.truth[:, :, ::scale, ::scale], batch.image)
    counts = batch.image.numpy() * Z_UNIT + Z_OFFSET
    assert np.abs(counts - counts.round()).max() < 1e-2  # counts, by the W2S z-score


def test_a_patch_depends_on_seed_step_and_number_alone(w2s: Path) -> None:
    recipe = _recipe(w2s, patches=Patches(side=16, batch=6))
    whole, shared = _supply(recipe), _supply(recipe)
    for step in (5, 2):
        batch = whole.batch(step, range(6))
        part = shared.batch(step, [4, 1])
        assert torch.equal(part.image, batch.image[[4, 1]])
        assert torch.equal(part.truth, batch.truth[[4, 1]])
    others = [
        whole.batch(3, range(6)),
        _supply(replace(recipe, seed=1)).batch(2, range(6)),
    ]
    assert all(not torch.equal(other.image, batch.image) for other in others)


def test_z_scores_come_through_as_they_are(w2s: Path) -> None:
    recipe = _recipe(w2s, patches=Patches(side=72, batch=40, augment="none"))
    scores = [np.load(w2s / "avg1" / f"{name}_0.npy") for name in ("001", "002", "070")]
    drawn = _supply(recipe).batch(0, range(20)).image.numpy()[:, 0]
    best = [min(np.abs(one - score).max() for score in scores) for one in drawn]
    assert max(best) < 1e-5
    batch = _supply(recipe).batch(0, range(20))
    bias, noise = (batch.image - batch.truth).mean(), (batch.image - batch.truth).std()
    assert abs(bias) < 0.01  # the noise alone is between both
    assert 0.1 < noise < 0.8
    grey = _supply(replace(recipe, units="z/255")).batch(0, range(20)).image.numpy()
    assert grey[:, 0] * 255 == pytest.approx(drawn, abs=1e-5)
    held = _supply(recipe, "validation").batch(0, [0]).truth.numpy()[0, 0]
    assert held == pytest.approx(np.load(w2s / "avg400" / "071_0.npy"), abs=1e-5)


def test_the_long_average_is_the_input_of_super_resolution(w2s: Path) -> None:
    recipe = _recipe(w2s, network=ENLARGING, pairs=Pairs(levels=(400,)))
    recipe = replace(recipe, patches=Patches(side=72, batch=1, augment="none"))
    batch = _supply(recipe, "validation").batch(0, [0])
    expected = np.load(w2s / "avg400" / "071_0.npy"), np.load(w2s / "sim" / "071_0.npy")
    for found, plane in zip((batch.image, batch.truth), expected, strict=True):
        assert found.numpy()[0, 0] == pytest.approx(plane, abs=1e-5)


@pytest.mark.parametrize(("units", "black"), [("unit", 0), ("centred", 0.5)])
def test_gray_values_become_shares_of_white(fmd: Path, units: str, black) -> None:
    pairs, patches = Pairs(levels=(1, 2)), Patches(side=72, batch=1, augment="none")
    recipe = _recipe(fmd, units=units, pairs=pairs, patches=patches)
    data = find(fmd)
    images = [
        data.inputs[level][name].read()[0]
        for level in (1, 2)
        for name in data.inputs[level]
    ]
    drawn = (_supply(recipe).batch(0, range(12)).image.numpy() + black) * 255
    assert all(
        any(np.abs(one - plane).max() < 1e-3 for plane in images) for one in drawn[:, 0]
    )


def test_levels_are_drawn_evenly(w2s: Path) -> None:
    patches = Patches(side=72, batch=1, augment="none")
    recipe = _recipe(w2s, pairs=Pairs(levels=(1, 4)), patches=patches)
    single = np.load(w2s / "avg1" / "071_0.npy")
    drawn = _supply(recipe, "validation").batch(0, range(200)).image.numpy()[:, 0]
    ones = sum(np.abs(one - single).max() < 1e-4 for one in drawn)
    assert ones == pytest.approx(100, abs=30)


def test_a_grid_shows_every_patch_of_every_level_once_an_epoch(w2s: Path) -> None:
    patches = Patches(side=32, batch=7, stride=16, augment="none")
    recipe = _recipe(w2s, pairs=Pairs(levels=(1, 4)), patches=patches)
    found = _supply(recipe)
    count = 3 * 2 * 3 * 3  # fields, levels, rows and columns of patches
    assert found.grid is not None
    assert len(found.grid.corners) == count
    images = torch.cat([found.batch(step, range(7)).image for step in range(16)])
    firsts = {image.numpy().tobytes() for image in images[:count]}
    seconds = {image.numpy().tobytes() for image in images[count : 2 * count]}
    assert len(firsts) == count
    assert firsts == seconds
    part = found.batch(9, [2, 5]).image
    assert torch.equal(part, images[[9 * 7 + 2, 9 * 7 + 5]])


def test_another_capture_is_the_truth_of_noise2noise(fmd: Path) -> None:
    patches = Patches(side=72, batch=1, augment="none")
    pairs = Pairs(levels=(1, 2), target="another")
    recipe = _recipe(fmd, units="unit", pairs=pairs, patches=patches)
    data, batch = find(fmd), _supply(recipe).batch(0, range(24))
    known = {
        (data.inputs[level][name].read()[0] / 255).astype(np.float32).tobytes(): (
            level,
            data.group_of(name),
            name,
        )
        for level in (1, 2)
        for name in data.inputs[level]
    }
    for image, truth in zip(batch.image.numpy(), batch.truth.numpy(), strict=True):
        (*one, own), (*other, others) = known[image.tobytes()], known[truth.tobytes()]
        assert one == other
        assert own != others
    held = _supply(recipe, "validation").batch(0, range(4)).truth.numpy() * 255
    truth = data.truths[1]["Confocal_FISH/1/HV_0"].read()[0]
    assert held[:, 0] == pytest.approx(np.stack([truth] * 4), abs=1e-3)


def test_noise2noise_needs_captures(w2s: Path) -> None:
    pairs = Pairs(target="another", levels=(1, 4))
    with pytest.raises(InputError, match="needs two captures or more") as caught:
        _supply(_recipe(w2s, pairs=pairs))
    assert "has one of 001_0 at level 1, 002_0 at level 1" in str(caught.value)
    assert 'pairs.target="truth"' in caught.value.hint
    with pytest.raises(UsageError, match="for a network that enlarges x2") as caught:
        _supply(_recipe(w2s, pairs=pairs, network=ENLARGING))
    assert caught.value.hint == 'set pairs.target="truth"'


def test_another_stain_of_a_field_is_no_other_capture(tmp_path: Path) -> None:
    for folder in ("avg1", "avg400"):
        (tmp_path / folder).mkdir()
        for name in ("001_0", "001_1", "002_0", "002_1", "071_0"):
            np.save(tmp_path / folder / f"{name}.npy", np.ones((32, 32), np.float32))
    with pytest.raises(InputError, match="of each field and channel, with one truth"):
        _supply(_recipe(tmp_path, pairs=Pairs(target="another")))


def test_captures_of_two_sizes(tmp_path: Path) -> None:
    from PIL import Image

    for field in (1, 2):
        for name, side in (("gt/F/avg50", 32), ("raw/F/1", 32), ("raw/F/2", 30)):
            path = tmp_path / "T" / f"{name.replace('F', str(field))}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (32, side)).save(path)
    recipe = _recipe(tmp_path, units="unit", pairs=Pairs(target="another"))
    with pytest.raises(InputError, match=r"png has 3[02] x 32 pixels, \S+\.png has 3"):
        _supply(recipe).batch(0, range(6))


def test_clipped_pixels_stay_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    # No other set knows which pixels are clipped.
    monkeypatch.setattr(real_pairs, "find", lambda place, kind: open_data_set(place))
    gray = np.random.default_rng(0).integers(0, 256, (2, 24, 24)).astype(np.uint8)
    columns = "image,grey_per_count,slope,intercept,gain_counts,offset_counts\n"
    (tmp_path / "index.csv").write_text(columns + "001_0,1,1,0,10,0\n071_0,1,1,0,10,0")
    for folder, plane in zip(("avg1", "avg400"), gray, strict=True):
        (tmp_path / folder).mkdir()
        for name in ("001_0", "071_0"):
            Image.fromarray(plane // 50 * 51).save(tmp_path / folder / f"{name}.png")
    patches = Patches(side=24, batch=1)
    batch = _supply(_recipe(tmp_path, patches=patches)).batch(0, [0])
    seen = [(one * Z_UNIT).round() for one in (batch.image, batch.truth)]
    inside = [(one > 0) & (one < 255) for one in seen]
    assert torch.equal(batch.valid, inside[0] & inside[1])
    assert 0.2 < batch.valid.float().mean() < 0.8


@pytest.mark.parametrize(
    ("kind", "units", "message", "hint"),
    [
        ("w2s", "unit", "units are 'unit', but .* holds counts", "z or z/255"),
        ("w2s", "root", "units are 'root'", "set units to z or z/255"),
        ("fmd", "z", "holds 8-bit gray values", "set units to unit or centred"),
    ],
)
def test_units_that_a_set_cannot_give(request, kind, units, message, hint) -> None:
    recipe = _recipe(request.getfixturevalue(kind), units=units)
    with pytest.raises(UsageError, match=message) as caught:
        _supply(recipe)
    assert hint in caught.value.hint


def test_an_image_smaller_than_a_patch(w2s: Path) -> None:
    recipe = _recipe(w2s, patches=Patches(side=80, batch=1))
    with pytest.raises(InputError, match=r"avg1/\d+_0\.npy has 72 x 72") as caught:
        _supply(recipe).batch(0, [0])
    assert "less than a patch of 80 x 80" in str(caught.value)
    assert caught.value.hint == "set a smaller patches.side"
