"""`auto`: which denoiser an image gets, and black and white for networks that ask."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from w2s_cli.errors import UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.microscope.simulation import Exposure, simulate_cell, widefield
from w2s_cli.pipeline.auto_method import auto_method
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.plan import plan_file
from w2s_cli.pipeline.restoration import restore_file
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.restorer import TrainedRange
from w2s_cli.stack import Stack

CAMERA = NoiseModel(2.0, 100.0, 3.0)
SILENT = NoiseModel(2.0, 100.0)  # it has no read noise
SEEN = TrainedRange((0.5, 1000), 3.0)
AUTO = RestoreSpec(method="auto", device="cpu", noise=GivenNoise((SILENT,)))


def cell(photons: float, camera: NoiseModel = CAMERA, side: int = 160) -> np.ndarray:
    rng = np.random.default_rng(2)
    exposure = Exposure(photons, 0.05)
    light = widefield(simulate_cell(side, rng), gaussian_psf(2.5), exposure)
    return np.clip(camera.sample(light, rng).round(), 0, 65535).astype(np.uint16)


NOISY, DIM = cell(100), cell(0.1, SILENT)
SMOOTH = gaussian_filter(NOISY.astype(np.float32), 0.8).round().astype(np.uint16)


@pytest.mark.parametrize(
    ("image", "given", "method", "reason"),
    [
        (NOISY, CAMERA, "denoise", r"^the brightest parts have [\d.]+ photons a"),
        (NOISY, None, "denoise", "what the shipped network is meant for$"),
        (DIM, SILENT, "pure-let", "denoise is meant for 0.5 to 1000$"),
        (cell(5000), CAMERA, "pure-let", "denoise is meant for 0.5 to 1000$"),
        (NOISY, NoiseModel(1, 100, 8), "pure-let", "the read noise is 8 photons, den"),
        (SMOOTH, CAMERA, "identity", r"correlated \(0.\d\d\), as if the image was"),
        (SMOOTH, None, "identity", "a denoiser would take it for structure$"),
        (
            np.full((64, 64), 7, np.uint16),
            None,
            "identity",
            "the noise cannot be measured: every pixel of the image is 7",
        ),
        (NOISY[:20, :20], None, "identity", "20 x 20 pixels are too few"),
        (NOISY[:20, :20], CAMERA, "denoise", "what the shipped network is meant for$"),
    ],
)
def test_what_an_image_asks_for(
    image: np.ndarray, given: NoiseModel | None, method: str, reason: str
) -> None:
    choice = auto_method(diagnose(Stack(image, "YX"), [given] if given else []), SEEN)
    assert choice.method == method
    assert re.search(reason, choice.reason), choice.reason
    assert bool(choice.warnings) == (method == "identity")


def test_the_most_cautious_channel_decides() -> None:
    stack = Stack(np.stack([NOISY, SMOOTH, DIM]), "CYX")
    choice = auto_method(diagnose(stack, [CAMERA]), SEEN)
    assert choice.method == "identity"
    assert choice.reason.startswith("channel 2: the noise of neighbouring pixels")
    choice = auto_method(
        diagnose(Stack(np.stack([NOISY, NOISY]), "CYX"), [CAMERA]), SEEN
    )
    assert choice.method == "denoise"
    assert choice.reason.startswith("the brightest")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_image(Stack(DIM, "YX"), path := tmp_path / "dim.tif")
    return path


def test_the_choice_is_used_and_recorded(source: Path) -> None:
    outcome = restore_file(AUTO, AUTO.chain(), source, out := source.with_name("o.tif"))
    same = replace(AUTO, method="pure-let")
    restore_file(same, same.chain(), source, other := source.with_name("p.tif"))
    with open_image(out) as one, open_image(other) as two:
        np.testing.assert_array_equal(one.data[()], two.data[()])
        [record] = one.history
    assert record["method"] == "auto"
    assert [link["method"] for link in record["links"]] == ["pure-let"]
    assert record["auto"] == outcome.as_json()["auto"]
    assert record["auto"]["method"] == "pure-let"
    assert "denoise is meant for" in record["auto"]["reason"]


def test_each_file_gets_its_own(source: Path) -> None:
    write_image(Stack(NOISY, "YX"), light := source.with_name("light.tif"))
    chain = AUTO.chain()
    methods = []
    for path in (source, light):
        choice = plan_file(AUTO, chain, path, path.with_name("out.tif")).choice
        assert choice is not None
        methods.append(choice.method)
    assert methods == ["pure-let", "denoise"]


def test_other_methods_may_follow(source: Path) -> None:
    job = replace(AUTO, method="auto+bicubic")
    outcome = restore_file(job, job.chain(), source, out := source.with_name("o.tif"))
    assert outcome.scale == 2
    with open_image(out) as stack:
        names = [link["method"] for link in stack.history[-1]["links"]]
    assert names == ["pure-let", "bicubic"]


def test_auto_comes_first() -> None:
    with pytest.raises(UsageError, match="auto must come first, found gaussian"):
        replace(AUTO, method="gaussian+auto").chain()
