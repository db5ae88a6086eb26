from dataclasses import replace
from typing import Any

import pytest

from w2s_cli.errors import UnknownNameError, UsageError
from w2s_cli.training.real_esrgan_degradation.degraded_patches import check_degradation
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_reading import load
from w2s_cli.training.recipe_tables import RealEsrgan, SecondStage, Stage


def _recipe(second_order: RealEsrgan) -> Recipe:
    return Recipe("x", units="unit", second_order=second_order)


def test_the_published_options_make_sense() -> None:
    check_degradation(_recipe(RealEsrgan()))


def test_other_units_are_refused() -> None:
    with pytest.raises(
        UsageError, match="from 0 to 1, but the recipe has units 'root'"
    ) as told:
        check_degradation(Recipe("x"))
    assert told.value.hint == 'set units = "unit"'


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("blur", 1.1, "takes a share from 0 to 1, not 1.1"),
        ("gaussian", float("nan"), "takes a share from 0 to 1, not nan"),
        ("kernels", {"iso": -1.0}, "takes weights of at least 0, not all 0, not"),
        ("resize", (0.0, 0.0, 0.0), "takes weights of at least 0, not all 0, not"),
        ("sigma", (2.0, 1.0), "takes two rising numbers from 0.01 to 100, not"),
        ("sigma", (0.0, 1.0), "takes two rising numbers from 0.01 to 100, not"),
        ("jpeg", (0.0, 95.0), "takes two rising numbers from 1 to 100, not"),
        ("factor", (1.2, 1.5), "takes a span around 1, not"),
        ("plateau", (2.0, 3.0), "takes a span around 1, not"),
    ],
)
def test_nonsense_is_told(key: str, value: Any, message: str) -> None:
    first = RealEsrgan(first=replace(Stage(), **{key: value}))
    with pytest.raises(
        UsageError, match=f"'second_order.first.{key}' {message}"
    ) as told:
        check_degradation(_recipe(first))
    assert told.value.hint == "without it, the recipe has the published value"
    second = RealEsrgan(second=replace(SecondStage(), **{key: value}))
    with pytest.raises(UsageError, match=f"'second_order.second.{key}' {message}"):
        check_degradation(_recipe(second))


def test_nonsense_of_the_end_is_told() -> None:
    with pytest.raises(UsageError, match=r"second_order\.final_sinc' takes a share"):
        check_degradation(_recipe(RealEsrgan(final_sinc=2)))
    with pytest.raises(
        UsageError, match=r"context' takes a number from 1 to 10, not 0\.5"
    ):
        check_degradation(_recipe(RealEsrgan(context=0.5)))


def test_a_misspelt_kernel_is_told() -> None:
    wrong = RealEsrgan(first=Stage(kernels={"anis": 1.0}))
    with pytest.raises(
        UnknownNameError, match="no kind of kernel is called 'anis'"
    ) as told:
        check_degradation(_recipe(wrong))
    assert told.value.hint == "did you mean 'aniso'?"


def test_a_setting_of_the_second_stage_leaves_its_others_as_published(
    tmp_path: Any,
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n[second_order.second]\nblur = 0.5\n')
    read = load(str(path), ["second_order.second.jpeg=[40, 90]"]).second_order
    assert read.first == Stage()
    assert read.second == SecondStage(blur=0.5, jpeg=(40.0, 90.0))
    assert read.second.factor == (0.3, 1.2)
