"""The Python API: its examples, its laziness, blocks for workers, and plug-ins."""

import doctest
import subprocess
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import w2s_cli as w2s
from w2s_cli.api import checking, estimating, images, learning, restoring
from w2s_cli.errors import AxesError, InputError, UnknownNameError, UsageError
from w2s_cli.methods.filters import Identity
from w2s_cli.stack import Channel

CAMERA = w2s.NoiseModel(2.0, 100.0, 3.0)


def noisy(*shape: int) -> np.ndarray:
    light = np.linspace(5, 100, shape[-1], dtype=np.float32)
    counts = CAMERA.sample(np.broadcast_to(light, shape), np.random.default_rng(0))
    return counts.round().clip(0, 65535).astype(np.uint16)


EXAMPLES = [
    example
    for module in (images, restoring, estimating, learning, checking)
    for example in doctest.DocTestFinder().find(module)
    if example.examples
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples(example, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    output: list[str] = []
    failed, tried = doctest.DocTestRunner().run(example, out=output.append)
    assert tried
    assert not failed, "".join(output)


def test_every_function_has_an_example() -> None:
    shown = {example.name.rpartition(".")[2] for example in EXAMPLES}
    functions = {n for n in w2s.__all__ if n.islower()}
    assert shown == functions


def test_a_stack_twice_as_large_is_checked_plane_by_plane() -> None:
    image = noisy(2, 64, 64)
    light = np.broadcast_to(np.linspace(5, 100, 64, dtype=np.float32), (2, 64, 64))
    made = CAMERA.counts(light).repeat(2, 1).repeat(2, 2)
    found = w2s.check(made, image, noise=CAMERA, axes="TYX")
    assert (found.verdict, found.consistent) == ("consistent", True)
    assert found.unsupported.shape == made.shape
    assert found.details["planes"] == 2
    with pytest.raises(InputError, match="the output is YX 60 x 64 and the input"):
        w2s.check(made[0, :60, :64], image[0], noise=CAMERA)


def test_every_name_is_there() -> None:
    assert set(w2s.__all__) <= {*dir(w2s)}
    for name in w2s.__all__:
        assert getattr(w2s, name).__doc__
    with pytest.raises(AttributeError, match="has no attribute 'weary'"):
        _ = w2s.weary


def python(code: str) -> str:
    words = [sys.executable, "-c", code]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_the_package_is_imported_in_no_time() -> None:
    heavy = "('numpy', 'torch', 'scipy', 'tifffile', 'bm3d', 'typer', 'typing')"
    code = (
        "import sys, time; before = {*sys.modules}; start = time.perf_counter(); "
        "import w2s_cli; print(time.perf_counter() - start); "
        f"print(*[name for name in {heavy} if name in {{*sys.modules}} - before])"
    )
    found = [python(code).split() for _ in range(3)]
    assert min(float(seconds) for seconds, *_ in found) < 0.1
    assert all(not loaded for _, *loaded in found)


@pytest.mark.parametrize(
    "first", ["", "import w2s_cli.methods.filters; ", "import w2s_cli.api.restoring; "]
)
def test_methods_are_listed_whatever_was_imported_before(first: str) -> None:
    assert python(f"{first}import w2s_cli as w; print('jdsr' in w.methods())") == (
        "True\n"
    )


def test_a_plane_that_is_read_twice_is_restored_and_counted_once(monkeypatch) -> None:
    calls: Counter[tuple[int, ...]] = Counter()

    def brighter(self: Identity, blocks: np.ndarray) -> np.ndarray:
        calls[blocks.shape] += 1
        return blocks + 60000

    monkeypatch.setattr(Identity, "__call__", brighter)
    result = w2s.restore(w2s.Stack(noisy(3, 32, 32) + 5500, "TYX"), "identity")
    for index in (0, 1, 2, 0, 1):
        result.image.data[index,]
    assert calls == {(1, 32, 32): 3}
    assert result.record["clipped"] == np.count_nonzero(np.array(result.image) == 65535)
    small = restoring.Cached(result.image.data, 1)  # room for one plane alone
    assert small[0,] is small[0,]
    assert small[1,] is not small[0,]


def test_planes_that_are_forgotten_are_counted_once_all_the_same(monkeypatch) -> None:
    monkeypatch.setattr(restoring, "CACHE_BYTES", 0)
    monkeypatch.setattr(Identity, "__call__", lambda self, blocks: blocks + 65535)
    result = w2s.restore(w2s.Stack(noisy(2, 8, 8), "TYX"), "identity")
    for index in (0, 1, 0, 1):
        result.image.data[index,]
    assert result.record["clipped"] == 2 * 8 * 8


def test_a_result_is_written_with_its_record(tmp_path: Path) -> None:
    np.save(tmp_path / "cell.npy", noisy(2, 64, 64))
    image = w2s.imread(tmp_path / "cell.npy", axes="CYX")
    steps: list[tuple[int, int]] = []
    result = w2s.restore(
        image,
        "gaussian",
        options={"sigma": 2.0},
        tile=32,
        progress=lambda *step: steps.append(step),
    )
    assert steps == []
    w2s.imwrite(tmp_path / "smooth.tif", result.image, record=result.record)
    assert steps == [(done, 8) for done in range(1, 9)]
    written = w2s.imread(tmp_path / "smooth.tif")
    [record] = written.history
    assert record["links"] == [{"method": "gaussian", "options": {"sigma": 2.0}}]
    assert len(record["contents"]) == 64
    assert record == {**result.record, "contents": record["contents"]}
    np.testing.assert_array_equal(written, result.image)


def test_an_array_gives_an_array_and_warnings() -> None:
    counts = noisy(64, 64)
    counts[:5] = 65535
    counts[5:8] = [[40000], [10000], [2000]]  # light is blurred
    with pytest.warns(UserWarning, match=r"7\.8% of the pixels are saturated"):
        found = w2s.restore(counts, "pure-let", noise=CAMERA)
    assert isinstance(found, np.ndarray)
    result = w2s.restore(w2s.Stack(counts, "YX"), "pure-let", noise=[CAMERA])
    np.testing.assert_array_equal(found, result.image)
    assert result.noise == (CAMERA,)
    assert len(result.warnings) == 1


def test_axes_are_not_guessed() -> None:
    with pytest.raises(AxesError, match=r"shape \(2, 32, 32\) are not known"):
        w2s.restore(noisy(2, 32, 32), "median")
    assert w2s.restore(noisy(2, 32, 32), "median", axes="ZYX").shape == (2, 32, 32)


def test_blocks_with_their_margins_make_the_whole() -> None:
    counts, margin = noisy(96, 64), w2s.methods()["denoise"].traits.margin
    traits = w2s.methods()["gaussian"].traits
    whole = w2s.restore(counts.astype(np.float32), "gaussian")
    halves = [counts[: 48 + traits.margin], counts[48 - traits.margin :]]
    restored = partial(w2s.restore_block, method="gaussian")
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        top, bottom = pool.map(restored, halves)
    sewn = np.concatenate([top[:48], bottom[traits.margin :]])
    np.testing.assert_allclose(sewn, whole, rtol=1e-6)
    assert margin > traits.margin


def test_a_block_knows_the_noise_that_it_is_given() -> None:
    counts = noisy(64, 64).astype(np.float32)
    whole = w2s.restore(counts, "pure-let", noise=CAMERA)
    np.testing.assert_array_equal(w2s.restore_block(counts, "pure-let", CAMERA), whole)
    with pytest.raises(UsageError, match="pure-let needs the noise of the camera"):
        w2s.restore_block(counts, "pure-let")
    for method in ("auto", "n2sr"):
        with pytest.raises(UsageError, match=f"{method} looks at the whole image"):
            w2s.restore_block(counts, method, CAMERA)


def test_scores_of_two_images_alone() -> None:
    with pytest.raises(UsageError, match="niqe is not computed from a reference"):
        w2s.score(np.eye(32), np.eye(32), ["niqe"])
    with pytest.raises(UnknownNameError, match="no metric is called 'pnsr'"):
        w2s.score(np.eye(32), np.eye(32), ["pnsr"])


PLUGIN = '''
from dataclasses import dataclass
from typing import Annotated
from w2s_cli.restorers.restorer import Traits

@dataclass(frozen=True)
class Brighter:
    """Add counts."""
    by: Annotated[float, "counts to add"] = 1.0
    traits = Traits()
    def __call__(self, blocks):
        return blocks + self.by
'''


def test_another_package_adds_a_method(tmp_path, monkeypatch) -> None:
    (tmp_path / "w2s_brighter.py").write_text(PLUGIN)
    facts = tmp_path / "w2s_brighter-0.1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: w2s-brighter\nVersion: 0.1\nLicense: BSD\n"
    )
    (facts / "entry_points.txt").write_text(
        "[w2s.methods]\n"
        "brighter = w2s_brighter:Brighter\n"
        "jdsr = w2s_brighter:Brighter\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert version("w2s-brighter") == "0.1"
    rows = {row.name: row for row in w2s.methods()}
    assert (rows["brighter"].source, rows["brighter"].licence) == (
        "w2s-brighter",
        "BSD",
    )
    assert "w2s_brighter" not in sys.modules  # listing it imports nothing
    assert rows["jdsr"].target.startswith("w2s_cli.")  # nobody takes the name of ours
    counts = noisy(16, 16)
    found = w2s.restore(counts, "brighter+median", options={"by": 5})
    np.testing.assert_array_equal(found, w2s.restore(counts, "median") + 5)
    with pytest.raises(UnknownNameError) as caught:
        w2s.restore(counts, "brightr")
    assert caught.value.hint == "did you mean 'brighter'?"


def test_a_channel_is_chosen_by_its_index_or_its_name() -> None:
    pixels = np.arange(2 * 32 * 32, dtype=np.uint16).reshape(2, 32, 32)
    stack = w2s.Stack(pixels, "CYX", channels=(Channel("0"), Channel("actin")))
    for channel in (1, "actin", "2"):
        found = w2s.restore(stack, "identity", channel=channel)
        np.testing.assert_array_equal(found.image, pixels[1])


def test_a_method_learns_once_from_files(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("W2S_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "raw").mkdir()
    first, other = noisy(64, 64), noisy(64, 64)[::-1].copy()
    np.save(tmp_path / "raw" / "a.npy", first)
    few = {"iterations": 2, "width": 4}
    learn = partial(w2s.restore, method="n2v", noise=CAMERA, options=few, device="cpu")
    from_folder = learn(w2s.Stack(other, "YX"), train_on=tmp_path / "raw")
    assert from_folder.record["train_on"] == ["a.npy"]
    from_file = learn(w2s.Stack(other, "YX"), train_on=[tmp_path / "raw" / "a.npy"])
    np.testing.assert_array_equal(from_folder.image, from_file.image)
    alone = learn(w2s.Stack(other, "YX"))
    assert alone.record["learned"] != from_folder.record["learned"]
    with pytest.raises(UsageError, match="for methods that learn from the image"):
        w2s.restore(other, "median", train_on=tmp_path / "raw")
    with pytest.raises(UsageError, match="the image has 2 channels"):
        learn(w2s.Stack(np.stack([first, other]), "CYX"), train_on=tmp_path / "raw")
