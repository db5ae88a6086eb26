"""Networks of others: every kind runs, in its units, with the weights it needs."""

import json
import runpy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import nn

from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.methods import METHODS, NEARLY
from w2s_cli.methods.build import build, chain_record
from w2s_cli.methods.published_network import tiling_of
from w2s_cli.networks import NETWORKS, SHIPPED
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.inference import fastest
from w2s_cli.networks.memnet import MemNet
from w2s_cli.networks.n2n_unet import N2NUNet
from w2s_cli.networks.rebuild import UnitName
from w2s_cli.networks.unet import UNet
from w2s_cli.pipeline.restoration import restore_planes
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.units import DisplayRange
from w2s_cli.stack import Stack
from w2s_cli.weights import catalogue, checkpoint
from w2s_cli.weights.cache import sha256_of

# A small network of each kind: those of the tests of networks.
CONFTEST = Path(__file__).parents[1] / "networks" / "conftest.py"
SMALL: dict[str, Callable[[], Any]] = {
    name: make
    for name, make in runpy.run_path(str(CONFTEST))["RESTORERS"].items()
    if "/" not in name and name not in SHIPPED
}
LEVELS = {0: DisplayRange(100, 500)}
rng = np.random.default_rng(0)


def _image(*shape: int) -> np.ndarray:
    return (100 + 2 * rng.poisson(60, shape)).astype(np.float32)


def _saved(path: Path, make: Callable[[], nn.Module], std: float = 1.0) -> Path:
    """Save a network of random weights, as wide as they speak, or of none at all."""
    torch.manual_seed(0)
    network = make()
    for parameter in network.parameters():
        spread = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
        nn.init.normal_(parameter, std=std * spread)
    torch.save({"state_dict": network.state_dict()}, path)
    return path


def _restored(chain: Chain, image: np.ndarray, tile: int = 512) -> np.ndarray:
    restored, _ = restore_planes(Stack(image, "YX"), chain, None, LEVELS, tile=tile)
    return restored.data[()]


def test_every_network_is_a_method_but_the_shipped_ones() -> None:
    assert {*SMALL} == {network.name for network in NETWORKS} - SHIPPED
    assert all(name in METHODS for name in SMALL)
    for item in catalogue.WEIGHTS.values():
        assert (item.name in METHODS) == bool(item.network)
        if item.network:
            assert METHODS[item.name].scale == item.scale
            assert METHODS[item.name].licence == item.licence


@pytest.mark.parametrize("name", SMALL)
def test_every_network_restores_from_a_file(name: str, tmp_path: Path) -> None:
    path = _saved(tmp_path / "w.pth", SMALL[name])
    chain = build(name, ["units=unit"], [path], device="cpu")
    image = _image(70, 101)
    whole = _restored(chain, image)
    scale = chain.traits.scale
    assert whole.shape == (70 * scale, 101 * scale)
    assert METHODS[name].scale in (0, scale)
    assert np.isfinite(whole).all()
    tiled = _restored(chain, image, tile=33)
    if "tiles" not in chain_record(name, chain)[0]:
        np.testing.assert_allclose(tiled, whole, atol=1e-4 * np.ptp(whole), rtol=1e-6)


def test_the_listing_says_whose_tiles_are_only_nearly_right() -> None:
    with torch.device("meta"):
        nearly = {row.name for row in NETWORKS if tiling_of(row.load()())}
    assert nearly == NEARLY


def test_the_record_says_so_too(tmp_path: Path) -> None:
    deep = _saved(tmp_path / "deep.pth", partial(DnCNN, 1, 2, 80))
    pooling = _saved(tmp_path / "rcan.pth", SMALL["rcan"])
    words = "dncnn+rcan"
    chain = build(words, ["dncnn.units=unit", "rcan.units=z"], [deep, pooling])
    first, second = chain_record(words, chain)
    assert first["tiles"] == "approximate: margin 72 of 80 pixels"
    assert second["tiles"].startswith("approximate: the network looks at all that")
    assert chain.traits.margin == 72 + chain.links[1].traits.margin
    assert not chain.traits.whole


@pytest.mark.parametrize("units", get_args(UnitName))
@pytest.mark.parametrize("channels", [1, 3])
def test_without_noise_the_counts_come_back(
    units: str, channels: int, tmp_path: Path
) -> None:
    path = _saved(tmp_path / "w.pth", partial(DnCNN, channels, 4, 3), std=0.0)
    chain = build("dncnn", [f"units={units}"], [path])
    image = _image(40, 50)
    tolerance = 1e-4 * np.ptp(image)
    np.testing.assert_allclose(_restored(chain, image), image, atol=tolerance, rtol=0)
    [link] = chain_record("dncnn", chain)
    assert link["units"] == units
    assert link["precision"] == "fp32"
    assert ("colours" in link) == (channels == 3)


@pytest.mark.parametrize(
    ("mean", "variance", "units"),
    [(0.0, 1.0, "z"), (0.0, 1.5e-5, "z/255"), (0.2, 0.02, "unit")],
)
def test_memnet_tells_its_units(
    mean: float, variance: float, units: str, tmp_path: Path
) -> None:
    network = MemNet(1, 4, 1, 1)
    network.feature_extractor.bn.running_mean.fill_(mean)
    network.feature_extractor.bn.running_var.fill_(variance)
    torch.save(network.state_dict(), path := tmp_path / "w.pth")
    assert chain_record("memnet", build("memnet", (), [path]))[0]["units"] == units
    other = build("memnet", ["units=centred"], [path])
    assert chain_record("memnet", other)[0]["units"] == "centred"


def test_the_record_of_a_file_tells_its_units(tmp_path: Path) -> None:
    state = DnCNN(1, 4, 3).state_dict()
    checkpoint.save(path := tmp_path / "w.safetensors", state, {"units": "z/255"})
    assert chain_record("dncnn", build("dncnn", (), [path]))[0]["units"] == "z/255"
    checkpoint.save(path, state, {"units": "grey"})
    with pytest.raises(WeightsError, match="its network takes of 'grey' is unknown"):
        _ = build("dncnn", (), [path]).traits


def test_a_file_that_does_not_tell_its_units(tmp_path: Path) -> None:
    path = _saved(tmp_path / "w.pth", SMALL["dncnn"])
    with pytest.raises(WeightsError) as told:
        _ = build("dncnn", (), [path]).traits
    assert (
        str(told.value) == f"{path}: what numbers its network takes is not said in it"
    )
    assert told.value.hint == "say it: -O dncnn.units=z, z/255, unit or centred"


def test_no_weights() -> None:
    refused = r"^n2n-unet has no weights of its own$"
    with pytest.raises(WeightsError, match=refused) as told:
        _ = build("n2n-unet").traits
    assert told.value.hint == (
        "give a file with --weights FILE; or take a published n2n-unet by its own "
        "name: n2n-fmd; or train n2n-unet: w2s train n2n-fmd"
    )


def test_weights_of_another_network(tmp_path: Path) -> None:
    path = _saved(tmp_path / "w.pth", SMALL["dncnn"])
    with pytest.raises(WeightsError, match="holds the network dncnn, not ri") as told:
        _ = build("ridnet", (), [path]).traits
    assert told.value.hint == "use --method dncnn"
    path = _saved(tmp_path / "w.pth", partial(UNet, 4, 1, 1))
    with pytest.raises(WeightsError, match="holds the network unet, not") as told:
        _ = build("ridnet", (), [path]).traits
    assert told.value.hint == "use --method denoise or jdsr"


def test_images_that_are_neither_grey_nor_rgb(tmp_path: Path) -> None:
    path = _saved(tmp_path / "w.pth", partial(DnCNN, 2, 4, 3))
    with pytest.raises(WeightsError, match="other images than grey or RGB: it takes 2"):
        _ = build("dncnn", ["units=z"], [path]).traits
    path = _saved(tmp_path / "w.pth", partial(N2NUNet, 1, 8, 4, 2, (4, 3)))
    with pytest.raises(WeightsError, match="for other images than grey or RGB"):
        _ = build("n2n-unet", ["units=z"], [path]).traits


def test_weights_go_to_those_that_take_them(tmp_path: Path) -> None:
    paths = [_saved(tmp_path / f"{name}.pth", SMALL[name]) for name in ("rcan", "rdn")]
    chain = build("auto+rcan+rdn", ["rcan.units=z", "rdn.units=z"], paths)
    assert chain.traits.scale == 4
    assert [link.name for link in chain.links[1:]] == ["rcan", "rdn"]
    with pytest.raises(UsageError, match="1 weight files for 0 methods"):
        build("dncnn-fmd", (), paths[:1])


def test_bad_options(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="option units must be auto or z or z/255 or"):
        build("dncnn", ["units=grey"])
    with pytest.raises(UsageError, match="white must be above black"):
        build("dncnn", ["black=5", "white=5"])
    path = _saved(tmp_path / "w.pth", SMALL["dncnn"])
    with pytest.raises(UsageError, match="mean nothing to dncnn, which takes z") as t:
        _ = build("dncnn", ["units=z", "black=5"], [path]).traits
    assert t.value.hint == "leave them out, or say -O dncnn.units=unit"


def test_a_known_file_is_known_by_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _saved(tmp_path / "w.pth", SMALL["dncnn"])
    known = replace(catalogue.WEIGHTS["dncnn-fmd"], sha256=sha256_of(path), bf16=True)
    monkeypatch.setattr(catalogue, "WEIGHTS", {known.name: known})
    [link] = chain_record("dncnn", build("dncnn", (), [path], device="cpu"))
    assert (link["units"], link["weights"]) == ("centred", "dncnn-fmd")
    assert link["precision"] == fastest("cpu")
    [link] = chain_record("dncnn", build("dncnn", (), [path], precision="fp32"))
    assert link["precision"] == "fp32"


@pytest.fixture
def published(publish, tmp_path: Path) -> Any:
    """Publish a small DnCNN under the name of a real one, on loopback."""
    content = _saved(tmp_path / "w.pth", SMALL["dncnn"], std=0.0).read_bytes()
    item = publish("dncnn-fmd", content)
    item = replace(item, network="dncnn", units="centred")
    catalogue.WEIGHTS["dncnn-fmd"] = item  # type: ignore[index]
    return item


def test_weights_are_fetched_once(host, published) -> None:
    for _ in range(2):
        chain = build("dncnn-fmd")
        image = _image(40, 50)
        result = _restored(chain, image, tile=20)
        np.testing.assert_allclose(result, image, atol=1e-4 * np.ptp(image), rtol=0)
        [link] = chain_record("dncnn-fmd", chain)
        assert (link["units"], link["precision"]) == ("centred", "fp32")
        assert link["weights_sha256"] == published.sha256
        json.dumps(link)
    assert len(host.asked) == 1


def test_weights_that_cannot_be_had(host, published, monkeypatch) -> None:
    monkeypatch.setenv("W2S_OFFLINE", "1")
    with pytest.raises(WeightsError, match="dncnn-fmd needs its weights: ") as told:
        _ = build("dncnn-fmd").traits
    assert told.value.hint.startswith("w2s fetch dncnn-fmd, or w2s fetch dncnn-fmd --f")
    monkeypatch.delenv("W2S_OFFLINE")
    host.files.clear()
    with pytest.raises(WeightsError, match=r"needs its weights: .* is not there"):
        _ = build("dncnn-fmd").traits
