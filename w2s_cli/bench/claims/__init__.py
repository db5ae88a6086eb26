"""What the papers claim, measured again in miniature: each claim with its verdict."""

from w2s_cli.registry import Entry, Registry

CLAIMS = Registry(
    "paper whose claims are measured",
    Entry(
        "w2s",
        "w2s_cli.bench.claims.claims_of_w2s:SUITE",
        "denoising before super-resolution, and both at once",
        "Zhou et al. 2020",
    ),
    Entry(
        "noise2sr",
        "w2s_cli.bench.claims.claims_of_noise2sr:SUITE",
        "learning to denoise from noisy images alone",
        "Tian et al. 2022",
    ),
    Entry(
        "real-esrgan",
        "w2s_cli.bench.claims.claims_of_real_esrgan:SUITE",
        "few pairs, many, and degradation by computation in their place",
        "video-rate Real-ESRGAN",
    ),
)
