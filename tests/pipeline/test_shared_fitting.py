"""Learning before restoring: what is refused, what is planned, what is warned of."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from w2s_cli.errors import InputError, OutputError, UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.unknown_pixels import KnownPlane
from w2s_cli.pipeline.diagnose import diagnose_channel
from w2s_cli.pipeline.diagnosis import method_warnings
from w2s_cli.pipeline.file_restoration import FileReport, plan_file
from w2s_cli.pipeline.shared_fitting import check_fitted, check_fitting, fit_files
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.restorer import Fittable
from w2s_cli.stack import Stack

NOISE = NoiseModel(2.0, 100.0, 3.0)
JOB = RestoreSpec(method="n2sr", options=("iterations=2", "width=4"))
ONE = (Path("one.tif"),)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with images of one and of two channels."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "cache"))
    for seed, name in enumerate(("one.tif", "two.tif")):
        write_image(noisy((96, 96), "YX", seed), Path(name))
    write_image(noisy((2, 96, 96), "CYX"), Path("colours.tif"))
    return tmp_path


def noisy(shape: tuple[int, ...], axes: str, seed: int = 0) -> Stack:
    light = np.linspace(5, 100, shape[-1], dtype=np.float32)
    counts = NOISE.sample(np.broadcast_to(light, shape), np.random.default_rng(seed))
    return Stack(counts.round().clip(0, 65535).astype(np.uint16), axes)


def to_fit(method: str, *options: str) -> Fittable:
    found = RestoreSpec(method=method, options=options).chain().to_fit
    assert found
    return found


@pytest.mark.parametrize(
    ("job", "sources", "kind", "message", "hint"),
    [
        (
            replace(JOB, method="gaussian+n2sr"),
            ONE,
            UsageError,
            "a method that learns from the image must come first, found gaussian+n2sr",
            "it learns what the camera wrote, which other methods change",
        ),
        (
            replace(JOB, method="n2v+n2sr", options=()),
            ONE,
            UsageError,
            "a method that learns from the image must come first, found n2v+n2sr",
            "it learns what the camera wrote, which other methods change",
        ),
        (
            RestoreSpec(method="median", train_on=ONE),
            ONE,
            UsageError,
            "--train-on is for methods that learn from the image, not median",
            "such as --method n2sr",
        ),
        (
            RestoreSpec(method="median", save_weights=Path("w.safetensors")),
            ONE,
            UsageError,
            "--save-weights is for methods that learn from the image, not median",
            "such as --method n2sr",
        ),
        (
            replace(JOB, save_weights=Path("w.safetensors")),
            (*ONE, Path("two.tif")),
            UsageError,
            "each of 2 files learns weights of its own, and --save-weights names one "
            "file",
            "learn once for all of them with --train-on",
        ),
        (
            replace(JOB, save_weights=Path("one.tif"), overwrite=True),
            ONE,
            UsageError,
            "--save-weights would replace the image one.tif",
            "name a file that ends in .safetensors",
        ),
        (
            replace(JOB, save_weights=Path("two.tif")),
            ONE,
            OutputError,
            "two.tif exists",
            "--overwrite",
        ),
    ],
)
def test_what_is_refused_before(job, sources, kind, message, hint) -> None:
    with pytest.raises(kind) as caught:
        check_fitting(job, job.chain(), sources)
    assert str(caught.value) == message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("job", "sources"),
    [
        (JOB, (*ONE, Path("two.tif"))),
        (replace(JOB, method="n2sr+bicubic"), ONE),
        (replace(JOB, save_weights=Path("w.safetensors")), ONE),
        (
            replace(JOB, save_weights=Path("w.safetensors"), train_on=ONE),
            (*ONE, Path("two.tif")),
        ),
        (RestoreSpec(method="median"), ONE),
    ],
)
def test_what_can_be_done(job: RestoreSpec, sources: tuple[Path, ...]) -> None:
    check_fitting(job, job.chain(), sources)


def test_one_fit_to_several_files() -> None:
    steps: list[int] = []
    files = (Path("one.tif"), Path("two.tif"))

    def progress(channel: int, step: int, steps_in_all: int, loss: float) -> None:
        assert (channel, steps_in_all) == (0, 2)
        steps.append(step)

    fitted = fit_files(
        JOB, JOB.chain(), files, lambda at: lambda *how: progress(at, *how)
    )
    assert steps == [1, 2]
    assert list(fitted) == [0]
    assert fitted[0].traits.fit.steps == 0
    again = fit_files(JOB, JOB.chain(), files[:1], lambda at: lambda *how: None)
    assert again[0].weights != fitted[0].weights


def test_several_channels() -> None:
    files = (Path("colours.tif"),)
    saved = replace(JOB, save_weights=Path("w.safetensors"))
    fitted = fit_files(JOB, JOB.chain(), files, lambda at: lambda *how: None)
    assert list(fitted) == [0, 1]
    with open_image(files[0]) as stack, open_image(Path("one.tif")) as other:
        check_fitted(fitted, stack, files)
        with pytest.raises(UsageError) as caught:
            check_fitted(fitted, other, files)
    assert str(caught.value) == (
        "the image has 1 channels, but colours.tif, to learn from, has 2"
    )
    assert "--channel" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        fit_files(
            saved, JOB.chain(), files, lambda at: lambda *how: pytest.fail("learns")
        )
    assert str(caught.value) == (
        "each of 2 channels learns weights of its own, and --save-weights names one "
        "file"
    )
    assert caught.value.hint == "name one with --channel"
    one = replace(JOB, channel="2")
    [alone] = fit_files(one, one.chain(), files, lambda at: lambda *how: None).values()
    assert alone.weights == fitted[1].weights


def test_a_file_that_cannot_be_learned_from() -> None:
    with pytest.raises(InputError, match=r"there is no file no\.tif"):
        fit_files(JOB, JOB.chain(), [Path("no.tif")], lambda at: lambda *how: None)


def plan(job: RestoreSpec, source: str = "one.tif") -> FileReport:
    return plan_file(job, job.chain(), Path(source), Path("out.tif"))


def test_a_plan_says_how_long_it_learns_and_from_what() -> None:
    found = plan(JOB)
    assert (found.steps, found.learns_from) == (2, (Path("one.tif"),))
    assert found.as_json()["learning"] == {"steps": 2, "from": ["one.tif"]}
    assert plan(JOB, "colours.tif").steps == 4
    others = plan(replace(JOB, train_on=(Path("two.tif"),)))
    assert others.as_json()["learning"] == {"steps": 2, "from": ["two.tif"]}
    assert plan(RestoreSpec(method="median")).as_json()["learning"] is None


def test_a_plan_with_what_was_learned_before_learns_nothing() -> None:
    [method] = fit_files(JOB, JOB.chain(), ONE, lambda at: lambda *how: None).values()
    assert method.weights
    found = plan(replace(JOB, weights=(method.weights,)))
    assert found.steps == 0
    assert found.as_json()["learning"] is None


def test_learning_takes_memory_by_the_width_of_the_network() -> None:
    """Measured at 512 x 512 pixels on a processor: 580 MiB, and 920 to 1023 MiB."""
    narrow, wide = (
        plan(replace(JOB, options=(f"width={width}",))).memory >> 20
        for width in (16, 64)
    )
    assert 580 <= narrow <= 640
    assert 920 <= wide <= 1023


def correlated(*method: str) -> list[str]:
    plane = noisy((64, 64), "YX").data[()]
    fit = replace(fit_noise([plane]), correlation=0.3)
    channel = diagnose_channel("0", [KnownPlane.of(plane)], fit=fit)
    assert channel.warnings[0].startswith("the noise of neighbouring pixels is corr")
    return [*method_warnings([to_fit(*method).traits], channel, {})]


@pytest.mark.parametrize(
    "found", [("n2sr",), ("n2s",), ("n2v",), ("n2v", "value=median")]
)
def test_correlated_noise_is_taken_for_structure(found: tuple[str, ...]) -> None:
    assert correlated(*found) == [
        "a method that learns from hidden pixels takes correlated noise for structure; "
        "--method n2v with -O rows=N or -O columns=N hides N neighbours on both sides "
        "as well"
    ]
    plane = noisy((64, 64), "YX").data[()]
    channel = diagnose_channel("0", [KnownPlane.of(plane)])
    assert [*method_warnings([to_fit(*found).traits], channel, {})] == []


@pytest.mark.parametrize("found", [("n2n",), ("n2v", "rows=3"), ("n2v", "columns=1")])
def test_some_bear_correlated_noise(found: tuple[str, ...]) -> None:
    assert correlated(*found) == []
