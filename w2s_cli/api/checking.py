"""Whether a restored image agrees with its input: `check`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from w2s_cli.api.images import Array, as_stack
from w2s_cli.api.restoring import Noise, noise_models
from w2s_cli.pipeline.check_file import fitting
from w2s_cli.pipeline.diagnose import diagnose
from w2s_cli.pipeline.output_check import OutputCheck
from w2s_cli.stack import Stack


@dataclass(frozen=True, slots=True, eq=False)
class CheckResult:
    """How a restored image agrees with its input.

    Attributes
    ----------
    verdict
        "consistent", "not consistent", "in doubt" where the noise of the input could
        not be measured well enough, or "not compared" where no plane says anything.
    sentence
        The verdict and its reasons, in a line.
    unsupported
        Where the input does not ask for the structure of the output; of its shape.
    details
        Numbers of the worst plane of each channel, as `w2s check --json` prints them.
    warnings
        What speaks against the noise of the input, one line a reason.
    """

    verdict: str
    sentence: str
    unsupported: NDArray[np.bool_]
    details: dict[str, Any]
    warnings: tuple[str, ...]

    @property
    def consistent(self) -> bool:
        """Return whether nothing is known to speak against the output."""
        return self.verdict != "not consistent"


def check(
    output: Stack | Array,
    image: Stack | Array,
    *,
    noise: Noise = None,
    axes: str | None = None,
    rescaled: bool = False,
) -> CheckResult:
    """Check that a restored image agrees with the data that it was made from.

    The output is blurred and scaled as the input shows it; what is left of the input
    must be noise.

    Parameters
    ----------
    output
        The restored image, of any program: a stack or an array, as large as `image` or
        a whole number of times as large along Y and X.
    image
        What it was made from, in camera counts.
    noise
        Of the camera, one for all channels or one for each; estimated without.
    axes
        Of arrays that are no planes.
    rescaled
        Whether the output is in other units: contrast and light are not compared.

    Returns
    -------
    CheckResult

    Raises
    ------
    InputError
        When the two do not fit each other, or the noise cannot be measured.

    Examples
    --------
    >>> import numpy as np
    >>> import w2s_cli as w2s
    >>> camera = w2s.NoiseModel(gain=2.0, offset=100.0, read_noise=3.0)
    >>> light = 50 + 40 * np.sin(np.arange(64, dtype=np.float32) / 5) * np.ones((64, 1))
    >>> light = light.astype(np.float32)
    >>> noisy = camera.sample(light, np.random.default_rng(0))
    >>> w2s.check(camera.counts(light), noisy, noise=camera).verdict
    'consistent'
    >>> w2s.check(camera.counts(light.T), noisy, noise=camera).verdict
    'not consistent'
    """
    stack = as_stack(image, axes)
    restored = fitting(as_stack(output, axes), stack, "the output", "the input")
    diagnosis = diagnose(stack, noise_models(noise))
    found = OutputCheck(stack, diagnosis, rescaled=rescaled)
    _ = found.noise  # where it cannot be measured, that is told before the work
    unsupported = np.zeros(restored.data.shape, bool)
    for index in stack.indices():
        agreement = found.add(index, restored.data[index])
        if agreement is not None:
            scale = agreement.blur.scale
            unsupported[index] = agreement.unsupported.repeat(scale, 0).repeat(scale, 1)
    return CheckResult(
        found.verdict,
        found.sentence,
        unsupported,
        found.as_json(),
        tuple(diagnosis.warnings),
    )
