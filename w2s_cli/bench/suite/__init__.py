"""What the shipped models promise, measured: a check a promise, a goal a figure.

`w2s bench --suite shipped` runs all of them. The target of a row of `CHECKS` is a
function `(subject, setting) -> list[Finding]`; its `scale` is that of the methods that
it is for, 0 for both, and `needs` is what must lie in the folder of real images. A
check without its images is not run, and has not passed.

The goals that are figures of their own stand in `goals.toml`, once; the others are what
a rival reaches on the same pixels in the same run.
"""

from w2s_cli.registry import Entry, Registry

ALL = "shipped"  # the name of all checks together

CHECKS = Registry(
    "check",
    Entry(
        "denoising",
        "w2s_cli.bench.suite.denoising:denoising",
        "W2S at five levels of noise, against VST+BM3D and the paper",
        needs="w2s/index.csv",
    ),
    Entry(
        "robustness-real",
        "w2s_cli.bench.suite.robustness:real",
        "other microscopes, against the input and VST+BM3D",
        needs="pairs_hagen",
    ),
    Entry(
        "robustness-simulated",
        "w2s_cli.bench.suite.robustness:simulated",
        "other gains, offsets and read noises, against the input and VST+BM3D",
    ),
    Entry(
        "jdsr-real",
        "w2s_cli.bench.suite.enlarging:real",
        "a real SIM image, against interpolation and deconvolution",
        scale=2,
        needs="sim_pair/er_sim.tif",
    ),
    Entry(
        "jdsr-simulated",
        "w2s_cli.bench.suite.enlarging:simulated",
        "simulated SIM images, against interpolation and deconvolution",
        scale=2,
    ),
    Entry(
        "jdsr-long-exposure",
        "w2s_cli.bench.suite.long_exposure:long_exposure",
        "what a deconvolved long exposure does not show",
        scale=2,
        needs="w2s/index.csv",
    ),
    Entry(
        "resolution-real",
        "w2s_cli.bench.suite.resolution:real",
        "Fourier ring correlation with a real SIM image, against the input's",
        scale=2,
        needs="sim_pair/er_sim.tif",
    ),
    Entry(
        "resolution-simulated",
        "w2s_cli.bench.suite.resolution:simulated",
        "Fourier ring correlation with simulated truth, against the input's",
        scale=2,
    ),
    Entry(
        "linearity",
        "w2s_cli.bench.suite.linearity:linearity",
        "half and twice the light give half and twice the intensity",
        scale=0,
    ),
    Entry(
        "flat",
        "w2s_cli.bench.suite.evenness:flat",
        "even light stays even",
        scale=0,
    ),
    Entry(
        "empty",
        "w2s_cli.bench.suite.evenness:empty",
        "no structure is made of noise alone",
        scale=0,
    ),
    Entry(
        "speed",
        "w2s_cli.bench.suite.speed:speed",
        "seconds, against the bare network and VST+BM3D",
        scale=0,
    ),
)
