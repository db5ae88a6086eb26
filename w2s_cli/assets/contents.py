"""What the containers have in common: tensors that are found, but not yet read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from w2s_cli.assets.tensors import Layout


@dataclass(frozen=True, slots=True)
class Contents:
    """What a weight file holds.

    Attributes
    ----------
    container
        How it is packed.
    layouts
        Where the tensors are, by name.
    wrapper
        What the training script had put around them.
    metadata
        Text by key.
    """

    container: str
    layouts: Mapping[str, Layout]
    wrapper: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
