"""`w2s inspect` and `w2s convert`, on weights as others publish them."""

import json
import pickle
from pathlib import Path

import pytest
import torch

from w2s_cli.networks.rebuild import rebuild
from w2s_cli.networks.unet import UNet
from w2s_cli.weights import checkpoint
from w2s_cli.weights.cache import sha256_of


@pytest.fixture
def published(here: Path) -> dict[str, torch.Tensor]:
    """Write `net.pth`, a small network in wrappers; return its tensors."""
    torch.manual_seed(0)
    state = UNet(4, 2, 1, 2).state_dict()
    wrapped = {f"module.{name}": torch.rand_like(it) for name, it in state.items()}
    torch.save({"epoch": 3, "params_ema": wrapped}, "net.pth")
    return {name.removeprefix("module."): tensor for name, tensor in wrapped.items()}


def test_inspect(w2s, published) -> None:
    text = w2s("inspect", "net.pth").stdout
    assert "container    torch zip\n" in text
    assert "wrapper      params_ema\n" in text
    assert "network      unet\n" in text
    assert "options      width 4, levels 2, blocks 1, scale 2\n" in text
    assert f"dtypes       float32 {len(published)}\n" in text
    assert "predicts     image\n" in text
    assert "record" not in text


def test_inspect_as_json(w2s, published) -> None:
    facts = json.loads(w2s("inspect", "net.pth", "--json").stdout)
    assert facts["options"] == {"width": 4, "levels": 2, "blocks": 1, "scale": 2}
    assert facts["sha256"] == sha256_of(Path("net.pth"))
    assert facts["tensors"] == len(published)
    assert facts["numbers"] == facts["parameters"]
    assert facts["facts"]["scale"] == 2
    assert facts["record"] == {}


def test_inspect_what_ships(w2s) -> None:
    text = w2s("inspect", checkpoint.shipped("denoise")).stdout
    assert "network      unet\n" in text
    assert "dtypes       float16 " in text
    assert "\nrecord\n  name         denoise\n" in text


def test_inspect_of_an_unknown_network(w2s, here: Path) -> None:
    torch.save({"a": torch.ones(2, dtype=torch.float16)}, "a.pth")
    facts = json.loads(w2s("inspect", "a.pth", "--json").stdout)
    assert (facts["network"], facts["parameters"]) == (None, None)
    assert (facts["numbers"], facts["dtypes"]) == (2, {"float16": 1})
    result = w2s("convert", "a.pth", "a.safetensors")
    assert "warning: a.pth: the tensors belong to no known network" in result.stderr
    assert "network" not in checkpoint.load(Path("a.safetensors")).record


def test_inspect_of_a_discriminator(w2s, here: Path) -> None:
    from w2s_cli.networks.discriminators import UNetDiscriminator

    torch.save(UNetDiscriminator(1, 4).state_dict(), "d.pth")
    assert "network      unet-discriminator\n" in w2s("inspect", "d.pth").stdout


def test_convert(w2s, published) -> None:
    words = ["--licence", "MIT", "--source", "doi:10.1000/182", "--units", "z"]
    done = w2s("convert", "net.pth", "net.safetensors", *words)
    assert done.stdout == ""
    assert (
        done.stderr == f"net.pth -> net.safetensors: unet, {len(published)} tensors\n"
    )
    found = checkpoint.load(Path("net.safetensors"), as_stored=True)
    assert all(torch.equal(found.state[name], it) for name, it in published.items())
    assert found.state.keys() == published.keys()
    record = dict(found.record)
    assert record.pop("converted by").startswith("w2s ")
    assert record == {
        "network": "unet",
        "options": {"width": 4, "levels": 2, "blocks": 1, "scale": 2},
        "units": "z",
        "licence": "MIT",
        "source": "doi:10.1000/182",
        "file": {
            "name": "net.pth",
            "sha256": sha256_of(Path("net.pth")),
            "container": "torch zip",
            "wrapper": "params_ema",
        },
    }
    image = torch.rand(1, 1, 16, 16)
    network = UNet(4, 2, 1, 2)
    network.load_state_dict(published)
    assert torch.equal(rebuild(found.state)(image), network(image))
    text = w2s("inspect", "net.safetensors").stdout
    assert "units        z\n" in text
    assert "  licence      MIT\n" in text


def test_convert_keeps_an_older_record(w2s, here: Path) -> None:
    w2s("convert", checkpoint.shipped("jdsr"), "jdsr.safetensors", "-q")
    old = checkpoint.load(checkpoint.shipped("jdsr"), as_stored=True)
    new = checkpoint.load(Path("jdsr.safetensors"), as_stored=True)
    assert old.record.items() <= new.record.items()
    assert all(torch.equal(old.state[name], it) for name, it in new.state.items())
    assert old.state["head.weight"].dtype == new.state["head.weight"].dtype


def test_convert_replaces_only_when_told(w2s, published) -> None:
    Path("net.safetensors").write_text("mine")
    refused = w2s("convert", "net.pth", "net.safetensors", code=7)
    assert refused.stderr == (
        "error: net.safetensors exists\nhint: replace it with --overwrite\n"
    )
    assert Path("net.safetensors").read_text() == "mine"
    assert w2s("convert", "net.pth", "net.safetensors", "--overwrite").exit_code == 0
    assert checkpoint.load(Path("net.safetensors")).record["network"] == "unet"


def test_nothing_is_left_of_a_conversion_that_fails(w2s, here: Path) -> None:
    Path("bad.pth").write_bytes(pickle.dumps({"a": 1}))
    before = sorted(here.iterdir())
    result = w2s("convert", "bad.pth", "bad.safetensors", code=5)
    assert result.stderr.startswith("error: bad.pth is a pickle, but torch.save has")
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["inspect", "none.pth"], 5, "error: no weights at none.pth\n"),
        (["inspect", "."], 5, "error: . is a folder\n"),
        (["inspect", "cell.tif"], 5, "neither a safetensors nor a torch file\n"),
        (["convert", "net.pth", "net.pt"], 2, "net.pt is no name for a safetensors"),
        (
            ["convert", "net.pth", "a.safetensors", "--units", "x"],
            2,
            "no unit of input",
        ),
        (["convert", "net.pth", "no/a.safetensors"], 7, "there is no folder no"),
    ],
)
def test_what_cannot_be_done(w2s, published, words, code, said) -> None:
    result = w2s(*words, code=code)
    assert said in result.stderr
    assert "\nhint: " in result.stderr


def test_a_checkpoint_that_would_run_code_runs_none(w2s, here: Path) -> None:
    Path("evil.pth").write_bytes(b"\x80\2cos\nsystem\nU\x0ctouch canary\x85R.")
    for words in (["inspect", "evil.pth"], ["convert", "evil.pth", "e.safetensors"]):
        result = w2s(*words, code=5)
        assert "asks for 'os.system', which no weights need; nothing was run" in (
            result.stderr
        )
    weights = ["--method", "denoise", "--weights", "evil.pth"]
    w2s("restore", "cell.tif", "-o", "out.tif", *weights, code=5)
    assert not Path("canary").exists()
    assert not Path("out.tif").exists()


def test_restore_wants_to_know_what_the_weights_expect(w2s, published) -> None:
    w2s("convert", "net.pth", "net.safetensors", "--units", "z")
    for name in ("net.pth", "net.safetensors"):
        result = w2s("restore", "cell.tif", "-o", "out.tif", "--weights", name, code=5)
        assert f"{name} does not say what input its network expects" in result.stderr
