"""Every published network, small; weights and images to try one with."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from w2s_cli.networks.discriminators import UNetDiscriminator, VGGDiscriminator
from w2s_cli.networks.dncnn import DnCNN
from w2s_cli.networks.edsr import EPSR, RCAN
from w2s_cli.networks.esrgan import ESRGAN, RealESRGAN, ShuffledESRGAN
from w2s_cli.networks.memnet import MemNet
from w2s_cli.networks.n2n_unet import N2NUNet, Noise2SR, Noise2SRPaper, SharedUNet
from w2s_cli.networks.n2v_unet import N2VUNet
from w2s_cli.networks.rdn import RDN
from w2s_cli.networks.ridnet import RIDNet
from w2s_cli.networks.san import SAN
from w2s_cli.networks.srfbn import SRFBN
from w2s_cli.networks.unet import UNet

# By the name of its row in the catalogue and, after a slash, what it is an example of.
# Those of one row differ in every argument.
RESTORERS: dict[str, Callable[[], Any]] = {
    "unet": partial(UNet, 4, 2, 2, 1),
    "unet/x2": partial(UNet, 6, 3, 1, 2),
    "dncnn": partial(DnCNN, 1, 5, 4),
    "dncnn/fmd": partial(DnCNN, 1, 6, 5, bias=(True, False, False)),
    "dncnn/kair": partial(DnCNN, 3, 4, 6, False, (True, True, True)),
    "dncnn/zhang": partial(DnCNN, 1, 4, 3, True, (True, True, True)),
    "dncnn/plain": partial(DnCNN, 2, 7, 3, False),
    "dncnn/short": partial(DnCNN, 1, 3, 2),
    "memnet": partial(MemNet, 1, 4, 3, 2),
    "memnet/rgb": partial(MemNet, 3, 5, 1, 3),
    "memnet/short": partial(MemNet, 1, 3, 2, 1),
    "ridnet": partial(RIDNet, 1, 8, 2, 2),
    "ridnet/rgb": partial(RIDNet, 3, 4, 1, 3),
    "ridnet/pair": partial(RIDNet, 2, 6, 3, 1),
    "n2n-unet": partial(N2NUNet, 1, 1, 4, 2, (6, 3)),
    "n2n-unet/fmd": partial(N2NUNet, 1, 1, 4, 3, (5, 2), False),
    "n2n-unet/rgb": partial(N2NUNet, 3, 3, 3, 1, (4, 4)),
    "n2n-unet-shared": partial(SharedUNet, 1, 1, 4, (6, 5)),
    "n2n-unet-shared/rgb": partial(SharedUNet, 3, 3, 3, (4, 4)),
    "n2v-unet": partial(N2VUNet, 1, 4),
    "n2v-unet/deep": partial(N2VUNet, 2, 3, 3, 3, 3, False),
    "n2v-unet/flat": partial(N2VUNet, 1, 4, 1, 1, 3),
    "noise2sr": partial(Noise2SR, 1, 6, 2, (6, 6), 1, 3, (5, 4)),
    "noise2sr/hrem": partial(Noise2SR, 1, 8, 2, (6, 3), 3, 4, (5, 4)),
    "noise2sr/x4": partial(Noise2SR, 2, 4, 4, (4, 4), 1, 3, (5, 4)),
    "noise2sr-paper": partial(Noise2SRPaper, 1, 8, 2, 4, 2, (5, 3)),
    "noise2sr-paper/three": partial(Noise2SRPaper, 1, 6, 3, 3, 3, (5, 3), False),
    "noise2sr-paper/four": partial(Noise2SRPaper, 3, 4, 4, 3, 1, (5, 3)),
    "rcan": partial(RCAN, 6, 2, 3, 2),
    "rcan/x3": partial(RCAN, 4, 3, 2, 1, 1, 3),
    "rcan/x4": partial(RCAN, 8, 1, 1, 1, 3, 4),
    "rdn": partial(RDN, 5, 3, 2),
    "rdn/x3": partial(RDN, 4, 1, 3, 3, 3),
    "rdn/x4": partial(RDN, 6, 2, 1, 1, 4),
    "san": partial(SAN, 16, 2, 2, 2),
    "san/x4": partial(SAN, 8, 1, 3, 1, 3, 4),
    "srfbn": partial(SRFBN, 4, 2),
    "srfbn/x3": partial(SRFBN, 3, 1, 3, 3),
    "srfbn/x4": partial(SRFBN, 5, 3, 1, 4),
    "epsr": partial(EPSR, 6, 3),
    "epsr/x4": partial(EPSR, 4, 1, 3, 4),
    "esrgan": partial(ESRGAN, 2, 6, 3),
    "esrgan/x2": partial(ESRGAN, 1, 4, 2, 1, 1),
    "rrdb": partial(ShuffledESRGAN, 2, 6, 3),
    "rrdb/x4": partial(ShuffledESRGAN, 1, 4, 2, 3, 2, 4),
    "real-esrgan": partial(RealESRGAN, 2, 6, 3, 1),
    "real-esrgan/x1": partial(RealESRGAN, 1, 4, 2, 3, 1),
    "real-esrgan/x4": partial(RealESRGAN, 1, 4, 2, 1, 4),
}
JUDGES: dict[str, Callable[[], Any]] = {
    "vgg-discriminator": partial(VGGDiscriminator, 1, 2, 64, 10),
    "vgg-discriminator/rgb": partial(VGGDiscriminator, 3, 3, 32, 7),
    "unet-discriminator": partial(UNetDiscriminator, 1, 3),
    "unet-discriminator/rgb": partial(UNetDiscriminator, 3, 2),
}


@pytest.fixture
def random_network() -> Callable[..., Any]:
    """Make a network with weights that let every layer speak, not to be trained."""

    def random(make: Callable[..., Any], *how: Any) -> Any:
        torch.manual_seed(0)
        network: Any = make(*how).eval().requires_grad_(False)
        for parameter in network.parameters():
            spread = 1.2 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
            nn.init.normal_(parameter, std=spread)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.get_buffer("running_mean").normal_(std=0.1)
                module.get_buffer("running_var").uniform_(0.5, 1.5)
        return network

    return random


@pytest.fixture
def image_for() -> Callable[[Any], Tensor]:
    """Draw two small images that a network takes, wider than high where it may be."""

    def drawn(network: Any) -> Tensor:
        fold = getattr(network, "multiple_of", 1)
        height = getattr(network, "side", 16 + -16 % fold)
        width = height if isinstance(network, VGGDiscriminator) else height + fold
        return torch.rand(2, network.channels, height, width)

    return drawn


@pytest.fixture(params=[*RESTORERS, *JUDGES])
def variant(request: pytest.FixtureRequest) -> str:
    """Name one network after the other; a test may name its own instead."""
    name: str = request.param
    return name


@pytest.fixture
def variant_names() -> set[str]:
    """Return the rows of the catalogues that there are variants of."""
    return {variant.partition("/")[0] for variant in {**RESTORERS, **JUDGES}}


@pytest.fixture
def network(variant: str, random_network: Callable[..., Any]) -> Any:
    """Return the network of a name."""
    return random_network({**RESTORERS, **JUDGES}[variant])


@pytest.fixture(params=RESTORERS)
def restorer(request: pytest.FixtureRequest, random_network: Callable[..., Any]) -> Any:
    """Return one network after the other that restores images."""
    return random_network(RESTORERS[request.param])


@pytest.fixture(params=JUDGES)
def judge(request: pytest.FixtureRequest, random_network: Callable[..., Any]) -> Any:
    """Return one network after the other that judges images."""
    return random_network(JUDGES[request.param])
