from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from w2s_cli._typing import FloatArray
from w2s_cli.errors import InputError, UsageError, WeightsError
from w2s_cli.methods.shipped import (
    Denoise,
    DenoiseFast,
    Enlarging,
    Jdsr,
    JdsrFast,
    Shipped,
)
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.psf import gaussian_psf
from w2s_cli.microscope.simulation import CAMERA, simulate_scene
from w2s_cli.networks.inference import gflop
from w2s_cli.networks.unet import ConditionalUNet, UNet
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.restorer import TrainedRange
from w2s_cli.restorers.units import Units, excess
from w2s_cli.weights import checkpoint
from w2s_cli.weights.cache import sha256_of

rng = np.random.default_rng(0)
BLOCKS: FloatArray = (2 * np.sqrt(rng.poisson(20, (2, 32, 48)) + 0.375)).astype("f4")


def test_traits_come_from_the_network_and_its_record(tmp_path: Path) -> None:
    network = UNet(4, 2, 1, 2)
    path = tmp_path / "w.safetensors"
    trained_on = {"photons": [1, 50], "sigma": 2, "pixel_size": [0.1, 0.2]}
    checkpoint.save(path, network.state_dict(), {"trained_on": trained_on})
    traits = Jdsr(weights=path).traits
    assert (traits.scale, traits.multiple_of) == (2, 2)
    assert traits.margin == network.margin
    assert traits.expects is Units.ROOT
    assert traits.trained_range == TrainedRange((1, 50), 2, (0.1, 0.2))


@pytest.mark.parametrize("method", [Denoise, Jdsr, DenoiseFast, JdsrFast])
@pytest.mark.parametrize("photons", [2, 1000])
def test_nothing_beyond_the_margin_matters(
    method: type[Denoise | Jdsr | DenoiseFast | JdsrFast], photons: int
) -> None:
    shipped = method(device="cpu", precision="fp32")
    margin, scale = shipped.traits.margin, method.scale
    side = 2 * margin + 32
    spots = gaussian_filter(rng.random((side, side)) > 0.995, 1.5, output=np.float32)
    light = photons * (spots / spots.max() + 0.1)
    one = (2 * np.sqrt(rng.poisson(light) + 0.375)).astype(np.float32)
    other = np.pad(one, 48, mode="wrap")  # other neighbours beyond the margin
    inner, outer = (
        shipped(plane[None])[0][edge:-edge, edge:-edge]
        for plane, edge in ((one, margin * scale), (other, (margin + 48) * scale))
    )
    assert np.abs(inner - outer).max() < 1e-4  # the noise has a deviation of 1
    assert f"margin {margin} of" in shipped.provenance["tiles"]


def test_a_network_that_needs_the_whole_plane_gets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not Denoise().traits.whole
    monkeypatch.setattr(UNet, "whole", True)
    assert Denoise().traits.whole


@pytest.mark.parametrize(("fast", "full"), [(DenoiseFast, Denoise), (JdsrFast, Jdsr)])
def test_fast_ones_have_a_quarter_of_the_work(
    fast: type[Shipped], full: type[Shipped]
) -> None:
    less, more = (
        gflop(method(device="cpu").running.network, 512, 512) for method in (fast, full)
    )
    assert less <= more / 4


@pytest.mark.parametrize("method", [Denoise, Jdsr, DenoiseFast, JdsrFast])
def test_half_precision_changes_little(method: type[Shipped]) -> None:
    full = method(precision="fp32")(BLOCKS)
    assert full.shape == (2, 32 * method.scale, 48 * method.scale)
    assert full.dtype == np.float32
    # The noise has a standard deviation of 1.
    assert abs(method(precision="bf16")(BLOCKS) - full).max() < 0.1


def test_eight_orientations_are_the_mean_of_what_each_gives() -> None:
    rng = np.random.default_rng(1)
    blocks = rng.uniform(2, 9, (2, 16, 32)).astype(np.float32)
    one, eight = Jdsr(), Jdsr(orientations=8)
    found = eight(blocks)
    laid = [np.rot90(blocks, turns, (1, 2)) for turns in range(4)]
    laid += [np.swapaxes(plane, 1, 2) for plane in laid]
    made = [one(np.ascontiguousarray(plane)) for plane in laid]
    back = [np.rot90(plane, -turns, (1, 2)) for turns, plane in enumerate(made[:4])]
    back += [
        np.rot90(np.swapaxes(plane, 1, 2), -turns, (1, 2))
        for turns, plane in enumerate(made[4:])
    ]
    np.testing.assert_allclose(found, np.mean(back, 0), atol=0.03)  # bf16 before
    turned = eight(np.ascontiguousarray(np.rot90(blocks, 1, (1, 2))))
    np.testing.assert_allclose(turned, np.rot90(found, 1, (1, 2)), atol=1e-5)


@pytest.mark.parametrize("method", [Denoise, JdsrFast])
def test_much_read_noise_is_lowered_to_where_the_network_has_learned(
    method: type[Shipped],
) -> None:
    random = np.random.default_rng(4)
    blocks = random.normal(8, 1, (1, 32, 32)).astype(np.float32)
    assert method().with_noise(NoiseModel(1, read_noise=4)).lowered == 0
    noise = NoiseModel(0.25, 100, read_noise=20)
    knowing = method(precision="fp32").with_noise(noise)
    lifted = blocks + np.float32(excess(noise))
    told = replace(method(precision="fp32"), conditions=knowing.conditions)
    expected = told(blocks) + np.float32(excess(noise))
    assert knowing(lifted) == pytest.approx(expected, abs=1e-3)


def test_cells_come_out_under_read_noise_far_beyond_what_was_learned() -> None:
    scene = simulate_scene(5, photons=1, side=96)
    light = CAMERA.photons(scene.clean) * np.float32(200)
    noise = NoiseModel(gain=1, read_noise=80)
    seen = np.asarray(noise.sample(light, np.random.default_rng(6)), np.float32)
    (clean,) = Chain([Denoise()]).bound(noise)(seen[None])
    assert (clean - light).std() < 0.15 * (seen - light).std()


def test_provenance_says_what_was_used() -> None:
    origin = Denoise(device="cpu", precision="fp32").provenance
    assert origin["weights_sha256"] == sha256_of(checkpoint.shipped("denoise"))
    assert (origin["device"], origin["precision"]) == ("cpu", "fp32")


def test_weights_of_another_scale_are_refused() -> None:
    with pytest.raises(WeightsError, match="enlarges x1, but jdsr enlarges x2"):
        _ = Jdsr(weights=checkpoint.shipped("denoise")).traits


def test_weights_that_do_not_say_their_input_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    checkpoint.save(path, UNet(4, 1, 1).state_dict(), {"network": "unet"})
    with pytest.raises(WeightsError, match="does not say what input its network exp"):
        _ = Denoise(weights=path).traits


@pytest.mark.parametrize("device", ["gpu", "cuda:x"])
def test_unknown_devices(device: str) -> None:
    with pytest.raises(UsageError, match="no device is called"):
        _ = Denoise(device=device).traits


def test_missing_devices() -> None:
    with pytest.raises(UsageError, match="there is no device 'cuda:99'"):
        _ = Denoise(device="cuda:99").traits


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("could not create a primitive"),
        RuntimeError("MPS backend out of memory"),
        RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_torch_out_of_memory_is_a_memory_error(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: UNet, image: torch.Tensor) -> torch.Tensor:
        raise error

    monkeypatch.setattr(UNet, "forward", fail)
    with pytest.raises(MemoryError):
        Denoise()(BLOCKS)


def test_other_errors_of_torch_show(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: UNet, image: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("a bug")

    monkeypatch.setattr(UNet, "forward", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        Denoise()(BLOCKS)


def _conditional(path: Path, scale: int) -> Path:
    """Write weights of a small network that is told of noise and blur."""
    torch.manual_seed(0)
    network = ConditionalUNet((4, 6), (1, 1), 5 if scale == 1 else 11, scale, 4)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    trained_on = {"photons": [1, 50], "sigma": 2}
    checkpoint.save(path, network.state_dict(), {"trained_on": trained_on}, halve=False)
    return path


@pytest.mark.parametrize("scale", [1, 2])
def test_a_network_is_told_what_is_known(scale: int, tmp_path: Path) -> None:
    path = _conditional(tmp_path / "w.safetensors", scale)
    kind = Denoise if scale == 1 else Jdsr
    method = kind(weights=path, precision="fp32", device="cpu")
    blocks = BLOCKS
    plain = method(blocks)
    assert plain.shape == (2, 32 * scale, 48 * scale)
    noisy = method.with_noise(NoiseModel(1, read_noise=2))
    assert noisy.provenance["told"].startswith("no light is 4.18")
    assert noisy.provenance["haze"] == "keep"
    assert not np.array_equal(noisy(blocks), plain)
    told = replace(noisy.conditions, correlation=(0.5, 0.1, 0.2, 0.0))
    smeared = replace(noisy, conditions=told)
    assert not np.array_equal(smeared(blocks), noisy(blocks))
    eight = replace(smeared, orientations=8)
    upright = replace(eight, conditions=told.transposed())
    turned = upright(np.ascontiguousarray(np.swapaxes(blocks, 1, 2)))
    np.testing.assert_allclose(np.swapaxes(turned, 1, 2), eight(blocks), atol=1e-4)


def test_unknown_pixels_are_filled(tmp_path: Path) -> None:
    path = _conditional(tmp_path / "w.safetensors", 1)
    method = Denoise(weights=path, precision="fp32", device="cpu")
    blocks = BLOCKS.copy()
    blocks[0, 5] = np.nan
    made = method(blocks)
    assert np.isfinite(made).all()
    blocks[0, 5] = 100
    assert np.isfinite(made).all()
    assert not np.array_equal(made, method(blocks))


def test_light_in_focus_and_out_of_focus_add_up(tmp_path: Path) -> None:
    path = _conditional(tmp_path / "w.safetensors", 2)
    noise = NoiseModel(1, read_noise=1)
    method = Jdsr(weights=path, precision="fp32", device="cpu").with_noise(noise)
    both, focus = method(BLOCKS), replace(method, haze="remove")(BLOCKS)
    assert (noise.square(focus) >= -1e-4).all()
    assert (focus <= both + 1e-4).all()
    assert (focus < both - 0.1).any()


@pytest.mark.parametrize("method", [Jdsr, JdsrFast])
def test_haze_is_removed_and_structure_stays(method: type[Enlarging]) -> None:
    y, x = np.mgrid[:96, :96]
    line = 60 * np.exp(-((x - 48 + 4 * np.sin(y / 15)) ** 2) / 6)
    haze = 30 * np.exp(-((x - 48) ** 2 + (y - 48) ** 2) / 800)
    noise = NoiseModel(1, read_noise=1)
    seen = noise.sample((line + haze).astype(np.float32), np.random.default_rng(3))
    kept, focus = (
        Chain([method(haze=haze, precision="fp32")]).bound(noise)(
            np.asarray(seen, np.float32)[None]
        )[0]
        for haze in ("keep", "remove")
    )
    on_line, beside = line.repeat(2, 0).repeat(2, 1) > 30, np.s_[64:128, 30:60]
    assert kept.sum() == pytest.approx(4 * (line + haze).sum(), rel=0.05)
    assert focus[beside].mean() < 0.6 * kept[beside].mean()
    assert focus[on_line].mean() > 0.5 * kept[on_line].mean()


def test_a_blur_that_is_told_matters_and_is_recorded(tmp_path: Path) -> None:
    kernel = gaussian_psf(2.0)
    np.save(tmp_path / "psf.npy", kernel.weights)
    unknown = JdsrFast(precision="fp32", fwhm=0)
    wide = JdsrFast(precision="fp32", fwhm=4.71)
    measured = JdsrFast(precision="fp32", kernel=tmp_path / "psf.npy")
    assert "blur unknown" in unknown.provenance["told"]
    assert "blur 0.86 at 0.06" in JdsrFast().provenance["told"]
    assert wide.provenance["told"] != unknown.provenance["told"]
    assert not np.array_equal(wide(BLOCKS), unknown(BLOCKS))
    # The Gaussian of that width, by its formula and as a file.
    np.testing.assert_allclose(wide.told.blur, measured.told.blur, atol=0.01)
    knowing = wide.with_noise(NoiseModel(1, read_noise=2))
    assert knowing.told.transfer == wide.told.transfer


def test_options_that_a_network_cannot_take_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    trained_on = {"photons": [1, 50], "sigma": 2}
    checkpoint.save(path, UNet(4, 2, 1, 2).state_dict(), {"trained_on": trained_on})
    with pytest.raises(UsageError, match="takes no haze=remove: its network has one"):
        _ = Jdsr(weights=path, haze="remove").traits
    with pytest.raises(UsageError, match="takes no fwhm: its network"):
        _ = Jdsr(weights=path, fwhm=3.0).traits
    assert Jdsr(weights=path).traits.scale == 2
    with pytest.raises(UsageError, match="fwhm must be 0 to 200, found -1"):
        Jdsr(fwhm=-1.0)
    with pytest.raises(InputError, match=r"psf\.npy"):
        Jdsr(kernel=tmp_path / "psf.npy")
