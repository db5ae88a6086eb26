"""The one order of the steps: how often planes are read, and what the record says."""

from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from w2s_cli.errors import InputError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.microscope import noise_over_planes, plane_sampling
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import CAMERA
from w2s_cli.pipeline import diagnosis
from w2s_cli.pipeline.file_restoration import restore_file
from w2s_cli.pipeline.invention_rates import InventionRates, Rate
from w2s_cli.pipeline.noise_report import NoiseRequest, report_noise
from w2s_cli.pipeline.restoration import restore_stack
from w2s_cli.pipeline.spec import LEFT_OUT, RESOLVED, RestoreSpec
from w2s_cli.restorers.units import DisplayRange
from w2s_cli.stack import Computed, Stack

NOISE = NoiseModel(2.0, 100.0, 3.0)


def noisy(*lead: int, axes: str = "YX", side: int = 64) -> Stack:
    light = np.linspace(5, 100, side, dtype=np.float32)
    counts = NOISE.sample(
        np.broadcast_to(light, (*lead, side, side)), np.random.default_rng(0)
    )
    return Stack(counts.round().clip(0, 65535).astype(np.uint16), axes)


def counted(stack: Stack) -> tuple[Stack, Counter[tuple[int, ...]]]:
    """Return a stack that counts how often each of its planes is read."""
    reads: Counter[tuple[int, ...]] = Counter()

    def read(index: tuple[int, ...]) -> np.ndarray:
        reads[index] += 1
        return stack.data[index]

    data = Computed(stack.data.shape, stack.data.dtype, read)
    return replace(stack, data=data), reads


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of pixels of each fit of the noise."""
    found: list[int] = []
    fit = noise_over_planes.fit_noise

    def counting(planes: Any, *rest: Any) -> Any:
        found.append(sum(plane.size for plane in planes))
        return fit(planes, *rest)

    monkeypatch.setattr(noise_over_planes, "fit_noise", counting)
    return found


@pytest.mark.parametrize(
    ("method", "reads", "fitted"),
    [
        ("auto", 2, 1),
        ("denoise", 2, 1),
        ("auto+bicubic", 2, 1),
        ("gaussian", 2, 0),
        ("identity", 1, 0),
    ],
)
def test_a_plane_is_read_once_to_diagnose_and_once_to_restore(
    method: str, reads: int, fitted: int, fits: list[int]
) -> None:
    stack, count = counted(noisy(2, axes="CYX"))
    result = restore_stack(RestoreSpec(method=method, device="cpu"), stack)
    for index in result.image.indices():
        result.image.data[index]
    assert set(count.values()) == {reads}
    assert len(fits) == 2 * fitted  # one a channel


def test_a_file_shows_the_same_to_estimate_noise_and_to_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They once fitted other pixels of planes of which squares are taken."""
    monkeypatch.setattr(plane_sampling, "SQUARE", 128)
    stack = noisy(2, axes="CYX", side=550)
    pixels = np.array(stack.data[:])
    pixels[0, :30] = 65535
    pixels[0, 30:33] = [[40000], [10000], [2000]]  # light is blurred
    pixels[1] = (pixels[1] + np.roll(pixels[1], 1, axis=1)) // 2  # smoothed
    path = tmp_path / "cell.tif"
    write_image(replace(stack, data=pixels), path)
    told = report_noise(NoiseRequest(), path)
    with open_image(path) as opened:
        used = restore_stack(RestoreSpec(method="pure-let"), opened)
    models = [channel.model for channel in told.channels]
    assert models == [*used.diagnosis.noise.values()]
    assert used.warnings == told.warnings
    saturated, smoothed = told.warnings
    assert saturated.startswith("channel 1: 5.5% of the pixels are saturated at 65535")
    assert smoothed.startswith("channel 2: the noise of neighbouring pixels is correla")


OTHER = RestoreSpec(
    method="n2sr",
    options=("iterations=2", "width=4"),
    weights=(Path("w.safetensors"),),
    device="cpu",
    precision="fp32",
    tile=64,
    max_memory=1 << 31,
    gpu_memory=1 << 32,
    noise=GivenNoise((NOISE,)),
    display_range=DisplayRange(0, 9),
    defects="keep",
    dtype="uint16",
    compression="zstd",
    pyramid=True,
    axes="YX",
    series="cells",
    channel="1",
    train_on=(Path("other/one.tif"),),
    save_weights=Path("w.safetensors"),
    check=True,
    uncertainty=True,
    error_map=Path("sure.tif"),
    overwrite=True,
)


@pytest.mark.parametrize("field", fields(RestoreSpec), ids=lambda field: field.name)
def test_every_field_is_recorded_or_says_why_not(field: Any) -> None:
    value = getattr(OTHER, field.name)
    assert value != getattr(RestoreSpec(), field.name), "give it another value above"
    recorded = field.name in replace(RestoreSpec(), **{field.name: value}).as_record()
    marks = {RESOLVED, LEFT_OUT} & field.metadata.keys()
    assert recorded == (not marks)
    assert all(field.metadata[mark] for mark in marks)


def test_what_became_of_a_field_is_in_the_record(tmp_path: Path) -> None:
    write_image(noisy(), source := tmp_path / "cell.tif")
    spec = RestoreSpec(method="denoise", device="cpu", noise=GivenNoise((NOISE,)))
    restore_file(spec, spec.chain(), source, target := tmp_path / "out.tif")
    with open_image(target) as stack:
        [record] = stack.history
    assert {"method", "precision", "tile", "links", "noise"} <= record.keys()
    assert record["links"][0]["device"] == "cpu"
    assert record["noise"] == [{**NOISE.as_json(), "origin": "given"}]
    assert "levels" not in record  # of no meaning to this method


def test_paths_in_the_record_are_names_alone() -> None:
    assert OTHER.as_record()["train_on"] == ["one.tif"]


@pytest.mark.parametrize("method", ["pure-let", "denoise-fast"])
def test_correlated_noise_is_removed_and_recorded(method: str) -> None:
    rng = np.random.default_rng(3)
    light = 20 * (1 + np.sin(np.arange(192) / 9))[:, None] * np.ones(192)
    image = NoiseModel(2.0, 100.0, 2.0).sample(light, rng).astype(np.float32)
    image = (image + np.roll(image, 1, 0)) / 2  # as registration by half a pixel does
    truth = 2 * (light + np.roll(light, 1, 0)) / 2 + 100
    result = restore_stack(RestoreSpec(method=method, device="cpu"), Stack(image, "YX"))
    before, after = (
        ((one - truth)[8:-8, 8:-8] ** 2).mean()
        for one in (image, np.asarray(result.image.data[()]))
    )
    assert after < 0.4 * before
    [noise] = result.record["noise"]
    assert noise["autocorrelation"][1][3] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("method", ["pure-let", "auto"])
def test_a_blank_channel_stays_beside_others(method: str) -> None:
    light = _channel()
    stack = Stack(np.stack([light, np.full_like(light, 7)]), "CYX")
    result = restore_stack(RestoreSpec(method=method, device="cpu"), stack)
    restored = np.asarray(result.image)
    alone = np.asarray(restore_stack(result.decided.spec, Stack(light, "YX")).image)
    assert (restored[0] == alone).all()
    assert (restored[1] == 7).all()
    words = "channel 2: blank (every pixel is 7): left as it is"
    assert [one for one in result.warnings if "blank" in one] == [words]
    assert result.record["noise"][1]["origin"] == "blank"


def test_light_in_a_channel_that_seemed_blank_is_refused() -> None:
    light = _channel()
    frames = np.full((40, 2, *light.shape), 7, light.dtype)
    frames[:, 0], frames[1, 1] = light, light
    spec = RestoreSpec(method="pure-let")
    result = restore_stack(spec, Stack(frames, "TCYX"))
    np.asarray(result.image.data[0, 1])
    with pytest.raises(InputError, match=r"channel 2, frame 2 shows light, while"):
        np.asarray(result.image.data[1, 1])


def _channel() -> NDArray[np.uint16]:
    light = np.full((96, 96), 20, np.float32)
    light[30:60, 30:60] = 90
    noise = NoiseModel(2.0, 100.0, 3.0)
    return noise.sample(light, np.random.default_rng(0)).round().astype(np.uint16)


def test_the_record_holds_what_a_network_may_invent(monkeypatch) -> None:
    rates = InventionRates("net", "plain", (Rate(20, 200, 10),))
    monkeypatch.setattr(diagnosis, "rates_of", lambda _: rates)
    y, x = np.mgrid[:96, :96].astype(np.float32)
    light = np.where(x > 32, 15 + 5 * np.sin(x / 1.3) * np.sin(y / 1.3), 1)
    counts = CAMERA.sample(light.astype(np.float32), np.random.default_rng(0))
    stack = Stack(counts, "YX")
    found = restore_stack(RestoreSpec("jdsr-fast"), stack, given=[CAMERA])
    [told] = found.record["expected_inventions"]
    assert (told["channel"], told["method"]) == (1, "net")
    assert any("net draws 200 false" in one for one in found.record["warnings"])
    plain = restore_stack(RestoreSpec("bicubic"), stack, given=[CAMERA])
    assert "expected_inventions" not in plain.record
