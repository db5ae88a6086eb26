"""What VGG sees in an image, as arrays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from w2s_cli._typing import FloatArray
from w2s_cli.networks.vgg import VGG
from w2s_cli.weights import checkpoint


def vgg_features(path: Path) -> Callable[[NDArray[Any]], list[FloatArray]]:
    """Return a function of a (Y, X) image in [0, 1] that gives VGG's features.

    They are those after the last rectifier of each of the five levels, (C, Y, X) each.

    Raises
    ------
    WeightsError
        When the file cannot be read, or is neither VGG-16 nor VGG-19.
    """
    network = VGG.from_state_dict(checkpoint.load(path).state)

    def features(image: NDArray[Any]) -> list[FloatArray]:
        with torch.inference_mode():
            tensor = torch.from_numpy(np.asarray(image, np.float32))[None, None]
            return [layer[0].relu().numpy() for layer in network(tensor)]

    return features
