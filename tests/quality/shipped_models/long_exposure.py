"""What a restored single capture shows that a deconvolved long exposure does not.

The average of 400 captures, deconvolved as far as its own noise allows, stands for what
a sharper microscope would have seen; it is no SIM image, and has a blur of its own.
"""

import numpy as np

from shipped_models import w2s_samples
from shipped_models.finding import Finding, goal
from shipped_models.setting import Setting, Subject
from w2s_cli._typing import FloatArray
from w2s_cli.datasets.data_set import ImagePair
from w2s_cli.datasets.w2s import CAPTURES
from w2s_cli.methods.deblurring import RichardsonLucy

EVERY = 3  # of the validation images: a channel of each field
WIDTH = 2.6  # full width of the blur, in pixels; the measured kernels say 4 at most


def long_exposure(subject: Subject, setting: Setting) -> list[Finding]:
    """Return the share of the contrast that the long exposure does not have."""
    data = w2s_samples.open_data_set(setting.folder / "w2s")
    shares = []
    for name in data.names("validation", 1)[::EVERY]:
        pair = data.pair(name, 1)
        restored = setting.restored(subject, pair.image, None)
        shares.append(unlike(restored, _sharp(pair)))
    return [
        Finding(
            f"contrast that is not the long exposure's, mean of {len(shares)} images",
            float(np.mean(shares)),
            "at most",
            goal("long-exposure", "unlike"),
            f"at most {max(shares):.3f}",
        )
    ]


def unlike(image: FloatArray, truth: FloatArray) -> float:
    """Return the share of an image's contrast that is not the truth's."""
    correlation = np.corrcoef(image.ravel(), truth.ravel())[0, 1]
    return float(np.sqrt(max(1 - correlation**2, 0)))


def _sharp(pair: ImagePair) -> FloatArray:
    assert pair.noise is not None  # the index tells it
    light = np.maximum(pair.noise.photons(pair.truth), 0) * np.float32(CAPTURES)
    return RichardsonLucy(fwhm=WIDTH, scale=2).deblurred(light)
