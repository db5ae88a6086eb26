"""What is warned of follows from what was measured at the light of an image."""

from dataclasses import replace

import pytest

from w2s_cli.microscope.fine_contrast import FineContrast
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.pipeline import invention_rates
from w2s_cli.pipeline.invention_rates import InventionRates, Rate, nearest, rates_of
from w2s_cli.pipeline.light_warnings import ChannelLight, expected, light_warnings
from w2s_cli.pipeline.plane_warnings import PlaneFacts
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.restorer import TrainedRange, Traits

NOISE = NoiseModel(2.0, 100.0, 3.0)
SEEN = TrainedRange(photons=(20.0, 1000.0), sigma=3.0)
RATES = InventionRates(
    "net", "plain+bicubic", (Rate(5, 400, 200), Rate(20, 216.4, 15.3))
)
TEXTURE, FAINT, LINES = (
    FineContrast(*both) for both in ((0.11, 0.13), (0.01, 0.01), (0.4, 0.45))
)
HAZY = FineContrast(0.16, 0.3)  # lines on even light, or texture
EVEN = FineContrast(0.1, 0.5)
HAZED = FineContrast(0.16, 0.18)


def channel(photons: float, fine: FineContrast | None) -> ChannelLight:
    counts = 100 + 2 * photons
    facts = PlaneFacts("", 100.0, counts, counts, 0.0, 0.0)
    return ChannelLight(NOISE, (facts,), fine)


def told(
    photons: float, fine: FineContrast | None, rates: InventionRates | None = RATES
) -> list[str]:
    light = channel(photons, fine)
    return [*light_warnings(SEEN, light, rates=rates, enlarges=True)]


def test_dim_texture_is_told_with_what_was_measured() -> None:
    assert told(18, TEXTURE) == [
        "the brightest parts have 18 photons a pixel, and texture of 11% of their "
        "light: in simulated nuclei with 20 photons net draws 216 false lines a "
        "megapixel, plain+bicubic 15. Believe no line that --method plain+bicubic "
        "does not show; --uncertainty says how far to trust each pixel"
    ]
    assert "400 false lines a megapixel, plain+bicubic 200" in told(6, TEXTURE)[0]
    found = expected(SEEN, channel(6, TEXTURE), RATES)
    assert (found["texture"], found["photons"]) == (0.11, 5)
    assert (found["false_lines"], found["rival_false_lines"]) == (400, 200)


def test_it_is_told_as_far_as_it_was_measured_not_as_far_as_was_trained() -> None:
    assert "false lines" in told(28, TEXTURE)[0]
    assert told(36, TEXTURE) == []
    assert "false lines" in told(18, HAZED)[0]
    assert told(28, HAZED) == []
    better = replace(RATES, texture=(Rate(5, 400, 200), Rate(20, 40, 15)))
    assert told(28, TEXTURE, better) == []


@pytest.mark.parametrize("fine", [FAINT, LINES, HAZY, None])
def test_other_images_are_only_told_that_they_are_dim(
    fine: FineContrast | None,
) -> None:
    assert told(28, fine) == []
    assert told(6, fine) == [
        "the brightest parts have 6 photons a pixel, the method is meant for 20 to "
        "1000; check fine structure against --method denoise+bicubic"
    ]


def test_texture_all_over_an_image_is_known_where_the_dark_is() -> None:
    assert "false lines" in told(25, EVEN)[0]
    assert "meant for" in told(18, EVEN)[0]


def test_of_other_weights_nothing_is_known() -> None:
    assert "meant for" in told(18, TEXTURE, None)[0]
    assert told(28, TEXTURE, None) == []
    assert rates_of(Traits(provenance={"weights_sha256": "0" * 64})) is None
    assert rates_of(Traits()) is None


@pytest.mark.quality
@pytest.mark.parametrize("method", ["jdsr", "jdsr-fast"])
def test_the_figures_are_of_the_weights_that_ship(method: str) -> None:
    [traits] = [link.traits for link in RestoreSpec(method).chain().links]
    found = rates_of(traits)
    assert found, "w2s bench --invention --json, then .ci/invention_rates.py"
    assert found.method == method


def test_the_figures_are_read_and_the_nearest_light_is_taken() -> None:
    for found in invention_rates._known().values():
        assert found.rival == "denoise+bicubic"
        assert nearest(found.texture, 0.0) is found.texture[0]
        assert nearest(found.texture, 13).photons == 10
        assert nearest(found.texture, 1e4) is found.texture[-1]
