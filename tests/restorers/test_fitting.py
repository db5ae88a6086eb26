"""What is taken from a stack to fit a method to, and the method of each channel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import pytest

from w2s_cli._typing import FloatArray
from w2s_cli.methods.filters import Identity
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline.restoration import restore_planes
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.fitting import (
    MOST_FILES,
    MOST_PIXELS,
    fit_channels,
    series,
    shares,
)
from w2s_cli.restorers.restorer import FitProgress, Fitting, Series, Traits
from w2s_cli.restorers.units import Units, excess
from w2s_cli.stack import Stack

NOISE = NoiseModel(2.0, 100.0, 3.0)


@dataclass(frozen=True)
class Mean:
    """Learns the mean of what it is given, and restores every pixel to it."""

    value: float | None = None
    seen: list[Sequence[Series]] = field(default_factory=list)

    weights: Path | None = None

    @property
    def traits(self) -> Traits:
        return Traits(expects=Units.ROOT, fit=Fitting(int(self.value is None)))

    def fitted(
        self, series: Callable[[], Sequence[Series]], progress: FitProgress
    ) -> Self:
        if self.value is not None:
            return self
        places = series()
        self.seen.append(places)
        progress(1, 1, 0.5)
        return replace(self, value=float(np.mean(places)))

    def __call__(self, blocks: FloatArray) -> FloatArray:
        assert self.value is not None
        return np.full_like(blocks, self.value)


def numbered(axes: str, *shape: int, side: int = 8) -> Stack:
    """Return a stack whose planes are even: 200 counts, 202, 204 and so on."""
    count = int(np.prod(shape))
    planes = 200 + 2 * np.arange(count, dtype=np.float32).reshape(*shape, 1, 1)
    data = np.broadcast_to(planes, (*shape, side, side)).copy()
    return Stack(data, f"{axes}YX")


def numbers(places: Sequence[Series]) -> list[list[int]]:
    """Return the numbers of planes, by place."""
    counts = [[NOISE.square(plane)[0, 0] for plane in place] for place in places]
    return [[round((one - 200) / 2) for one in place] for place in counts]


def test_planes_are_in_stabilised_counts() -> None:
    stack = numbered("T", 2)
    [[one, other]] = series(stack, 0, NOISE)
    np.testing.assert_array_equal(one, NOISE.stabilise(stack.data[0]))
    np.testing.assert_array_equal(other, NOISE.stabilise(stack.data[1]))
    assert one.dtype == np.float32


@pytest.mark.parametrize(
    ("axes", "shape", "channel", "found"),
    [
        ("", (), 0, [[0]]),
        ("T", (3,), 0, [[0, 1, 2]]),
        ("Z", (3,), 0, [[0], [1], [2]]),
        ("C", (2,), 1, [[1]]),
        ("TZ", (3, 2), 0, [[0, 2, 4], [1, 3, 5]]),
        ("TC", (2, 2), 1, [[1, 3]]),
        ("TCZ", (2, 2, 2), 0, [[0, 4], [1, 5]]),
        ("CZ", (2, 3), 1, [[3], [4], [5]]),
    ],
)
def test_frames_of_a_place_stay_together(axes, shape, channel, found) -> None:
    assert numbers(series(numbered(axes, *shape), channel, NOISE)) == found


@pytest.mark.parametrize(
    ("axes", "shape", "found"),
    [
        ("T", (16,), [[0, 1], [8, 9]]),
        ("T", (4,), [[0, 1, 2, 3]]),
        ("T", (5,), [[0, 1], [4]]),
        ("Z", (10,), [[0], [3], [6], [9]]),
        ("TZ", (2, 4), [[0, 4], [2, 6]]),
    ],
)
def test_a_large_stack_is_thinned_to_pairs_of_frames(axes, shape, found) -> None:
    assert numbers(series(numbered(axes, *shape), 0, NOISE, most=4 * 8 * 8)) == found


def test_planes_are_lowered_as_much_as_the_read_noise_lifts_them() -> None:
    noise = NoiseModel(0.5, 100, read_noise=30)
    assert excess(noise) > 100
    dark = np.full((8, 8), 100, np.float32)
    [[plane]] = series(Stack(dark, "YX"), 0, noise)
    assert plane == pytest.approx(NoiseModel(1, read_noise=4).floor, abs=1e-3)


@pytest.mark.parametrize(("count", "taken"), [(1, 1), (32, 32), (33, 17), (3000, 32)])
def test_many_files_share_what_is_learned_from(count: int, taken: int) -> None:
    files = [Path(f"{number}.tif") for number in range(count)]
    found = [*shares(files)]
    assert len(found) == taken <= MOST_FILES
    assert [path for path, _ in found][:2] == files[:: -(-count // MOST_FILES)][:2]
    assert {most for _, most in found} == {MOST_PIXELS // taken}


def test_of_a_large_plane_the_middle_is_taken() -> None:
    plane = np.zeros((2050, 2100), np.float32)
    plane[1:-1, 26:-26] = 100
    [[taken]] = series(Stack(plane, "YX"), 0, NOISE)
    assert taken.shape == (2048, 2048)
    assert np.ptp(taken) == 0


def test_a_pixel_that_is_no_number_is_learned_from_as_if_it_were_known() -> None:
    stack = numbered("T", 2)
    stack.data[1, 3, 4] = np.nan  # type: ignore[index]
    [run] = series(stack, 0, NOISE)
    assert np.isfinite(run).all()


def test_each_channel_learns_by_itself_and_is_restored_by_what_it_learned() -> None:
    stack, chain = numbered("TC", 2, 2), Chain([method := Mean()])
    told: list[tuple[int, int, int, float]] = []
    noise = {0: NOISE, 1: NOISE}
    found = fit_channels(
        stack, chain, noise, lambda channel: lambda *how: told.append((channel, *how))
    )
    assert told == [(0, 1, 1, 0.5), (1, 1, 1, 0.5)]
    assert [numbers(places) for places in method.seen] == [[[0, 2]], [[1, 3]]]
    restored, _ = restore_planes(stack, chain, noise, fitted=found)
    for channel, mean in ((0, 202), (1, 204)):
        np.testing.assert_allclose(restored.data[0, channel], mean, atol=0.02)


def test_the_fitted_method_takes_the_place_of_the_unfitted_one_alone() -> None:
    chain = Chain([method := Mean(), Identity(2)])
    assert chain.to_fit is method
    known = Mean(float(NOISE.stabilise(np.full(1, 250, np.float32))[0]))
    bound = chain.bound(NOISE, fitted=known)
    restored = bound(np.full((1, 4, 4), 200, np.float32))
    np.testing.assert_allclose(restored, np.full((1, 8, 8), 250), rtol=1e-5)


def test_nothing_is_read_where_nothing_learns() -> None:
    class Unread:
        shape, dtype = (8, 8), np.dtype(np.float32)

        def __getitem__(self, index: object) -> FloatArray:
            raise AssertionError

    assert fit_channels(Stack(Unread(), "YX"), Chain([]), {}) == {}
    assert Chain([]).to_fit is None
    known = Mean(1.0)
    found = fit_channels(Stack(Unread(), "YX"), Chain([known]), {0: NOISE})
    assert found == {0: known}
