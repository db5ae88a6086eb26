from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.methods import METHODS
from w2s_cli.methods.build import method_for_weights
from w2s_cli.methods.noise2x import N2N, N2S, N2SR, N2V
from w2s_cli.methods.self_supervised import SelfSupervised
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.networks.n2n_unet import Noise2SRPaper
from w2s_cli.networks.unet import UNet
from w2s_cli.pipeline.restoration import restore_planes
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.fitting import fit_channels
from w2s_cli.restorers.units import Units
from w2s_cli.stack import Stack
from w2s_cli.training.recipe import load
from w2s_cli.weights import checkpoint

Plane: TypeAlias = NDArray[np.float32]
METHODS_ALONE = {"n2sr": N2SR, "n2v": N2V, "n2s": N2S, "n2n": N2N}
LESSONS: dict[str, tuple[type[SelfSupervised], dict[str, Any]]] = {
    "n2sr": (N2SR, {}),
    "n2sr/whole": (N2SR, {"mosaics": 0}),
    "n2v": (N2V, {}),
    "n2v/median": (N2V, {"value": "median"}),
    "n2s": (N2S, {}),
    "n2n": (N2N, {}),
}


def _told(step: int, steps: int, loss: float) -> None:
    pass


def _never() -> list[list[Plane]]:
    raise AssertionError("the images were asked for")


def _fitted(
    method: type[SelfSupervised], captures: Sequence[Plane], **options: Any
) -> SelfSupervised:
    made = method(device="cpu", precision="fp32", width=8, **options)
    return made.fitted(lambda: [captures], _told)


def _error(one: Plane, other: Plane) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2)))


@pytest.mark.parametrize(("method", "options"), LESSONS.values(), ids=LESSONS.keys())
def test_what_is_learned_lowers_the_noise(
    small_methods: Path,
    captures: list[Plane],
    truth: Plane,
    method: type[SelfSupervised],
    options: dict[str, Any],
) -> None:
    seen = captures if method is N2N else captures[:1]
    fitted = _fitted(method, seen, iterations=80, **options)
    made = fitted(captures[0][None])
    assert made.shape == (1, *truth.shape)
    assert made.dtype == np.float32
    assert _error(made[0], truth) < 0.65 * _error(captures[0], truth)
    assert fitted.traits.fit.steps == 0
    known = {"weights_sha256", "engine", "device", "precision"}
    assert set(fitted.traits.provenance) == known
    assert fitted.fitted(_never, _told) is fitted


@pytest.mark.parametrize(("name", "method"), METHODS_ALONE.items())
def test_methods_are_listed_and_learn(name: str, method: type[SelfSupervised]) -> None:
    assert METHODS[name].load() is method
    made = method()
    assert made.weights is None
    assert made.traits.fit.steps == 1600
    assert made.traits.provenance == {}
    assert made.traits.expects is Units.ROOT
    with pytest.raises(AssertionError, match=f"^{name} is not fitted yet$"):
        made(np.zeros((1, 64, 64), np.float32))


def test_super_resolved_output_is_twice_as_large(
    small_methods: Path, captures: list[Plane], truth: Plane
) -> None:
    fitted = _fitted(N2SR, captures[:1], iterations=60, output="sr")
    made = fitted(captures[0][None])
    assert fitted.traits.scale == 2
    assert made.shape == (1, 192, 192)
    halved = made[0].reshape(96, 2, 96, 2).mean((1, 3))
    assert _error(halved, truth) < 0.75


def test_counts_under_much_read_noise_keep_their_level(
    small_methods: Path, truth: Plane
) -> None:
    noise = NoiseModel(gain=0.1, offset=50, read_noise=100)
    counts = 50 + 100 * truth
    rng = np.random.default_rng(8)
    seen = np.asarray(noise.sample(noise.photons(counts), rng), np.float32)
    stack = Stack(seen, "YX")
    chain = Chain([N2SR(device="cpu", precision="fp32", width=8, iterations=80)])
    fitted = fit_channels(stack, chain, {0: noise})
    result, _ = restore_planes(stack, chain, {0: noise}, None, fitted)
    made = result.data[()]
    assert _error(made, counts) < 0.65 * _error(seen, counts)
    assert abs(made.mean() - counts.mean()) < 0.1 * 100


def test_options_reach_the_recipe() -> None:
    recipe = N2V(
        value="median", rows=2, columns=1, patience=300, seed=7, width=24
    ).recipe
    assert recipe.masking.value == "median"
    assert recipe.masking.reach == (1, 2)
    assert recipe.masking.radius == 5
    assert (recipe.patience, recipe.seed) == (300, 7)
    assert recipe.network.options["width"] == 24
    assert N2V(iterations=77, quality="best").recipe.steps == 77
    assert [
        N2S(quality=quality).recipe.steps for quality in ("fast", "default", "best")
    ] == [640, 1600, 4800]
    assert N2V().recipe.patches.augment == "turns"
    assert N2V(rows=1).recipe.patches.augment == "mirror"
    assert N2V(rows=1, columns=1).recipe.patches.augment == "turns"


def test_patience_looks_at_what_is_held_out_before_it_ends() -> None:
    assert N2V(patience=50).recipe.validate_every == 50
    assert N2V(patience=5000).recipe.validate_every == N2V().recipe.validate_every
    assert N2V(iterations=30).recipe.validate_every == 30


@pytest.mark.parametrize(
    ("method", "option", "value", "least"),
    [
        *((N2N, "iterations", -1, 0), (N2V, "patience", -5, 0), (N2S, "seed", -1, 0)),
        *((N2SR, "width", 0, 1), (N2SR, "mosaics", -4, 0)),
        *((N2V, "rows", -1, 0), (N2V, "columns", -1, 0)),
    ],
)
def test_options_out_of_range_are_told(
    method: type[SelfSupervised], option: str, value: int, least: int
) -> None:
    message = f"^option {option} must be {least} or more, found {value}$"
    with pytest.raises(UsageError, match=message) as caught:
        method(**{option: value})
    assert caught.value.hint == f"`w2s methods {method.name}` says what it is for"


@pytest.mark.parametrize("name", ["n2sr", "n2v/median", "n2s"])
def test_tiles_give_what_the_whole_does(
    small_methods: Path, captures: list[Plane], name: str
) -> None:
    method, options = LESSONS[name]
    fitted = _fitted(method, captures[:1], iterations=2, **options)
    traits = fitted.traits
    step, margin = traits.multiple_of, traits.margin
    far = -(-margin // step) * step
    side = 2 * far + 2 * step
    plane = np.random.default_rng(0).random((1, side, side), np.float32) * 20
    whole = fitted(plane)
    tile = fitted(plane[:, step:, step:])
    inner = np.s_[:, far + step :, far + step :]
    np.testing.assert_allclose(tile[:, far:, far:], whole[inner], atol=1e-3)


def test_weights_say_how_far_they_see_and_what_they_hid(
    small_methods: Path, captures: list[Plane], tmp_path: Path
) -> None:
    median = _fitted(N2V, captures[:1], iterations=2, value="median")
    assert median.weights
    found = checkpoint.load(median.weights)
    assert found.record["recipe"]["masking"]["value"] == "median"
    reused = N2V(weights=median.weights, device="cpu", precision="fp32", width=99)
    assert reused.traits == median.traits
    blocks = captures[0][None]
    np.testing.assert_array_equal(reused(blocks), median(blocks))


@pytest.mark.parametrize("units", ["unit", "z"])
def test_weights_in_units_of_their_own_restore_as_the_paper_does(
    tmp_path: Path, units: str
) -> None:
    """The whole image, enlarged by the network, and halved: no thinned copies."""
    torch.manual_seed(0)
    network = Noise2SRPaper(1, 8, 2, 4, 2, (5, 3))
    recipe = load("noise2sr-paper", [f"units={units}"])
    path = tmp_path / "own.safetensors"
    checkpoint.save(path, network.state_dict(), recipe.record(units=units), halve=False)
    assert method_for_weights([path]) == "n2sr"
    method = N2SR(weights=path, device="cpu", precision="fp32")
    traits = method.traits
    assert (traits.expects, traits.scale, traits.fit) == (Units(units), 1, None)
    assert traits.multiple_of == network.multiple_of
    assert traits.provenance["units"] == units
    planes = np.random.default_rng(0).random((2, 32, 32), np.float32)
    made = network.eval()(torch.from_numpy(planes)[:, None]).detach()
    halved = functional.interpolate(made, scale_factor=0.5, mode="bilinear")
    np.testing.assert_allclose(method(planes), halved[:, 0], atol=1e-6)
    copied = replace(method, mosaics=4)
    assert copied.traits.multiple_of == 16
    assert not np.allclose(copied(planes), method(planes))
    large = replace(method, output="sr")
    assert large.traits.scale == 2
    np.testing.assert_allclose(large(planes), made[:, 0], atol=1e-6)
    best = replace(method, quality="best")(planes)
    np.testing.assert_allclose(
        best, replace(method, quality="best")(planes[:, ::-1])[:, ::-1], atol=1e-5
    )


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    record = load("n2v", ["units=unit", "loss={mse=1.0}"]).record(units="unit")
    state = UNet(4, 2, 1, 1).state_dict()
    checkpoint.save(path, state, record, halve=False)
    assert method_for_weights([path]) == "n2v"
    message = r"enlarges x1, but the networks of n2sr enlarge x2$"
    with pytest.raises(WeightsError, match=message) as caught:
        _ = N2SR(weights=path).traits
    assert caught.value.hint.startswith("leave out --method")
    assert N2V(weights=path).traits.expects is Units.UNIT
