import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch import nn

from w2s_cli.datasets import DATASETS
from w2s_cli.networks import DISCRIMINATORS, NETWORKS
from w2s_cli.networks.esrgan import RealESRGAN
from w2s_cli.networks.vgg import VGG
from w2s_cli.training.initial_network import initial_discriminator, initial_network
from w2s_cli.training.loop import train
from w2s_cli.training.losses import LOSSES
from w2s_cli.training.patches import EXAMPLES
from w2s_cli.training.progress import TrainingProgress
from w2s_cli.training.recipe import SHIPPED, load
from w2s_cli.weights import checkpoint
from w2s_cli.weights.catalogue import WEIGHTS

NAMES = sorted(path.stem for path in SHIPPED.glob("*.toml"))
OWN = {"denoise", "jdsr", "epll", "denoise-fast", "jdsr-fast"}
OWN |= {"denoise-2", "denoise-fast-2"}
ALONE = {"n2sr", "n2v", "n2s", "n2n"}  # most of their loss is noise of what is asked
PAPERS = [name for name in NAMES if name not in OWN | ALONE]
W2S = 47_040  # patches of 240 images


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_asks_for_what_there_is(name: str) -> None:
    recipe = load(name)
    assert recipe.name == name
    assert recipe.summary
    assert recipe.train_fields == (1, 70)
    assert recipe.validation_fields == (71, 80)
    prefix = "noise2sr-" if name == "noise2sr-fmd" else ""
    parts = tuple(f"{prefix}{part}" for part in ("train", "validation"))
    assert (recipe.pairs.split, recipe.pairs.validation) == parts
    assert not recipe.pairs.fields
    for part in recipe.parts:
        assert part.examples in EXAMPLES
        assert part.network.name in NETWORKS
        assert all(loss in LOSSES for loss in part.loss)
        assert not part.pairs.kind or part.pairs.kind in DATASETS
        VGG(19, (*part.features.layers, part.features.texture))
        if part.discriminator.network:
            assert part.discriminator.network in DISCRIMINATORS


@pytest.mark.parametrize("name", PAPERS)
def test_a_recipe_names_its_paper_and_what_it_does_otherwise(name: str) -> None:
    recipe = load(name)
    assert any(word in recipe.paper for word in ("Table", "section"))
    assert recipe.deviates
    assert recipe.precision == "fp32"


@pytest.mark.parametrize("name", sorted(ALONE))
def test_a_recipe_for_images_alone_says_what_is_hidden(name: str) -> None:
    recipe = load(name)
    assert re.search(r"\d{4}", recipe.paper)
    assert recipe.deviates
    assert recipe.examples == "self-supervised"
    assert recipe.network.options["scale"] == (2 if name == "n2sr" else 1)


@pytest.mark.parametrize(
    ("name", "million"),
    [
        *(("dncnn-w2s", 0.556), ("memnet-w2s", 0.195), ("ridnet-w2s", 1.497)),
        *(("rcan-w2s", 15.442), ("rdn-w2s", 22.121), ("san-w2s", 15.710)),
        *(("srfbn-w2s", 2.135), ("esrgan-w2s", 16.918), ("jdsr-rcan-w2s", 15.442)),
        *(("jdsr-esrgan-w2s", 16.918), ("jdsr-texture-w2s", 11.882)),
        *(("n2n-fmd", 0.987), ("epsr-w2s", 40.7), ("noise2sr", 1.113)),
    ],
)
def test_a_network_is_as_large_as_the_published_one(name: str, million: float) -> None:
    with torch.device("meta"):
        network = initial_network(load(name))
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count / 1e6 == pytest.approx(million, abs=0.05 if million > 40 else 6e-4)


@pytest.mark.parametrize(
    ("name", "epochs", "batch"),
    [
        *(("dncnn-w2s", 50, 128), ("memnet-w2s", 50, 128), ("ridnet-w2s", 50, 64)),
        *(("rcan-w2s", 49, 16), ("rdn-w2s", 49, 16), ("san-w2s", 49, 16)),
        *(("srfbn-w2s", 49, 16), ("epsr-w2s", 49, 16), ("esrgan-w2s", 49, 16)),
        *(("jdsr-rcan-w2s", 49, 16), ("jdsr-esrgan-w2s", 49, 16)),
        ("jdsr-texture-w2s", 49, 16),
    ],
)
def test_the_steps_are_the_epochs_of_w2s(name: str, epochs: int, batch: int) -> None:
    recipe = load(name)
    assert recipe.patches.batch == batch
    assert recipe.steps * batch == epochs * W2S
    assert recipe.optimiser.renew in (0, W2S / batch)
    milestones = [step * batch / W2S for step in recipe.schedule.milestones]
    assert milestones == ([30] if epochs == 50 else [])
    scale = 1 if epochs == 50 else 2
    assert recipe.patches.side == 64
    with torch.device("meta"):
        judge = initial_discriminator(recipe) if recipe.discriminator.network else None
    assert judge is None or judge.side == scale * recipe.patches.side


TINY = {
    "unet": "width=8 levels=2 blocks=1",
    "conditional-unet": "widths=[8,12] blocks=[1,1] code=4",
    "dncnn": "width=8 depth=4",
    "memnet": "width=4 memories=2 residuals=1",
    "ridnet": "width=8 squeezed=2 blocks=1",
    "n2n-unet": "width=8 levels=2 last=[8,8]",
    "noise2sr": "width=8 features=8 last=[8,8]",
    "noise2sr-paper": "width=8 levels=2 features=8 last=[8,8]",
    "rcan": "width=8 squeezed=2 groups=1 blocks=1",
    "rdn": "width=8 blocks=2 layers=2",
    "san": "width=16 squeezed=2 groups=1 blocks=1",
    "srfbn": "width=8 groups=2",
    "epsr": "width=8 blocks=2",
    "rrdb": "width=8 growth=4 blocks=1 doublings=1",
    "esrgan": "width=8 growth=4 blocks=1",
    "real-esrgan": "width=8 growth=4 blocks=1",
    "vgg-discriminator": "width=4 side=32 hidden=8",
    "unet-discriminator": "width=4",
}
DATA = {"fmd": "fmd", "video-rate": "video_rate", "self-supervised": "repeats"}
MORE = {"n2s": ["steps=100", "average=0.9", "optimiser.rate=3e-3"]}  # begins well
# Weights of a tenth take 60 steps
MORE |= {name: ["units=z", "loss.mse=1.0"] for name in ("noise2sr", "noise2sr-paper")}
MORE |= {f"esrgan-port{variant}": ["initial=0"] for variant in ("", "-l2", "-gram")}
WIDE = OWN | {"n2sr", "noise2sr", "noise2sr-compact"}  # learn little from less
# What begins as the identity, and how fast it may learn.
FAST = {"unet": 1e-2, "conditional-unet": 5e-3, "dncnn": 1e-2, "memnet": 1e-2}
QUICK = [
    *("steps=24", "validate_every=1", "validation_batches=1", "seed=3"),
    *("device=cpu", "threads=1", "patches.batch=2"),
    *("schedule.name=constant", "schedule.warm_up=0", "simulated_fields=4"),
    *("light.measured=0", "sources.pairs=0", "sources.averages=0", "sources.sharp=0"),
    "sources.sim=0",
]


@pytest.fixture
def vgg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a VGG-19 of few channels and random weights."""
    monkeypatch.setattr("w2s_cli.networks.vgg._WIDTHS", (4, 4, 8, 8, 8))
    torch.manual_seed(0)
    network = VGG(19)
    for layer in network.features:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    checkpoint.save(tmp_path / "vgg.safetensors", network.state_dict(), {})
    return tmp_path / "vgg.safetensors"


@pytest.fixture
def natural(tmp_path: Path) -> Path:
    """Make a tiny Real-ESRGAN to start from."""
    torch.manual_seed(0)
    state = RealESRGAN(blocks=1, width=8, growth=4).state_dict()
    checkpoint.save(tmp_path / "natural.safetensors", state, {}, halve=False)
    return tmp_path / "natural.safetensors"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "epll"])
def test_a_recipe_learns(
    name: str, tmp_path: Path, vgg: Path, natural: Path, request: pytest.FixtureRequest
) -> None:
    settings = [*QUICK, f"runs={tmp_path}", f"features.weights={vgg}"]
    recipe = load(name)
    settings += _tiny("network", recipe.network.name)
    rate = FAST.get(recipe.network.name, 2e-3)
    settings += [f"optimiser.rate={rate}", f"patches.side={32 if name in WIDE else 16}"]
    for judge in {part.discriminator.network for part in recipe.parts} - {""}:
        settings += _tiny("discriminator", judge)
    if recipe.start:
        settings.append(f"start={natural}")
    if recipe.pairs.few:
        settings.append("pairs.few=3")
    if recipe.patches.stride:
        settings.append("patches.stride=8")
    if set(recipe.pairs.levels) > {1, 2}:
        settings.append("pairs.levels=[1,2]")
    if recipe.examples not in ("physics", "imaging"):
        kind = recipe.pairs.kind or recipe.examples
        data = request.getfixturevalue(DATA.get(kind, "w2s"))
        settings += [f"data={data}", *MORE.get(name, [])]
    seen: list[TrainingProgress] = []
    path = train(load(name, settings), seen.append)
    assert path == tmp_path / name / f"{name}.safetensors"
    assert checkpoint.load(path).record["recipe"]["name"] == name
    for losses in _validations(seen):
        assert min(losses[-3:]) < (0.998 if name in ALONE else 0.99) * losses[0]


def _tiny(table: str, network: str) -> list[str]:
    return [f"{table}.options.{option}" for option in TINY[network].split()]


def _validations(seen: Sequence[TrainingProgress]) -> Iterator[list[float]]:
    """Yield the losses of the held-out patches, phase by phase."""
    for folder in dict.fromkeys(progress.folder for progress in seen):
        yield [
            progress.validation
            for progress in seen
            if progress.folder == folder and progress.validation is not None
        ]


def test_few_pairs_go_on_from_the_base() -> None:
    base, few = load("real-esrgan-base"), load("real-esrgan-few")
    assert Path(few.start) == base.folder / f"{base.name}.safetensors"
    assert base.start in WEIGHTS
    one, other = base.as_dict(), few.as_dict()
    different = {key for key in one if one[key] != other[key]}
    assert different == {"name", "summary", "paper", "start", "pairs"}


def test_the_port_of_esrgan_is_as_its_report_has_it() -> None:
    first, second = load("esrgan-port").phases
    for part in (first, second):
        assert (part.optimiser.rate, part.optimiser.name) == (1e-4, "amsgrad")
        assert (part.schedule.name, part.schedule.every) == ("halving", 54_000 // 8)
        assert part.features.layers == {"conv3_4": 1.0}  # before the activation
    assert second.discriminator.optimiser.rate == 1e-4
    settings = ["network.options.blocks=1", "network.options.width=32"]
    recipe = load("esrgan-port", settings)
    weights = dict(initial_network(recipe).named_parameters())
    trunk = weights["trunk_conv.weight"]
    usual = (2 / (32 * 9)) ** 0.5  # He et al., for 32 channels of 3 x 3
    assert trunk.std().item() == pytest.approx(usual / 10, rel=0.05)
    assert not weights["trunk_conv.bias"].any()
    plain = initial_network(load("esrgan-port", [*settings, "initial=0"]))
    assert not torch.equal(trunk, dict(plain.named_parameters())["trunk_conv.weight"])


def test_variants_of_the_port_of_esrgan() -> None:
    gram, squares = load("esrgan-port-gram").phases[1], load("esrgan-port-l2").phases[1]
    assert set(gram.loss) == {"l1", "gram"}
    assert (gram.features.texture, gram.discriminator.network) == ("conv3_4", "")
    assert set(squares.loss) == {"mse", "perceptual"}
    assert squares.features.distance == "mse"
    assert squares.discriminator == load("esrgan-port").phases[1].discriminator
