"""Network architectures: pure torch, no paths, no images.

Each module offers a network class with two class methods, `detect(state)` and
`from_state_dict(state)`, and the properties of `networks.rebuild.Network`.
Discriminators judge images and feature networks describe them: they restore none, and
have catalogues of their own.
"""

from w2s_cli.registry import Entry, Registry

SHIPPED = frozenset({"unet", "conditional-unet"})  # those of the shipped methods

NETWORKS = Registry(
    "network",
    Entry("unet", "w2s_cli.networks.unet:UNet", "residual U-Net, x1 or x2"),
    Entry(
        "conditional-unet",
        "w2s_cli.networks.unet:ConditionalUNet",
        "residual U-Net told of noise and blur, x1 or x2",
    ),
    Entry("dncnn", "w2s_cli.networks.dncnn:DnCNN", "DnCNN of W2S, FMD and KAIR"),
    Entry("memnet", "w2s_cli.networks.memnet:MemNet", "MemNet of W2S"),
    Entry("ridnet", "w2s_cli.networks.ridnet:RIDNet", "RIDNet of W2S"),
    Entry(
        "n2n-unet",
        "w2s_cli.networks.n2n_unet:N2NUNet",
        "Noise2Noise's U-Net, FMD's",
    ),
    Entry(
        "n2n-unet-shared",
        "w2s_cli.networks.n2n_unet:SharedUNet",
        "Noise2Noise's U-Net with shared blocks",
    ),
    Entry("n2v-unet", "w2s_cli.networks.n2v_unet:N2VUNet", "Noise2Void's U-Net"),
    Entry(
        "noise2sr",
        "w2s_cli.networks.n2n_unet:Noise2SR",
        "Noise2SR as its authors' code has it",
        scale=0,
    ),
    Entry(
        "noise2sr-paper",
        "w2s_cli.networks.n2n_unet:Noise2SRPaper",
        "Noise2SR as its paper has it, x2",
        scale=2,
    ),
    Entry(
        "rcan", "w2s_cli.networks.edsr:RCAN", "channel attention, W2S's RCAN", scale=0
    ),
    Entry(
        "rdn", "w2s_cli.networks.rdn:RDN", "residual dense network, W2S's RDN", scale=0
    ),
    Entry(
        "san", "w2s_cli.networks.san:SAN", "second-order attention, W2S's SAN", scale=0
    ),
    Entry("srfbn", "w2s_cli.networks.srfbn:SRFBN", "feedback, W2S's SRFBN", scale=0),
    Entry("epsr", "w2s_cli.networks.edsr:EPSR", "EDSR, the generator of EPSR", scale=0),
    Entry(
        "esrgan", "w2s_cli.networks.esrgan:ESRGAN", "ESRGAN as first published", scale=0
    ),
    Entry(
        "rrdb",
        "w2s_cli.networks.esrgan:ShuffledESRGAN",
        "W2S's ESRGAN, and its own network",
        scale=0,
    ),
    Entry(
        "real-esrgan",
        "w2s_cli.networks.esrgan:RealESRGAN",
        "Real-ESRGAN, x1, x2 or x4",
        scale=0,
    ),
)

DISCRIMINATORS = Registry(
    "discriminator",
    Entry(
        "vgg-discriminator",
        "w2s_cli.networks.discriminators:VGGDiscriminator",
        "a score an image: ESRGAN, EPSR",
    ),
    Entry(
        "unet-discriminator",
        "w2s_cli.networks.discriminators:UNetDiscriminator",
        "a score a pixel: Real-ESRGAN",
    ),
)

FEATURES = Registry(
    "feature network",
    Entry(
        "vgg",
        "w2s_cli.networks.vgg:VGG",
        "what VGG-16 or VGG-19 sees: for losses and distances",
        "Simonyan and Zisserman 2015",
    ),
)
