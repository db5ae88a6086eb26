"""The methods that `w2s restore` offers, one file each."""

from w2s_cli.registry import Entry, Registry

METHODS = Registry(
    "method",
    Entry(
        "jdsr",
        "w2s_cli.methods.network:Jdsr",
        "denoise and enlarge x2 with the shipped network",
        "trained by this project",
        scale=2,
        needs="noise model, weights",
    ),
    Entry(
        "denoise",
        "w2s_cli.methods.network:Denoise",
        "denoise with the shipped network",
        "trained by this project",
        needs="noise model, weights",
    ),
    Entry(
        "vst+bm3d",
        "w2s_cli.methods.bm3d:Bm3d",
        "denoise by block matching",
        "Dabov et al. 2007; the bm3d package",
        "non-commercial use only",
        needs="noise model",
    ),
    Entry(
        "vst+epll",
        "w2s_cli.methods.epll:Epll",
        "denoise by a learned mixture of likely patches",
        "Zoran and Weiss 2011; prior learned by this project",
        needs="noise model, weights",
    ),
    Entry(
        "nlm",
        "w2s_cli.methods.nlm:Nlm",
        "denoise by non-local means",
        "Buades et al. 2005; scikit-image",
        needs="noise model",
    ),
    Entry(
        "wavelet",
        "w2s_cli.methods.wavelet:Wavelet",
        "denoise by wavelet shrinkage",
        "Chang et al. 2000; scikit-image",
        needs="noise model",
    ),
    Entry(
        "richardson-lucy",
        "w2s_cli.methods.richardson_lucy:RichardsonLucy",
        "deconvolve, stopping where noise would become structure",
        "Richardson 1972, Lucy 1974",
        needs="noise model, blur kernel",
    ),
    Entry(
        "wiener",
        "w2s_cli.methods.wiener:Wiener",
        "deconvolve by one linear filter",
        "Wiener 1949",
        needs="noise model, blur kernel",
    ),
    Entry(
        "pure-let",
        "w2s_cli.methods.pure_let:PureLet",
        "denoise by wavelet thresholds that judge themselves",
        "Luisier et al. 2011",
        needs="noise model",
    ),
    Entry("gaussian", "w2s_cli.methods.gaussian:Gaussian", "smooth with a Gaussian"),
    Entry("median", "w2s_cli.methods.median:Median", "take the median around a pixel"),
    Entry(
        "bicubic",
        "w2s_cli.methods.bicubic:Bicubic",
        "enlarge x2 by interpolation",
        "Keys 1981",
        scale=2,
    ),
    Entry(
        "identity",
        "w2s_cli.methods.identity:Identity",
        "return the input, to test files and tiles alone",
    ),
)
