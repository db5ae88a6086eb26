"""The compact weights of the networks of the papers: each file that ships."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.methods import JOINT, METHODS
from w2s_cli.methods.build import build, chain_record, lacking_weights
from w2s_cli.methods.filters import Bicubic
from w2s_cli.microscope.simulation import CAMERA, simulate_scene
from w2s_cli.networks.rebuild import describe
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.training.recipe import load
from w2s_cli.weights import checkpoint
from w2s_cli.weights.catalogue import SHIPPED

FILES = sorted(SHIPPED.glob("*-compact.safetensors"))
NAMES = [path.stem.removesuffix("-compact") for path in FILES]
SCENE = simulate_scene(5, photons=100, side=96)


def test_they_are_small_in_all() -> None:
    assert sum(path.stat().st_size for path in FILES) <= 12e6


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_is_small_and_as_its_recipe_says(path: Path) -> None:
    assert path.stat().st_size <= 1.2e6
    found = checkpoint.load(path, as_stored=True)
    floats = [one for one in found.state.values() if one.is_floating_point()]
    assert all(one.dtype == torch.float16 for one in floats)
    name = path.stem.removesuffix("-compact")
    recipe = load(path.stem)
    network = describe(found.state)
    assert network is not None
    assert network.name == recipe.network.name == JOINT.get(name, name)
    assert 50_000 <= network.parameters <= 500_000
    assert found.record["licence"] == "MIT"
    wanted = json.loads(json.dumps(recipe.as_dict()))
    assert _comparable(found.record["recipe"]) == _comparable(wanted)
    assert found.record["trained_on"] == wanted["trained_on"]


def _comparable(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return what decides about weights; VGG-16 stood in for VGG-19.

    Which weights are kept was no question yet when they were trained: the last.
    """
    texts = ("summary", "paper", "deviates", "features", "phases", "keep")
    phases = [_comparable(phase) for phase in recipe["phases"]]
    kept = {key: value for key, value in recipe.items() if key not in texts}
    layers = {k: v for k, v in recipe["features"].items() if k != "weights"}
    return {**kept, "features": layers, "phases": phases}


# Without truth, and for what an image looks like: the error is not what they lessen.
_MOST = {"noise2sr": 0.95, "real-esrgan": 1.1}


@pytest.mark.parametrize("name", NAMES)
def test_it_restores_better_than_nothing_does(name: str) -> None:
    chain = build(name, device="cpu")
    [link] = chain.links
    seen = SCENE.clean if link.traits.noise_free else SCENE.seen.astype(np.float32)
    [made] = chain.bound(CAMERA)(seen[None])
    plain, truth = seen, SCENE.clean
    if chain.traits.scale == 2:
        [plain], truth = Bicubic()(seen[None]), SCENE.truth
    assert made.shape == truth.shape
    inside = np.s_[8:-8, 8:-8]
    errors = [np.square(one - truth)[inside].mean() for one in (made, plain)]
    assert errors[0] < _MOST.get(name, 0.9) * errors[1]
    assert made[inside].mean() == pytest.approx(truth[inside].mean(), rel=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_which_weights_are_used_is_told(name: str) -> None:
    entry = METHODS[name]
    assert "compact weights ship" in entry.summary
    assert lacking_weights(name, ()) == []
    spec = RestoreSpec(name, device="cpu")
    chain = spec.chain()
    [link] = chain_record(name, chain)
    assert link["weights"] == f"{name}-compact"
    assert link["units"] == "root"
    said = spec.doubts(chain)
    assert said[0] == (
        f"{name} has the compact weights that ship: {link['compact']}; "
        "`w2s train` and --weights FILE give it others"
    )
    assert (len(said) == 2) == chain.links[0].traits.noise_free


def test_texture_loss_is_compared_with_what_it_began_from() -> None:
    before, after = (load(f"jdsr-{name}-compact") for name in ("pixels", "texture"))
    first = after.phases[0]
    same = ("network", "steps", "seed", "loss", "optimiser", "schedule", "patches")
    assert [getattr(before, key) for key in same] == [
        getattr(first, key) for key in same
    ]


def test_the_size_beside_the_paper_s() -> None:
    [link] = chain_record("dncnn", build("dncnn"))
    assert link["compact"] == "0.14 M parameters, the paper's has 0.6 M"


def test_one_that_knows_no_noise_follows_a_denoiser() -> None:
    spec = RestoreSpec("dncnn+rcan", device="cpu")
    assert all("compact" in one for one in spec.doubts(spec.chain()))
    alone = RestoreSpec("rcan", device="cpu")
    assert alone.doubts(alone.chain())[1] == (
        "rcan has learned from images without noise, and takes noise for structure; "
        "denoise first: --method denoise+rcan"
    )
    with pytest.raises(UsageError, match="dncnn cannot come after rcan") as told:
        RestoreSpec("rcan+dncnn", device="cpu").chain()
    assert told.value.hint == "denoise first: --method dncnn+rcan"


def test_units_that_compact_weights_do_not_take() -> None:
    with pytest.raises(UsageError, match="takes stabilised counts, not units=z") as t:
        _ = build("dncnn", ["units=z"]).traits
    assert t.value.hint == "leave out dncnn.units"


def test_networks_of_the_same_kind_that_ship_are_named() -> None:
    with pytest.raises(WeightsError, match="rrdb has no weights of its own") as told:
        _ = build("rrdb").traits
    assert (
        "take one that ships: jdsr-esrgan, jdsr-texture, jdsr-pixels;"
        in told.value.hint
    )
