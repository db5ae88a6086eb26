"""Noise models from JSON, and what is said of JSON that holds none."""

import json
from pathlib import Path
from typing import Any

import pytest

from w2s_cli.errors import UsageError
from w2s_cli.io.noise_file import read_noise_models
from w2s_cli.microscope.noise_model import NoiseModel


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
    assert read_noise_models(path).of(Path("cell.tif")) == models


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "noise.json is not JSON: "),
        ("[]", "noise.json: a noise model is an object, found []"),
        ('[{"gain": 2}]', "noise.json: a noise model is an object, found [{'gain': 2}"),
        ('{"gain": 2, "ofset": 1}', "noise.json: unknown key 'ofset'; keys are gain"),
        ('{"offset": 1}', "noise.json: no gain; keys are gain, offset, read_noise"),
        ('{"gain": "2"}', "noise.json: gain must be a number, found '2'"),
        ('{"gain": true}', "noise.json: gain must be a number, found True"),
        ('{"gain": -2}', "impossible noise model: gain -2"),
        ('{"gain": NaN}', "impossible noise model: gain nan"),
        ('{"gain": 1' + "0" * 400 + "}", "impossible noise model: gain inf"),
        ('{"gain": 2, "gain": 3}', "noise.json is not JSON: it has 'gain' more than"),
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_as_editors_and_shells_write_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "noise.json"
    path.write_text('{"gain": 2}\r\n', encoding=encoding)
    assert read_noise_models(path).everywhere == (NoiseModel(2),)


def test_json_that_nobody_wrote(tmp_path: Path) -> None:
    path = tmp_path / "noise.json"
    path.write_text("[" * 100_000)
    with pytest.raises(UsageError, match=r"noise\.json is not JSON: it is nested"):
        read_noise_models(path)


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "noise.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"noise\.json is not JSON"):
        read_noise_models(path)


def report(**files: Any) -> str:
    """Return what `w2s estimate-noise --json` prints."""
    rows = [
        {
            "source": f"{name}.tif",
            **({"error": found} if isinstance(found, str) else {}),
        }
        | ({} if isinstance(found, str) else {"channels": found})
        for name, found in files.items()
    ]
    return json.dumps(rows)


def row(gain: float) -> dict[str, Any]:
    return {"name": "0", "gain": gain, "a": gain, "trusted": True, "warnings": []}


def test_a_report_on_one_file_holds_for_all(tmp_path: Path) -> None:
    path = tmp_path / "noise.json"
    path.write_text(report(cell=[row(2), row(3)]))
    models = read_noise_models(path).of(Path("other.tif"))
    assert models == (NoiseModel(2), NoiseModel(3))


def test_each_file_gets_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("noise.json").write_text(report(a=[row(2)], b=[row(3)], c="no noise in it"))
    noise = read_noise_models(Path("noise.json"))
    assert noise.of(Path("a.tif")) == noise.of(Path("raw/a.tif")) == (NoiseModel(2),)
    assert noise.of(Path("b.tif")) == (NoiseModel(3),)
    with pytest.raises(UsageError, match=r"noise\.json has no noise model for d\.tif"):
        noise.of(Path("d.tif"))
    with pytest.raises(UsageError, match=r"for c\.tif: no noise in it"):
        noise.of(Path("c.tif"))


def test_a_name_that_stands_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "noise.json"
    path.write_text(report(**{"one/a": [row(2)], "two/a": [row(3)]}))
    noise = read_noise_models(path)
    assert noise.of(Path("two/a.tif")) == (NoiseModel(3),)
    with pytest.raises(UsageError, match=r"has 2 noise models for a\.tif") as caught:
        noise.of(Path("a.tif"))
    assert caught.value.hint == "it is about one/a.tif, two/a.tif"


def test_the_correlation_of_noise_comes_back_from_a_file(tmp_path):
    table = ((0.0, 0.0, 0.1, 1.0, 0.1, 0.0, 0.0), *((0.0,) * 7,) * 3)
    model = NoiseModel(2.0, 100.0, 1.5, table)
    path = tmp_path / "noise.json"
    path.write_text(json.dumps(model.as_json()))
    assert read_noise_models(path).everywhere == (model,)


@pytest.mark.parametrize("table", [3, [["a"]]])
def test_a_correlation_that_is_no_table(tmp_path, table):
    path = tmp_path / "noise.json"
    path.write_text(json.dumps({"gain": 2, "autocorrelation": table}))
    with pytest.raises(UsageError, match="autocorrelation must be rows of numbers"):
        read_noise_models(path)
