"""Network architectures: pure torch, no paths, no images.

Each module offers a network class with two class methods, `detect(state)` and
`from_state_dict(state)`, and the properties of `networks.rebuild.Network`.
"""

from w2s_cli.registry import Entry, Registry

NETWORKS = Registry(
    "network",
    Entry("unet", "w2s_cli.networks.unet:UNet", "residual U-Net, x1 or x2"),
)
