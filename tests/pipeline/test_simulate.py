"""Images that a simulated microscope takes of a truth."""

from pathlib import Path

import numpy as np
import pytest

from w2s_cli.errors import InputError, OutputError, UsageError
from w2s_cli.io import open_image, write_image
from w2s_cli.io.psf_file import write_psf
from w2s_cli.microscope.noise_estimation import fit_noise
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import PSF, gaussian_psf, halved, widefield_psf
from w2s_cli.microscope.psf_estimation import fit_psf
from w2s_cli.microscope.simulation import simulate_field
from w2s_cli.pipeline.file_simulation import SimulatedFile, simulate_file
from w2s_cli.pipeline.simulated_microscope import (
    Microscope,
    Objective,
    SimulationSettings,
    microscope_from_options,
)
from w2s_cli.stack import Channel, Stack

PIXEL = 0.0325
LENS = Objective(1.4, 0.525)
QUIET = NoiseModel(gain=2, offset=100, read_noise=0)
FIELD = simulate_field(512, np.random.default_rng(0))


def saved(folder: Path, data: np.ndarray, axes: str = "YX", pixel: float = 0) -> Path:
    sizes = dict.fromkeys("YX", pixel) if pixel else {}
    path = folder / "truth.tif"
    write_image(Stack(data.astype(np.float32), axes, sizes), path, overwrite=True)
    return path


def kernel_file(folder: Path, kernel: PSF) -> Microscope:
    path = folder / "kernel.tif"
    write_psf(kernel, path, overwrite=True)
    return Microscope(path)


@pytest.fixture
def blurring(tmp_path: Path) -> Microscope:
    return kernel_file(tmp_path, gaussian_psf(1.5))


def pixels(path: Path) -> np.ndarray:
    with open_image(path) as stack:
        planes = [stack.data[index] for index in stack.indices()]
        return np.reshape(planes, stack.data.shape)


def simulated(
    tmp_path: Path,
    data: np.ndarray = FIELD,
    lens: Microscope | None = None,
    recording: SimulationSettings | None = None,
    axes: str = "YX",
) -> np.ndarray:
    lens = lens or kernel_file(tmp_path, gaussian_psf(1.5))
    low = tmp_path / "low.tif"
    truth = saved(tmp_path, data, axes)
    simulate_file(
        lens, recording or SimulationSettings(QUIET), truth, low, overwrite=True
    )
    return pixels(low)


@pytest.mark.parametrize("gain", [0.5, 2.2, 13])
@pytest.mark.parametrize("emccd", [False, True])
def test_the_noise_is_found_again(tmp_path: Path, gain: float, emccd: bool) -> None:
    noise = NoiseModel(gain, 100, 4 * gain)
    recording = SimulationSettings(noise, 100, background=5, multiplied=emccd)
    ramp = np.linspace(0, 1, 512) * np.ones((512, 1))
    counts = simulated(tmp_path, ramp, recording=recording)
    assert counts.dtype == np.uint16
    line = fit_noise([counts]).line
    assert line.slope == pytest.approx(gain, rel=0.1)
    variance = gain * gain * 5 + (4 * gain) ** 2
    dark = line.slope * (100 + 5 * gain) + line.intercept
    assert dark == pytest.approx(variance, rel=0.1)


def test_the_kernel_is_found_again(tmp_path: Path) -> None:
    truth = widefield_psf(1.4, 0.525, PIXEL, 15)
    lens = kernel_file(tmp_path, truth)
    low = simulated(tmp_path, lens=lens, recording=SimulationSettings(QUIET, 1000))
    found = fit_psf([(low, FIELD)], 15).psf.weights.ravel()
    wanted = truth.weights.ravel()
    assert found @ wanted > 0.99 * np.linalg.norm(found) * np.linalg.norm(wanted)


@pytest.mark.parametrize("scale", [1, 2])
def test_photons_become_counts(tmp_path: Path, scale: int) -> None:
    flat = np.full((128, 128), 50.0)
    recording = SimulationSettings(QUIET, background=10, scale=scale)
    counts = simulated(tmp_path, flat, recording=recording)
    assert counts.shape == (128 // scale,) * 2
    assert counts.mean() == pytest.approx(100 + 2 * 60, rel=0.01)
    assert counts.var() == pytest.approx(2 * 2 * 60, rel=0.1)


def test_photons_of_the_bright_parts(tmp_path: Path, blurring: Microscope) -> None:
    truth = saved(tmp_path, 7 * FIELD)
    recording = SimulationSettings(QUIET, photons=400)
    outcome = simulate_file(blurring, recording, truth, tmp_path / "a.tif")
    bright = np.percentile(7 * FIELD, 99.8)
    assert outcome.unit == pytest.approx(400 / bright, rel=0.01)


def test_haze_adds_its_share_of_light(tmp_path: Path) -> None:
    clear, hazy = (
        simulated(tmp_path, recording=SimulationSettings(QUIET, 500, haze=haze)).mean()
        - 100
        for haze in (0.0, 0.5)
    )
    assert hazy == pytest.approx(1.5 * clear, rel=0.02)


def test_a_seed_is_one_image_and_planes_differ(tmp_path: Path) -> None:
    flat = np.full((2, 64, 64), 50.0)
    one, same, other = (
        simulated(
            tmp_path, flat, recording=SimulationSettings(QUIET, seed=seed), axes="TYX"
        )
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert (one[0] != one[1]).any()


def test_negative_light_counts_as_none(tmp_path: Path) -> None:
    counts = simulated(tmp_path, np.full((64, 64), -5.0))
    np.testing.assert_array_equal(counts, 100)


def test_metadata_go_along_and_pixels_double(tmp_path: Path) -> None:
    names = (Channel("dna"), Channel("actin"))
    sizes = {"Z": 0.2, "Y": PIXEL, "X": PIXEL}
    data = np.stack([np.stack([FIELD] * 3)] * 2)[..., :64, :64]
    blurring = kernel_file(tmp_path, gaussian_psf(2.5))
    truth, low, sim = (tmp_path / f"{name}.tif" for name in ("t", "low", "sim"))
    write_image(
        Stack(data, "CZYX", sizes, channels=names, history=({"tool": "x"},)), truth
    )
    simulate_file(blurring, SimulationSettings(QUIET, 100), truth, low, sim)
    for path, scale in ((low, 2), (sim, 1)):
        with open_image(path) as stack:
            assert (stack.axes, stack.channels) == ("CZYX", names)
            assert stack.data.shape == (2, 3, 64 // scale, 64 // scale)
            assert stack.pixel_size["X"] == pytest.approx(scale * PIXEL)
            assert stack.pixel_size["Z"] == pytest.approx(0.2)
            before, said = stack.history
            assert before == {"tool": "x"}
            assert said["command"] == "simulate"
            assert said["noise"]["gain"] == 2
            assert said["kernel"] == "kernel.tif"
            assert len(said["kernel_sha256"]) == 64


@pytest.mark.parametrize("given", ["lens", "file"])
def test_the_sim_image_ends_at_twice_the_cutoff(tmp_path: Path, given: str) -> None:
    kernel = widefield_psf(LENS.numerical_aperture, LENS.wavelength, PIXEL, 65)
    lens = Microscope(LENS) if given == "lens" else kernel_file(tmp_path, kernel)
    truth = saved(tmp_path, np.random.default_rng(0).random((256, 256)), pixel=PIXEL)
    sim = tmp_path / "sim.tif"
    recording = SimulationSettings(QUIET, 100, background=9)
    outcome = simulate_file(lens, recording, truth, tmp_path / "low.tif", sim)
    image = pixels(sim)
    assert (image.dtype, image.shape) == (np.float32, (256, 256))
    window = np.outer(np.hanning(256), np.hanning(256))
    power = np.abs(np.fft.fft2(window * (image - image.mean()))) ** 2
    radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(256, PIXEL)] * 2))
    limit = 2 * 2 * LENS.numerical_aperture / LENS.wavelength
    inside = power[(radius > 0.6 * limit) & (radius < 0.8 * limit)].mean()
    assert power[radius > 1.05 * limit].mean() < 1e-2 * inside
    low = pixels(tmp_path / "low.tif")
    assert halved(image).mean() == pytest.approx(low.mean(), rel=0.01)
    expected = 100 + 2 * (outcome.unit * pixels(truth).mean() + 9)
    assert image.mean() == pytest.approx(expected, rel=1e-3)


def test_the_objective_is_recorded(tmp_path: Path) -> None:
    truth = saved(tmp_path, FIELD[:64, :64], pixel=PIXEL)
    low = tmp_path / "low.tif"
    outcome = simulate_file(
        Microscope(LENS), SimulationSettings(QUIET, 100), truth, low
    )
    with open_image(low) as stack:
        [said] = stack.history
    assert (said["na"], said["wavelength"]) == (1.4, 0.525)
    assert outcome.as_json()["shape"] == [32, 32]


def test_saturation_is_counted(tmp_path: Path, blurring: Microscope) -> None:
    truth = saved(tmp_path, np.full((32, 32), 1e30))
    outcome = simulate_file(
        blurring, SimulationSettings(QUIET), truth, tmp_path / "low.tif"
    )
    assert outcome.saturated == 256
    assert (pixels(tmp_path / "low.tif") == 65535).all()


def attempt(tmp_path: Path, data: np.ndarray, **how: float) -> SimulatedFile:
    pixel = how.pop("pixel", 0.0)
    lens = Microscope(LENS) if pixel else kernel_file(tmp_path, gaussian_psf(1.5))
    recording = SimulationSettings(QUIET, **how)  # type: ignore[arg-type]
    truth = saved(tmp_path, data, pixel=pixel)
    return simulate_file(lens, recording, truth, tmp_path / "low.tif")


def spoilt(value: float) -> np.ndarray:
    field = FIELD[:64, :64].copy()
    field[3, 4] = value
    return field


@pytest.mark.parametrize(
    ("data", "how", "message"),
    [
        (FIELD[:8, :64], {}, "the truth has planes of 8 x 64 pixels, at least 16"),
        (FIELD[:63, :64], {}, "planes of 63 x 64 pixels cannot be halved"),
        (spoilt(np.nan), {}, "NaN or infinite"),
        (spoilt(np.inf), {"photons": 10}, "NaN or infinite"),
        (0 * FIELD[:64, :64], {"photons": 10}, "the truth is dark: its 99.8th percen"),
        (-FIELD[:64, :64], {"photons": 10}, "the truth is dark"),
    ],
)
def test_truths_that_cannot_be_used(tmp_path, data, how, message) -> None:
    with pytest.raises(InputError, match=message) as caught:
        attempt(tmp_path, data, **how)
    assert caught.value.hint
    assert not (tmp_path / "low.tif").exists()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"photons": -1}, "--photons must be 0 or more, found -1"),
        ({"photons": np.nan}, "--photons must be 0 or more, found nan"),
        ({"background": -1}, "--background must be 0 or more, found -1"),
        ({"haze": np.inf}, "--haze must be 0 or more, found inf"),
        ({"noise": NoiseModel(2, -1)}, "--offset must be 0 or more and below 65535"),
        ({"noise": NoiseModel(2, 70000)}, "--offset must be 0 or more and below"),
    ],
)
def test_recordings_that_make_no_sense(how: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        SimulationSettings(**{"noise": QUIET, **how})  # type: ignore[arg-type]
    assert caught.value.hint


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((Path("k.tif"), 1.4, None), "--kernel leaves nothing for --na and"),
        ((None, None, None), "the blur of the microscope is not given, or only half"),
        ((None, 1.4, None), "or only half of it"),
        ((None, None, 0.5), "or only half of it"),
    ],
)
def test_microscopes_that_are_not_given(given, message) -> None:
    with pytest.raises(UsageError, match=message):
        microscope_from_options(*given)


def test_pixel_sizes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the truth does not say how large its pix"):
        simulated(tmp_path, lens=Microscope(LENS))
    with pytest.raises(UsageError, match=r"pixels of 0.3 um are too coarse"):
        attempt(tmp_path, FIELD[:64, :64], pixel=0.3)
    lens = kernel_file(tmp_path, gaussian_psf(1.5, 0.05))
    truth = saved(tmp_path, FIELD[:64, :64], pixel=PIXEL)
    low = tmp_path / "low.tif"
    message = r"kernel.tif has pixels of 0.05 um, the truth of 0.0325 um"
    with pytest.raises(InputError, match=message):
        simulate_file(lens, SimulationSettings(QUIET), truth, low)
    simulate_file(lens, SimulationSettings(QUIET), truth, low, pixel_size=0.05)
    with open_image(low) as stack:
        assert stack.pixel_size["X"] == pytest.approx(0.1)
    write_image(Stack(FIELD, "YX", {"Y": 0.1, "X": 0.05}), truth, overwrite=True)
    with pytest.raises(InputError, match=r"0.1 x 0.05 um: they are not square"):
        simulate_file(lens, SimulationSettings(QUIET), truth, tmp_path / "b.tif")


def test_outputs_are_looked_at_before_the_work(tmp_path: Path) -> None:
    lens = kernel_file(tmp_path, gaussian_psf(2.5))
    truth, low = saved(tmp_path, FIELD[:64, :64]), tmp_path / "low.tif"
    with pytest.raises(InputError, match=r"sim.png cannot hold this image"):
        simulate_file(lens, SimulationSettings(QUIET), truth, low, tmp_path / "sim.png")
    narrow = kernel_file(tmp_path, gaussian_psf(0.5))
    with pytest.raises(InputError, match="too coarse to show it"):
        simulate_file(
            narrow, SimulationSettings(QUIET), truth, low, tmp_path / "sim.tif"
        )
    assert not low.exists()
    (tmp_path / "sim.tif").touch()
    kernel_file(tmp_path, gaussian_psf(2.5))
    with pytest.raises(OutputError, match=r"sim.tif exists"):
        simulate_file(lens, SimulationSettings(QUIET), truth, low, tmp_path / "sim.tif")
    assert not low.exists()
