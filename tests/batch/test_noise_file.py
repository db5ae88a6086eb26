"""Noise models from JSON, and what is said of JSON that holds none."""

import json
from pathlib import Path
from typing import Any

import pytest

from w2s_cli.batch.noise_file import read_noise_models
from w2s_cli.errors import UsageError
from w2s_cli.physics.noise import NoiseModel


@pytest.mark.parametrize(
    ("content", "models"),
    [
        ({"gain": 2}, (NoiseModel(2),)),
        (
            {"gain": 2.1, "offset": 100, "read_noise": 1.5},
            (NoiseModel(2.1, 100, 1.5),),
        ),
        (
            {"channels": [{"gain": 1}, {"gain": 2}]},
            (NoiseModel(1), NoiseModel(2)),
        ),
    ],
)
def test_models(tmp_path: Path, content: Any, models: tuple[NoiseModel, ...]) -> None:
    path = tmp_path / "noise.json"
    path.write_text(json.dumps(content))
    assert read_noise_models(path) == models


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "noise.json is not JSON: "),
        ("[]", "noise.json: a noise model is an object, found []"),
        ('{"gain": 2, "ofset": 1}', "noise.json: unknown key 'ofset'; keys are gain"),
        ('{"offset": 1}', "noise.json: no gain; keys are gain, offset, read_noise"),
        ('{"gain": "2"}', "noise.json: gain must be a number, found '2'"),
        ('{"gain": true}', "noise.json: gain must be a number, found True"),
        ('{"gain": -2}', "impossible noise model: gain -2"),
        ('{"gain": NaN}', "impossible noise model: gain nan"),
        ('{"channels": []}', "noise.json: channels is no list of noise models"),
        ('{"channels": 2}', "noise.json: channels is no list of noise models"),
        ('{"channels": [2]}', "noise.json: a noise model is an object, found 2"),
    ],
)
def test_bad_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("noise.json").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_noise_models(Path("noise.json"))
    assert str(caught.value).startswith(message)
    assert caught.value.hint


def test_missing_file() -> None:
    with pytest.raises(UsageError, match=r"cannot read the noise model no\.json: No"):
        read_noise_models(Path("no.json"))


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "noise.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"noise\.json is not JSON"):
        read_noise_models(path)
