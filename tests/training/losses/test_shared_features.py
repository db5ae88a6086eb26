from collections.abc import Callable
from pathlib import Path
from weakref import ref

import pytest
import torch
from safetensors.torch import save_file

from w2s_cli.errors import UnknownNameError, WeightsError
from w2s_cli.networks.vgg import VGG
from w2s_cli.training.losses import LOSSES, Loss
from w2s_cli.training.losses.vgg_losses import FEATURE_LOSSES, shared_features
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.training_batch import Batch
from w2s_cli.weights.cache import CACHE_DIR, OFFLINE

Recipes = Callable[..., Recipe]
Batches = Callable[..., Batch]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return whether each look of VGG has had a gradient, so far."""
    seen: list[bool] = []
    forward = VGG.forward

    def counted(network: VGG, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = forward(network, image)
        seen.append(found[0].requires_grad)
        return found

    monkeypatch.setattr(VGG, "forward", counted)
    return seen


def losses_of(recipe: Recipe) -> list[Loss]:
    return [LOSSES[name].load()(recipe, "cpu") for name in recipe.loss]


def test_all_losses_look_once_at_output_and_target(
    recipe_of: Recipes, batch_of: Batches, looks: list[bool]
) -> None:
    batch = batch_of()
    losses = losses_of(recipe_of("perceptual", "l1", "texture", "gram"))
    for step in (1, 2, 3):
        output = (0.9 * batch.truth).requires_grad_()
        sum(loss(output, batch) for loss in losses).backward()
        assert looks == [True, False] * step
        assert output.grad is not None
        assert output.grad.abs().sum() > 0


def test_together_they_are_what_they_are_alone(
    recipe_of: Recipes, batch_of: Batches
) -> None:
    batch = batch_of()
    output = 0.9 * batch.truth
    names = sorted(FEATURE_LOSSES)
    alone = [losses_of(recipe_of(name))[0](output, batch) for name in names]
    together = [loss(output, batch) for loss in losses_of(recipe_of(*names))]
    torch.testing.assert_close(together, alone)


def test_nothing_is_kept_once_all_have_asked(
    recipe_of: Recipes, batch_of: Batches
) -> None:
    batch = batch_of()
    output = 0.9 * batch.truth
    alive = ref(output)
    sight = shared_features(recipe_of("texture", "gram"), "gram", "cpu")
    sight("gram", output, batch)
    sight("texture", output, batch)
    del output
    assert alive() is None


def test_it_looks_again_when_it_must(
    recipe_of: Recipes, batch_of: Batches, looks: list[bool]
) -> None:
    """A loss asks twice of an output that has changed in place, or of another."""
    batch, other = batch_of(), batch_of()
    perceptual, texture = losses_of(recipe_of("perceptual", "texture"))
    output = (0.9 * batch.truth).requires_grad_()
    first = perceptual(output, batch)
    first.backward()
    with torch.no_grad():
        output.mul_(1.01)
    second = perceptual(output, batch)
    second.backward()
    assert second < first
    assert len(looks) == 4
    texture(output, other)
    assert len(looks) == 6
    texture(output.clone(), other)
    assert len(looks) == 8


def test_weights_of_vgg_have_no_gradient(recipe_of: Recipes) -> None:
    network = shared_features(recipe_of("gram"), "gram", "cpu").network
    assert not any(weight.requires_grad for weight in network.parameters())
    assert not network.training


def test_only_what_is_needed_is_looked_at(recipe_of: Recipes) -> None:
    def layers(*names: str, asker: str) -> tuple[str, ...]:
        return shared_features(recipe_of(*names), asker, "cpu").network.layers

    assert layers("perceptual", "l1", asker="perceptual") == ("conv1_2", "conv2_2")
    assert layers("gram", asker="gram") == ("conv2_1",)
    assert layers("counts", asker="texture") == ("conv2_1",)
    both = ("conv1_2", "conv2_1", "conv2_2")
    assert layers("gram", "perceptual", asker="gram") == both


def test_unknown_layers_say_where_to_set_them(recipe_of: Recipes) -> None:
    recipe = recipe_of("texture", texture="conv5_4")
    with pytest.raises(UnknownNameError, match="no layer of VGG-16") as caught:
        shared_features(recipe, "texture", "cpu")
    assert caught.value.hint == (
        "set features.layers or features.texture: did you mean 'conv5_3'?"
    )


def test_weights_that_are_none(tmp_path: Path, recipe_of: Recipes) -> None:
    missing = recipe_of("gram", weights=str(tmp_path / "vgg.pth"))
    with pytest.raises(WeightsError, match=r"features\.weights is '.*vgg\.pth': no su"):
        shared_features(missing, "gram", "cpu")
    save_file({"features.0.weight": torch.zeros(3)}, tmp_path / "net.safetensors")
    other = recipe_of("gram", weights=str(tmp_path / "net.safetensors"))
    with pytest.raises(WeightsError, match="neither VGG-16 nor VGG-19"):
        shared_features(other, "gram", "cpu")


def test_weights_of_the_catalogue_say_how_to_get_them(
    tmp_path: Path, recipe_of: Recipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_DIR, str(tmp_path))
    monkeypatch.setenv(OFFLINE, "1")
    with pytest.raises(WeightsError, match="vgg19 needs its weights") as caught:
        shared_features(recipe_of("gram", weights="vgg19"), "gram", "cpu")
    assert caught.value.hint.startswith("w2s fetch vgg19")
