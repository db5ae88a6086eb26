from pathlib import Path

import pytest

from w2s_cli.errors import UsageError
from w2s_cli.training.recipe import load
from w2s_cli.training.recipe_tables import SecondStage, Stage

NAME = "real-esrgan-synthetic"


def test_other_units_are_refused() -> None:
    message = "'real-esrgan' don't come in units 'root'"
    with pytest.raises(UsageError, match=message) as told:
        load(NAME, ["units=root"])
    assert told.value.hint == "set units to unit, or change examples"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("blur", "1.1", "' should be less than or equal to 1, not 1.1"),
        ("sinc", "-0.1", "' should be greater than or equal to 0, not -0.1"),
        ("gaussian", "nan", "' should be a finite number, not nan"),
        (
            "kernels",
            "{iso=-1.0}",
            r"\.iso' should be greater than or equal to 0, not -1",
        ),
        ("kernels", "{anis=1.0}", r"\.anis' should be 'iso', 'aniso', .*, not 'anis'"),
        ("resize", "[0, 0, 0]", "' should have a weight above 0, not "),
        ("resize", "[1, 1]", "' should be a list of 3 numbers, not "),
        ("sigma", "[2, 1]", "' should be two rising numbers, not "),
        ("sigma", "[0, 1]", "' should be two rising numbers from 0.01 to 100, not "),
        ("jpeg", "[0, 95]", "' should be two rising numbers from 1 to 100, not "),
        ("factor", "[1.2, 1.5]", "from 0.01 to 10, around 1, not "),
        ("plateau", "[2, 3]", "from 0.01 to 10, around 1, not "),
    ],
)
@pytest.mark.parametrize("stage", ["first", "second"])
def test_nonsense_is_told(stage: str, key: str, value: str, message: str) -> None:
    setting = f"real_esrgan.{stage}.{key}"
    with pytest.raises(UsageError, match=f"^recipe key '{setting}.*{message}") as told:
        load(NAME, [f"{setting}={value}"])
    assert told.value.hint


def test_kernels_without_any_weight_are_told(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('name = "r"\n[real_esrgan.first.kernels]\niso = 0\n')
    with pytest.raises(UsageError, match=r"kernels' should have a weight above 0, not"):
        load(str(path))


def test_nonsense_of_the_end_is_told() -> None:
    message = r"final_sinc' should be less than or equal to 1, not 2"
    with pytest.raises(UsageError, match=message):
        load(NAME, ["real_esrgan.final_sinc=2"])
    message = r"context' should be greater than or equal to 1, not 0\.5"
    with pytest.raises(UsageError, match=message):
        load(NAME, ["real_esrgan.context=0.5"])


def test_a_setting_of_the_second_stage_leaves_its_others_as_published(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n[real_esrgan.second]\nblur = 0.5\n')
    read = load(str(path), ["real_esrgan.second.jpeg=[40, 90]"]).real_esrgan
    assert read.first == Stage()
    assert read.second == SecondStage(blur=0.5, jpeg=(40.0, 90.0))
    assert read.second.factor == (0.3, 1.2)
