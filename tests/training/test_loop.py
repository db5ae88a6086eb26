from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from w2s_cli.errors import InputError, OutputError, UsageError, WeightsError
from w2s_cli.methods.shipped import Denoise, Jdsr
from w2s_cli.training import loop
from w2s_cli.training.loop import train
from w2s_cli.training.progress import TrainingProgress, read_log
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import (
    Discriminator,
    Network,
    Optimiser,
    Patches,
    Schedule,
    Sources,
)
from w2s_cli.weights import checkpoint

TINY = {"width": 8, "levels": 2, "blocks": 1}


def _recipe(folder: Path, **changes: object) -> Recipe:
    tiny = Recipe(
        "tiny",
        runs=folder,
        steps=40,
        optimiser=Optimiser(rate=1e-2, clip=1.0),
        schedule=Schedule("cosine", warm_up=10),
        average=0.9,
        simulated_fields=4,
        validate_every=20,
        validation_batches=4,
        network=Network("unet", TINY),
        patches=Patches(side=32, batch=4),
    )
    return replace(tiny, **changes)


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[TrainingProgress]]:
    seen: list[TrainingProgress] = []
    return train(_recipe(tmp_path_factory.mktemp("runs")), seen.append), seen


def test_training_learns_and_its_weights_restore(
    trained: tuple[Path, list[TrainingProgress]],
) -> None:
    path, seen = trained
    validation = [step.validation for step in seen if step.validation is not None]
    assert [step.step for step in seen] == [*range(1, 41)]
    assert validation[1] < validation[0] < 1  # 1 is the noise of the input
    assert checkpoint.load(path).record["recipe"]["steps"] == 40
    blocks = np.full((1, 8, 8), 4, np.float32)
    assert Denoise(weights=path)(blocks).shape == (1, 8, 8)


def test_the_log_holds_every_step_and_the_samples_are_pictures(
    trained: tuple[Path, list[TrainingProgress]],
) -> None:
    path, seen = trained
    curves = read_log(path.parent / "log.csv")
    assert [step for step, _ in curves["loss"]] == [*range(1, 41)]
    assert [step for step, _ in curves["validation"]] == [20, 40]
    assert curves["rate"][9][1] == pytest.approx(1e-2, rel=0.15)
    assert curves["rate"][-1][1] < 1e-4
    assert curves["counts"] == curves["loss"]
    (noisy, clean, truth), *_ = seen[-1].samples
    assert noisy.shape == clean.shape == truth.shape == (32, 32)
    assert np.quantile(truth, 0.005) == pytest.approx(0, abs=0.02)
    assert np.quantile(truth, 0.995) == pytest.approx(1, abs=0.02)
    assert abs(clean - truth).mean() < abs(noisy - truth).mean()
    assert not seen[0].samples


class _Interrupted(Exception):
    pass


def _stop_at(step: int, progress: TrainingProgress) -> None:
    if progress.step == step:
        raise _Interrupted


HARD = {
    "plain": {},
    "discriminator": {
        "discriminator": Discriminator(
            "unet-discriminator",
            {"width": 8},
            "relativistic",
            weight=0.1,
            unpaired=True,
        )
    },
    "forgetful": {"optimiser": Optimiser("amsgrad", 1e-3, renew=3), "patience": 1000},
}


@pytest.mark.parametrize("changes", HARD.values(), ids=HARD.keys())
def test_resumed_training_equals_an_uninterrupted_one(
    tmp_path: Path, changes: Mapping[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    torch.set_num_threads(1)
    short = {"steps": 7, "validate_every": 3, "simulated_fields": 2, **changes}
    whole = train(_recipe(tmp_path / "a", **short))
    recipe = _recipe(tmp_path / "b", **short)
    with pytest.raises(_Interrupted):
        train(recipe, lambda progress: _stop_at(5, progress))
    assert train(recipe).read_bytes() == whole.read_bytes()
    logs = [tmp_path / run / "tiny" / "log.csv" for run in "ab"]
    assert logs[0].read_text() == logs[1].read_text()


def test_a_finished_training_is_not_begun_again(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path, steps=2)
    before = train(recipe).read_bytes()
    steps: list[TrainingProgress] = []
    assert train(recipe, steps.append).read_bytes() == before
    assert not steps


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    train(_recipe(tmp_path, steps=2))
    with pytest.raises(InputError, match="with seed = 0, not 1") as caught:
        train(_recipe(tmp_path, steps=2, seed=1))
    assert "runs=FOLDER" in caught.value.hint


def test_patience_ends_a_training_and_keeps_the_best(tmp_path: Path) -> None:
    recipe = _recipe(
        tmp_path,
        optimiser=Optimiser(rate=0.0),
        average=0.0,
        patience=4,
        validate_every=2,
    )
    seen: list[TrainingProgress] = []
    path = train(recipe, seen.append)
    assert seen[-1].step == 6  # the first validation, at 2, was the best
    start = checkpoint.load(train(replace(recipe, name="none", steps=1))).state
    for name, tensor in checkpoint.load(path).state.items():
        assert torch.equal(tensor, start[name])


@pytest.mark.parametrize("keep", ["last", "best"])
def test_the_last_weights_are_kept_or_the_best(
    tmp_path: Path, keep: Literal["last", "best"]
) -> None:
    recipe = _recipe(
        tmp_path,
        steps=5,
        optimiser=Optimiser(rate=0.5),
        schedule=Schedule("constant"),
        average=0.0,
        validate_every=1,
        keep=keep,
    )
    seen: list[TrainingProgress] = []
    state = checkpoint.load(train(recipe, seen.append)).state
    losses = [progress.validation or 0.0 for progress in seen]
    best = 1 + int(np.argmin(losses))
    assert best < 5  # at such a rate it gets worse again
    steps = best if keep == "best" else 5
    alone = replace(recipe, name="alone", steps=steps, keep="last")
    wanted = checkpoint.load(train(alone)).state
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in state.items())


def test_phases_follow_each_other(tmp_path: Path) -> None:
    whole = _recipe(tmp_path, steps=3)
    phases = (replace(whole, name="tiny/1"), replace(whole, name="tiny/2", seed=5))
    seen: list[TrainingProgress] = []
    path = train(replace(whole, phases=phases), seen.append)
    assert path == tmp_path / "tiny" / "tiny.safetensors"
    assert [progress.step for progress in seen] == [1, 2, 3, 1, 2, 3]
    last = checkpoint.load(tmp_path / "tiny" / "2" / "2.safetensors").state
    for name, tensor in checkpoint.load(path).state.items():
        assert torch.equal(tensor, last[name])
    alone = train(replace(whole, name="alone", seed=5))
    assert any(
        not torch.equal(tensor, last[name])
        for name, tensor in checkpoint.load(alone).state.items()
    )


def test_a_discriminator_is_trained_beside(tmp_path: Path) -> None:
    seen: list[TrainingProgress] = []
    train(_recipe(tmp_path, steps=3, **HARD["discriminator"]), seen.append)
    assert set(seen[-1].terms) == {"counts", "adversarial", "discriminator"}
    assert seen[-1].loss == pytest.approx(
        seen[-1].terms["counts"] + seen[-1].terms["adversarial"]
    )


def test_enlarging_network_trains(tmp_path: Path) -> None:
    network = Network("unet", {**TINY, "scale": 2})
    path = train(_recipe(tmp_path, steps=2, loss={"root": 1.0}, network=network))
    assert Jdsr(weights=path)(np.ones((2, 8, 12), np.float32)).shape == (2, 16, 24)


def test_weights_to_start_from_must_be_of_the_network(tmp_path: Path) -> None:
    start = str(train(_recipe(tmp_path, steps=1)))
    again = _recipe(tmp_path, name="again", steps=1, start=start)
    train(again)
    with pytest.raises(WeightsError, match=r"trains dncnn, but .* holds unet"):
        train(replace(again, name="a", network=Network("dncnn")))
    larger = Network("unet", {**TINY, "scale": 2})
    with pytest.raises(WeightsError, match=r"enlarges x2, but that in .* x1"):
        train(replace(again, name="b", network=larger))


def test_options_that_make_no_network_are_told(tmp_path: Path) -> None:
    for options, message in (
        ({"widht": 8}, "no option of unet is called 'widht'"),
        ({"width": "wide"}, "'width' of unet takes int of 1 or more, not 'wide'"),
    ):
        with pytest.raises(UsageError, match=message):
            train(_recipe(tmp_path, network=Network("unet", options)))


def test_missing_data_is_told(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path, data=tmp_path / "none", sources=Sources(pairs=1))
    with pytest.raises(InputError, match=r"there is no .*index\.csv") as caught:
        train(recipe)
    assert "data=FOLDER" in caught.value.hint


def test_a_loss_that_is_no_number_stops_and_the_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = _recipe(tmp_path, optimiser=Optimiser(rate=1e30), average=0.0)
    monkeypatch.setattr(loop, "SAVE_EVERY", 1e9)
    with pytest.raises(UsageError, match="steps of tiny, the loss 'counts' is") as told:
        train(recipe)
    assert "optimiser.rate below 1e+30" in told.value.hint
    assert not (tmp_path / "tiny" / "tiny.safetensors").exists()
    assert not (tmp_path / "tiny" / "checkpoint.pt").exists()
    curves = read_log(tmp_path / "tiny" / "log.csv")
    assert all(np.isfinite(value) for _, value in curves["loss"])


def test_weights_that_are_no_numbers_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    kept = tmp_path / "tiny" / "checkpoint.pt"
    train(_recipe(tmp_path, steps=1))
    before = kept.read_bytes()
    monkeypatch.setattr(
        "w2s_cli.training.trainer.NetworkOptimiser.take_step",
        lambda steps, *_: steps._weights[0].data.fill_(float("nan")),
    )
    with pytest.raises(
        UsageError, match=r"after 2 steps of tiny, weights 'head\.weight'"
    ):
        train(_recipe(tmp_path, steps=2))
    assert kept.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(OutputError, match="cannot make the folder") as caught:
        train(_recipe(tmp_path / "runs", steps=1))
    assert "runs=FOLDER" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patches": Patches(side=33)}, "side is 33, but unet takes multiples of 2"),
        (
            {"network": Network("unet", {"levels": 0})},
            "'levels' of unet takes int of 1",
        ),
        ({"network": Network("dncnn", {"norm": 1})}, "'norm' of dncnn takes bool"),
        (
            {"discriminator": Discriminator("vgg-discriminator", weight=1.0)},
            "takes images of 128 x 128 pixels, but patches of 32 pixels become 32 x 32",
        ),
        (
            {
                "discriminator": Discriminator(
                    "unet-discriminator", {"channels": 3}, weight=1.0
                )
            },
            "takes 3 channels, but images are gray",
        ),
        (
            {
                "discriminator": Discriminator(
                    "unet-discriminator", {"width": 8}, weight=1.0
                ),
                "patches": Patches(side=20),
            },
            "sides are multiples of 8, but patches of 20 pixels become 20 x 20",
        ),
    ],
)
def test_patches_and_networks_that_do_not_fit_are_told(
    tmp_path: Path, changes: Mapping[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        train(_recipe(tmp_path / "runs", **changes))
    assert caught.value.hint
    assert not (tmp_path / "runs").exists()


def test_weights_to_start_from_fit(
    tmp_path: Path, trained: tuple[Path, list[TrainingProgress]]
) -> None:
    weights = str(trained[0])
    with pytest.raises(
        WeightsError, match=r"has units 'z', but the network in .* 'root'"
    ):
        train(_recipe(tmp_path, units="z", start=weights))
    with pytest.raises(WeightsError, match="start is 'nothing': no such file"):
        train(_recipe(tmp_path, start="nothing"))


def test_checkpoints_that_do_not_fit_are_told(tmp_path: Path) -> None:
    train(_recipe(tmp_path, steps=2))
    faster = Optimiser(rate=0.5, clip=1.0)
    with pytest.raises(InputError, match=r"optimiser\.rate = 0\.01, not 0\.5$"):
        train(_recipe(tmp_path, steps=2, optimiser=faster))
    with pytest.raises(
        InputError, match="has taken 2 steps already, more than steps=1"
    ):
        train(_recipe(tmp_path, steps=1))


@pytest.mark.parametrize("spoil", [b"junk", b"half", {"other": 1}, [1]])
def test_what_is_no_checkpoint_is_told(
    tmp_path: Path, spoil: bytes | dict[str, int] | list[int]
) -> None:
    train(_recipe(tmp_path, steps=2))
    kept = tmp_path / "tiny" / "checkpoint.pt"
    if spoil == b"half":
        whole = kept.read_bytes()
        kept.write_bytes(whole[: len(whole) // 2])
    elif isinstance(spoil, bytes):
        kept.write_bytes(spoil)
    else:
        torch.save(spoil, kept)
    with pytest.raises(InputError, match=r"checkpoint\.pt is no checkpoint that can"):
        train(_recipe(tmp_path, steps=2))
