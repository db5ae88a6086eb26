from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from w2s_cli.errors import InputError, UnknownNameError
from w2s_cli.training.patches.real_esrgan_patches import SharpImage, open_sharp_images
from w2s_cli.training.recipe import Recipe
from w2s_cli.training.recipe_tables import Pairs

Save = Callable[[str, np.ndarray], Path]
Scene = Callable[..., np.ndarray]


def _names(found: list[SharpImage]) -> list[str]:
    return [Path(source.where.split(",")[0]).stem for source in found]


def _both(recipe: Recipe) -> tuple[list[SharpImage], list[SharpImage]]:
    return open_sharp_images(recipe, "training"), open_sharp_images(
        recipe, "validation"
    )


def test_every_tenth_file_of_a_folder_validates(
    save: Save, tmp_path: Path, scene: Scene
) -> None:
    for number in range(12):
        save(f"{number:02d}.png", scene(number))
    train, validate = _both(Recipe("x", data=tmp_path))
    assert _names(validate) == ["00", "10"]
    assert _names(train) == [f"{n:02d}" for n in range(12) if n % 10]


def test_each_part_has_one_file_at_least(
    save: Save, tmp_path: Path, scene: Scene
) -> None:
    save("a.png", scene(1))
    with pytest.raises(
        InputError, match=r"holds one image, a\.png, but training"
    ) as told:
        open_sharp_images(Recipe("x", data=tmp_path), "training")
    assert told.value.hint == "add an image, or cut it into two"
    save("b.png", scene(2))
    train, validate = _both(Recipe("x", data=tmp_path))
    assert (_names(train), _names(validate)) == (["b"], ["a"])


def test_every_plane_of_a_file_is_an_image(
    save: Save, tmp_path: Path, scene: Scene
) -> None:
    save("a.png", scene(0))
    save("b.tif", np.stack([scene(1), scene(2)]))
    first, second = open_sharp_images(Recipe("x", data=tmp_path), "training")
    assert first.where.endswith("b.tif, plane 1")
    assert second.shape() == (48, 48)
    values, valid = second.read()
    assert valid is None
    np.testing.assert_allclose(values, scene(2) / 255, atol=1e-6)


def test_deep_images_share_one_black_and_white(
    save: Save, tmp_path: Path, scene: Scene
) -> None:
    for number, brightest in enumerate((400, 4000, 1000)):
        save(f"{number}.tif", scene(number, brightest=brightest) + np.uint16(100))
    save("3.png", scene(0))
    *deep, gray = open_sharp_images(Recipe("x", data=tmp_path), "training")
    assert gray.levels.white == 255
    assert {source.levels for source in deep} == {deep[0].levels}
    bright, dim = (source.read()[0] for source in deep)
    assert 0 <= dim.min() <= bright.max() == 1
    assert (dim.max() - dim.min()) / (bright.max() - bright.min()) == pytest.approx(
        1 / 4, rel=0.03
    )


def test_images_that_show_nothing_are_refused(save: Save, tmp_path: Path) -> None:
    for name in "ab":
        save(f"{name}.tif", np.full((9, 9), 7, np.uint16))
    with pytest.raises(InputError, match="show nothing: all their pixels are 7"):
        open_sharp_images(Recipe("x", data=tmp_path), "training")


def test_pixels_that_are_no_numbers_are_refused(save: Save, tmp_path: Path) -> None:
    save("a.tif", np.eye(9, dtype=np.float32))
    save("b.tif", np.full((9, 9), np.nan, np.float32))
    with pytest.raises(InputError, match=r"b\.tif has pixels that are no numbers"):
        open_sharp_images(Recipe("x", data=tmp_path), "training")


def _pairs(save: Save, scene: Scene, brightest: int) -> None:
    for number in range(4):
        save(f"lr/{number}.tif", scene(number, 24, brightest))
        save(f"hr/{number}.tif", scene(number, 48, brightest))


def test_a_data_set_gives_its_finest_truths(
    save: Save, tmp_path: Path, scene: Scene
) -> None:
    _pairs(save, scene, 255)
    save("kernel.npy", np.eye(9, dtype=np.float32))  # beside it, and no part of it
    recipe = Recipe("x", data=tmp_path, pairs=Pairs(split="all"))
    train, validate = _both(recipe)
    assert _names(validate) == ["0"]
    assert _names(train) == ["1", "2", "3"]
    np.testing.assert_allclose(train[0].read()[0], scene(1) / 255, atol=1e-6)
    with pytest.raises(UnknownNameError, match="no split is called 'other'"):
        open_sharp_images(replace(recipe, pairs=Pairs(split="other")), "training")


def test_a_deep_data_set_has_the_range_of_what_is_trained_on(
    save: Save, tmp_path: Path, scene: Scene
) -> None:
    _pairs(save, scene, 3000)
    save("bright.tif", scene(0, 48, 9000)).rename(tmp_path / "hr" / "0.tif")
    recipe = Recipe("x", data=tmp_path, pairs=Pairs(kind="folders", split="all"))
    train, validate = _both(recipe)
    assert train[0].levels == validate[0].levels
    assert train[0].levels.white == pytest.approx(3000, rel=0.01)
    assert validate[0].read()[0].max() == 1


def test_what_is_neither_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="is no data set that w2s knows: the folder is"
    ):
        open_sharp_images(Recipe("x", data=tmp_path), "training")
    with pytest.raises(InputError, match="there is no file or folder"):
        open_sharp_images(Recipe("x", data=tmp_path / "none"), "training")
