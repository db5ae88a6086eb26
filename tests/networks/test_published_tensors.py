"""The networks of the papers have the tensors that their authors trained."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from w2s_cli.networks import DISCRIMINATORS
from w2s_cli.networks.discriminators import UNetDiscriminator, VGGDiscriminator
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.edsr import EPSR, RCAN
from w2s_cli.networks.esrgan import RealESRGAN, ShuffledESRGAN
from w2s_cli.networks.memnet import MemNet
from w2s_cli.networks.n2n_unet import N2NUNet, Noise2SR, SharedUNet
from w2s_cli.networks.rdn import RDN
from w2s_cli.networks.rebuild import recognise
from w2s_cli.networks.ridnet import RIDNet
from w2s_cli.networks.san import SAN
from w2s_cli.networks.srfbn import SRFBN

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "state_dicts"

# (row of the catalogue, network, keys, parameters), as their authors trained them.
PUBLISHED: dict[str, tuple[str, Callable[[], Any], int, int]] = {
    "dncnn": ("dncnn", DnCNN, 92, 556_032),
    "memnet": ("memnet", MemNet, 336, 194_922),
    "ridnet": ("ridnet", RIDNet, 104, 1_497_045),
    "fmd_n2n_unet": ("n2n-unet", partial(N2NUNet, bias=False), 18, 987_408),
    "n2n_unet_noise2sr_repo": ("n2n-unet-shared", SharedUNet, 28, 883_937),
    "noise2sr_public_fd64": ("noise2sr", Noise2SR, 36, 1_112_673),
    "noise2sr_public_fd256": (
        "noise2sr",
        partial(Noise2SR, features=256, head=(256, 256)),
        36,
        3_670_113,
    ),
    "noise2sr_hrem_fd128_s2": (
        "noise2sr",
        partial(Noise2SR, features=128, head=(96, 48), side=3),
        36,
        1_736_097,
    ),
    "rcan": ("rcan", RCAN, 1628, 15_442_337),
    "rdn": ("rdn", RDN, 300, 22_121_089),
    "san": ("san", SAN, 961, 15_710_470),
    "srfbn": ("srfbn", SRFBN, 83, 2_134_748),
    "epsr_edsr16x64_UNVERIFIED": ("epsr", partial(EPSR, 64, 16), 72, 1_367_553),
    "epsr_edsr32x256_UNVERIFIED": ("epsr", EPSR, 136, 40_720_385),
    "esrgan_rrdb23": ("rrdb", partial(ShuffledESRGAN, 23), 710, 16_917_826),
    "ours_rrdb16": ("rrdb", ShuffledESRGAN, 500, 11_881_858),
    "ours_rrdb12_published_ckpt": (
        "rrdb",
        partial(ShuffledESRGAN, 12),
        380,
        9_004_162,
    ),
    "realesrgan_x2_in1": (
        "real-esrgan",
        partial(RealESRGAN, channels=1),
        702,
        16_697_409,
    ),
    "realesrgan_x2_in3": ("real-esrgan", RealESRGAN, 702, 16_703_171),
    "realesrgan_x4_in3": ("real-esrgan", partial(RealESRGAN, scale=4), 702, 16_697_987),
    "discriminator_vgg128": ("vgg-discriminator", VGGDiscriminator, 60, 14_498_249),
    "unet_discriminator_sn_in1": (
        "unet-discriminator",
        UNetDiscriminator,
        28,
        4_375_745,
    ),
    "unet_discriminator_sn_in3": (
        "unet-discriminator",
        partial(UNetDiscriminator, 3),
        28,
        4_376_897,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_network_has_the_published_tensors(name: str) -> None:
    row, make, keys, parameters = PUBLISHED[name]
    with torch.device("meta"):
        network = make()
    state = network.state_dict()
    assert len(state) == keys
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    entry = recognise(state) or recognise(state, DISCRIMINATORS)
    assert entry is not None
    assert entry.name == row
    if REFERENCE.is_dir():
        reference = json.loads((REFERENCE / f"{name}.json").read_text())
        shapes = {key: [*tensor.shape] for key, tensor in state.items()}
        assert shapes == reference["keys_without_module_prefix"]
