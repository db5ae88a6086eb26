"""`auto`: which denoiser an image gets, and black and white for networks that ask."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from w2s_cli.errors import UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.microscope.simulation import Exposure, simulate_cell, widefield
from w2s_cli.pipeline.auto_method import Choice, auto_x2, resolve_auto
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.file_restoration import plan_file, restore_file
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.stack import Stack

CAMERA = NoiseModel(2.0, 100.0, 3.0)
AUTO = RestoreSpec(method="auto", device="cpu")


def cell(photons: float, camera: NoiseModel = CAMERA, side: int = 160) -> np.ndarray:
    rng = np.random.default_rng(2)
    exposure = Exposure(photons, 0.05)
    light = widefield(simulate_cell(side, rng), gaussian_psf(2.5), exposure)
    return np.clip(camera.sample(light, rng).round(), 0, 65535).astype(np.uint16)


NOISY = cell(100)
DOUBLED = cell(20, side=96).repeat(2, 0).repeat(2, 1)  # as some vendors save binning
FLAT = np.full((64, 64), 7, np.uint16)
SMOOTH = np.add.outer(np.arange(80), np.arange(80)).astype(np.uint16)


def chosen(images: list[np.ndarray], given: NoiseModel | None = None) -> Choice:
    given_models = [given] if given else []
    _, _, choice = resolve_auto(
        AUTO, AUTO.chain(), diagnose(Stack(np.stack(images), "CYX"), given_models)
    )
    assert choice
    return choice


@pytest.mark.parametrize("given", [CAMERA, None])
def test_the_network_where_it_predicts_held_out_light_best(
    given: NoiseModel | None,
) -> None:
    choice = chosen([NOISY], given)
    assert choice.method == "denoise"
    assert re.fullmatch(
        r"it predicts held-out light with \d+% of the squared error of the image "
        r"itself, pure-let with \d+%",
        choice.reason,
    )
    errors = choice.errors
    assert errors["denoise"] < errors["pure-let"] < 1
    assert errors["gaussian sigma=2"] > errors["pure-let"]  # it blurs the structure
    assert not choice.warnings


def test_every_second_pixel_where_neighbours_share_noise() -> None:
    choice = chosen([DOUBLED])
    assert choice.method == "pd-denoise"
    assert choice.options[0] == "stride=2"
    assert choice.reason.startswith("neighbouring pixels share noise; it predicts")
    assert choice.errors["pd-denoise stride=2, sigma=0"] < choice.errors["denoise"]


def test_one_method_for_all_channels() -> None:
    choice = chosen([NOISY, NOISY[::-1]], CAMERA)
    assert choice.method == "denoise"
    assert choice.errors["denoise"] < 0.5


def test_nothing_where_nothing_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    blur = (("gaussian", ("sigma=6",)),)
    monkeypatch.setattr("w2s_cli.pipeline.auto_method._WHITE", blur)
    choice = chosen([cell(3000)], CAMERA)
    assert choice.method == "identity"
    assert choice.errors["gaussian sigma=6"] > 1
    assert choice.warnings == [
        "not denoised: no method predicts held-out light better than the image itself"
    ]


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ([FLAT], "the noise cannot be measured: every pixel of the image is 7"),
        ([NOISY[:20, :20]], "20 x 20 pixels are too few"),
        ([NOISY, SMOOTH], "channel 2: the noise cannot be measured"),
    ],
)
def test_nothing_where_the_noise_is_unknown(
    images: list[np.ndarray], reason: str
) -> None:
    choice = chosen(images)
    assert choice.method == "identity"
    assert reason in choice.reason
    assert choice.warnings == [f"not denoised: {choice.reason}"]


def test_noise_that_is_told_is_enough() -> None:
    assert chosen([NOISY[:20, :20]], CAMERA).errors["denoise"] < 1
    choice = chosen([FLAT], CAMERA)
    assert choice.method == "denoise"
    assert choice.reason == "too little of the image is known to compare methods"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_image(Stack(DOUBLED, "YX"), path := tmp_path / "doubled.tif")
    return path


def test_the_choice_is_used_and_recorded(source: Path) -> None:
    outcome = restore_file(AUTO, AUTO.chain(), source, out := source.with_name("o.tif"))
    with open_image(out) as one:
        [record] = one.history
    assert record["method"] == "auto"
    assert record["auto"] == outcome.as_json()["auto"]
    assert record["auto"]["method"] == "pd-denoise"
    [noise] = record["noise"]
    assert noise["autocorrelation"]
    [link] = record["links"]
    assert link["method"] == "pd-denoise"
    options = tuple(f"{key}={value:g}" for key, value in link["options"].items())
    assert options == outcome.choice.options
    camera = NoiseModel(noise["gain"], noise["offset"], noise["read_noise"])
    told = GivenNoise((camera,))
    same = replace(AUTO, method="pd-denoise", options=options, noise=told)
    restore_file(same, same.chain(), source, other := source.with_name("p.tif"))
    with open_image(out) as one, open_image(other) as two:
        np.testing.assert_array_equal(one.data[()], two.data[()])


def test_each_file_gets_its_own(source: Path) -> None:
    write_image(Stack(NOISY, "YX"), light := source.with_name("light.tif"))
    chain = AUTO.chain()
    methods = []
    for path in (source, light):
        choice = plan_file(AUTO, chain, path, path.with_name("out.tif")).choice
        assert choice is not None
        methods.append(choice.method)
    assert methods == ["pd-denoise", "denoise"]


def test_other_methods_may_follow(source: Path) -> None:
    job = replace(AUTO, method="auto+bicubic")
    outcome = restore_file(job, job.chain(), source, out := source.with_name("o.tif"))
    assert outcome.scale == 2
    with open_image(out) as stack:
        names = [link["method"] for link in stack.history[-1]["links"]]
    assert names == ["pd-denoise", "bicubic"]


@pytest.mark.parametrize("late", ["auto", "auto-x2"])
def test_auto_comes_first(late: str) -> None:
    with pytest.raises(UsageError, match=f"{late} must come first, found gaussian"):
        replace(AUTO, method=f"gaussian+{late}").chain()


@pytest.fixture
def enlargers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, np.ndarray], Choice]:
    """Return what chooses where another method stands in the place of `jdsr`."""
    few = (("pure-let", ()), ("gaussian", ("sigma=2",)))
    monkeypatch.setattr("w2s_cli.pipeline.auto_method._WHITE", few)

    def choice(method: str, image: np.ndarray) -> Choice:
        monkeypatch.setattr("w2s_cli.pipeline.auto_method.ENLARGER", method)
        return auto_x2(diagnose(Stack(image, "YX"), [CAMERA]), "cpu")

    return choice


def test_the_enlarger_where_held_out_light_does_not_contradict_it(
    enlargers: Callable[[str, np.ndarray], Choice],
) -> None:
    choice = enlargers("denoise+bicubic", NOISY)
    assert choice.method == "denoise+bicubic"
    assert choice.options == ()
    assert choice.sharpening["contradicted"] < 0.02
    assert choice.sharpening["standard error"] > 0
    assert re.fullmatch(
        r"as blurred as the image, denoise\+bicubic predicts held-out light with \d+% "
        r"of the squared error of the image itself, pure-let with \d+%",
        choice.reason,
    )
    assert not choice.warnings


@pytest.mark.parametrize("bad", ["gaussian+bicubic", "bicubic"])
def test_interpolation_where_it_does(
    bad: str, enlargers: Callable[[str, np.ndarray], Choice]
) -> None:
    """One blurs structure away, the other keeps all noise."""
    choice = enlargers(bad, cell(3000))
    assert choice.method == "pure-let+bicubic"
    assert choice.reason.startswith(f"the image contradicts what {bad} adds: as blurr")
    assert choice.sharpening["contradicted"] > 0.2
    assert choice.errors[bad] > choice.errors["pure-let"]


def test_the_image_itself_where_nothing_helps_to_enlarge(
    enlargers: Callable[[str, np.ndarray], Choice], monkeypatch: pytest.MonkeyPatch
) -> None:
    blur = (("gaussian", ("sigma=6",)),)
    monkeypatch.setattr("w2s_cli.pipeline.auto_method._WHITE", blur)
    choice = enlargers("gaussian+bicubic", cell(3000))
    assert choice.method == "identity+bicubic"
    assert choice.warnings == [f"not denoised: {choice.reason}"]
    assert "no method predicts held-out light better" in choice.reason


def test_the_blur_that_is_told_goes_to_the_enlarger(source: Path) -> None:
    write_image(Stack(NOISY, "YX"), light := source.with_name("light.tif"))
    told = replace(AUTO, method="auto-x2", options=("auto-x2.fwhm=2.5",))
    plan = plan_file(told, told.chain(), light, light.with_name("out.tif"))
    assert plan.choice is not None
    if plan.choice.method == "jdsr":
        assert plan.choice.options == ("fwhm=2.5",)
        assert plan.record["links"][0]["options"]["fwhm"] == 2.5
    with pytest.raises(UsageError, match="option fwhm must be "):
        replace(told, options=("fwhm=-1",)).chain()


def test_what_to_enlarge_by_is_used_and_recorded(source: Path) -> None:
    job = replace(AUTO, method="auto-x2+median")
    outcome = restore_file(job, job.chain(), source, out := source.with_name("o.tif"))
    assert outcome.scale == 2
    with open_image(out) as one:
        assert one.data.shape == (2 * DOUBLED.shape[0], 2 * DOUBLED.shape[1])
        [record] = one.history
    assert record["method"] == "auto-x2+median"
    assert record["auto"] == outcome.as_json()["auto"]
    names = [link["method"] for link in record["links"]]
    assert names == [*record["auto"]["method"].split("+"), "median"]
    assert record["auto"]["sharpening"].keys() == {
        "added",
        "contradicted",
        "standard error",
    }
    assert "jdsr" in record["auto"]["errors"]
