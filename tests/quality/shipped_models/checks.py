"""The list of all checks, and which methods each is for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shipped_models import (
    denoising,
    enlarging,
    evenness,
    linearity,
    long_exposure,
    resolution,
    robustness,
    sim_structures,
    speed,
)
from shipped_models.finding import Finding
from shipped_models.setting import Setting, Subject
from w2s_cli.errors import UsageError
from w2s_cli.methods.build import options_for

SHIPPED = ("denoise", "jdsr")


@dataclass(frozen=True)
class Check:
    """A promise and the function that measures it.

    Attributes
    ----------
    name, summary
        What it is called, and what it measures.
    run
        Returns the figures of a method, each with its goal.
    scale
        Of the methods that it is for; 0 for both.
    needs
        What must be in the folder of real images; empty where it needs none.
    """

    name: str
    run: Callable[[Subject, Setting], list[Finding]]
    summary: str
    scale: int = 1
    needs: str = ""

    def missing(self, images: Path | None) -> str:
        """Return what the check needs and has not; empty where it has all."""
        if not self.needs or (images and (images / self.needs).exists()):
            return ""
        where = f"not in {images}" if images else "no --images folder is named"
        return f"needs {self.needs}: {where}"


CHECKS = (
    Check(
        "denoising",
        denoising.denoising,
        "W2S at five levels of noise, against VST+BM3D and the paper",
        needs="w2s/index.csv",
    ),
    Check(
        "robustness-real",
        robustness.real,
        "other microscopes, against the input and VST+BM3D",
        needs="pairs_hagen",
    ),
    Check(
        "robustness-simulated",
        robustness.simulated,
        "other gains, offsets and read noises, against the input and VST+BM3D",
    ),
    Check(
        "jdsr-real",
        enlarging.real,
        "a real SIM image, against interpolation and deconvolution",
        scale=2,
        needs="sim_pair/er_sim.tif",
    ),
    Check(
        "jdsr-simulated",
        enlarging.simulated,
        "simulated SIM images, against interpolation and deconvolution",
        scale=2,
    ),
    Check(
        "jdsr-structures",
        sim_structures.structures,
        "real SIM images as truth, against deconvolution by the true blur",
        scale=2,
        needs="sim_truth",
    ),
    Check(
        "jdsr-brightest",
        sim_structures.brightest,
        "light kept, of real SIM images as truth and of their brightest parts",
        scale=2,
        needs="sim_truth",
    ),
    Check(
        "jdsr-long-exposure",
        long_exposure.long_exposure,
        "what a deconvolved long exposure does not show",
        scale=2,
        needs="w2s/index.csv",
    ),
    Check(
        "resolution-real",
        resolution.real,
        "Fourier ring correlation with a real SIM image, against the input's",
        scale=2,
        needs="sim_pair/er_sim.tif",
    ),
    Check(
        "resolution-simulated",
        resolution.simulated,
        "Fourier ring correlation with simulated truth, against the input's",
        scale=2,
    ),
    Check(
        "linearity",
        linearity.linearity,
        "half and twice the light give half and twice the intensity",
        scale=0,
    ),
    Check("flat", evenness.flat, "even light stays even", scale=0),
    Check("empty", evenness.empty, "no structure is made of noise alone", scale=0),
    Check(
        "speed", speed.speed, "seconds, against the bare network and VST+BM3D", scale=0
    ),
)


def subjects_of(models: Sequence[str], options: Sequence[str] = ()) -> list[Subject]:
    """Return the methods to check from words such as "denoise=mine.safetensors".

    Raises UsageError where an option is for none of them.
    """
    files: Mapping[str, str] = dict(word.partition("=")[::2] for word in models)
    return [
        Subject(name, (Path(file),) if file else (), has)
        for (name, file), has in zip(
            files.items(), options_for([*files], options), strict=True
        )
    ]


def planned(
    subjects: Iterable[Subject], checks: Iterable[Check] = CHECKS
) -> list[tuple[Check, Subject]]:
    """Return which methods the checks are run on: those of their scale.

    Raises UsageError where a method neither keeps the size nor doubles it, or no check
    is for any method.
    """
    scales = {subject: subject.scale for subject in subjects}
    for subject, scale in scales.items():
        if scale not in (1, 2):
            raise UsageError(
                f"{subject.method} enlarges x{scale}",
                hint="the checks are for methods that keep the size or double it",
            )
    pairs = [
        (check, subject)
        for check in checks
        for subject, scale in scales.items()
        if check.scale in (0, scale)
    ]
    if not pairs:
        raise UsageError("none of these checks is for the methods that are named")
    return pairs
