"""The methods that `w2s restore` offers.

The rows after them are networks of others: those of the catalogue, by its names, and
the kinds of network that a user may have weights for, by theirs.
"""

import sys
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from w2s_cli.errors import UsageError, install_extra
from w2s_cli.networks import NETWORKS, SHIPPED
from w2s_cli.registry import Entry, Registry
from w2s_cli.weights.catalogue import MODEL_PREFIX, WEIGHTS, Item, compact_weights

if TYPE_CHECKING:
    from w2s_cli.restorers.restorer import Traits

# They look further than the margin of a tile, or at all of it.
NEARLY = frozenset({"rcan", "san", "ridnet", "rdn", "rrdb", "esrgan", "real-esrgan"})


_BY_TORCH = tuple(
    f"w2s_cli.methods.{name}" for name in ("epll", "noise2x", "published_network")
)

OWN = ("jdsr", "jdsr-fast", "denoise", "denoise-fast")
"""The networks that were trained for `w2s`, whose weights ship."""
DEFAULT = "jdsr"
"""What a file is restored by where nothing else is asked for."""

AUTOMATIC = ("auto", "auto-x2")
"""Those that stand for one that the image decides on."""

FOR_MENUS = (
    *(DEFAULT, "denoise", *AUTOMATIC, "jdsr-fast", "denoise-fast", "denoise+bicubic"),
    *("pure-let", "n2sr", "gaussian"),
)
"""Methods, or several joined, that menus of other programs offer."""


@dataclass(frozen=True, slots=True)
class MethodEntry(Entry):
    """A row of a method."""

    needs_weights: bool = False  # that may have to be fetched, or given

    @property
    def needs_torch(self) -> bool:
        """Return whether nothing but PyTorch runs it."""
        return self.target.partition(":")[0] in _BY_TORCH

    def load(self) -> Any:
        """Return the method's class; a UsageError where it needs PyTorch in vain."""
        try:
            return Entry.load(self)
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise UsageError(
                f"{self.name} needs PyTorch, which is not installed",
                hint="pip install torch; `w2s methods` says what runs without it",
            ) from error

    @property
    def traits(self) -> "Traits":
        """Return the traits of the method as it is by default."""
        from w2s_cli.methods.build import build

        return build(self.name).links[0].traits


@dataclass(frozen=True, slots=True)
class PluginEntry(MethodEntry):
    """A row of a method of another package, whose code may be broken."""

    def load(self) -> Any:
        """Return the method's class; a UsageError says whose it is, and what fails."""
        try:
            found = Entry.load(self)
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        else:
            if is_dataclass(found) and isinstance(found, type):
                return found
            reason = f"{self.target} is no dataclass"
        raise UsageError(
            f"the method {self.name} of the package {self.source} cannot be loaded: "
            f"{reason}",
            hint=f"mend or remove the package: pip uninstall {self.source}",
        )


def _plugins() -> tuple[PluginEntry, ...]:
    """Return the methods of other packages: their entry points `w2s.methods`."""
    return _plugins_on(tuple(sys.path))


@lru_cache(maxsize=1)  # every package is asked: that takes its time
def _plugins_on(path: tuple[str, ...]) -> tuple[PluginEntry, ...]:
    """Return those of the packages on a search path.

    A package whose entry points cannot be read has none; it need not know of w2s.
    """
    from importlib.metadata import EntryPoint, distributions

    found: list[EntryPoint] = []
    for one in distributions(path=[*path]):
        with suppress(TypeError, ValueError):
            found += one.entry_points.select(group="w2s.methods")
    entries = []
    for point in reversed(found):  # the first on the path comes last, and wins
        facts = point.dist.metadata.json if point.dist else {}
        package = str(facts.get("name", point.value))
        licence = facts.get("license_expression") or facts.get("license") or "unknown"
        entries.append(
            PluginEntry(
                point.name,
                point.value,
                f"a method of the package {package}",
                package,
                str(licence),
                scale=0,
            )
        )
    return tuple(entries)


def _published(item: Item) -> MethodEntry:
    author, *_, place = item.citation.split(", ")
    return MethodEntry(
        item.name,
        "w2s_cli.methods.published_network:PublishedNetwork",
        item.title + _of_tiles(item.network),
        f"{author}, {place}",
        item.licence,
        item.scale,
        "weights, fetched at first use",
        needs_weights=True,
    )


JOINT = {
    "jdsr-rcan": "rcan",
    "jdsr-esrgan": "rrdb",
    "jdsr-texture": "rrdb",
    "jdsr-pixels": "rrdb",
}
"""Methods of W2S that denoise and enlarge at once, and their networks."""


USER_NETWORK = "w2s_cli.methods.published_network:UserNetwork"
"""What the networks are of that a user may have weights for."""


def _brought(network: Entry, name: str = "", summary: str = "") -> MethodEntry:
    ships = compact_weights(name or network.name)
    return MethodEntry(
        name or network.name,
        USER_NETWORK,
        (summary or network.summary)
        + ("; compact weights ship" if ships else "")
        + _of_tiles(network.name),
        network.source,
        network.licence,
        network.scale,
        needs="noise model, weights" if ships else "weights by --weights",
        needs_weights=True,
    )


def _of_tiles(network: str) -> str:
    return "; tiles approximate" if network in NEARLY else ""


class MethodRegistry(Registry[MethodEntry]):
    """The methods, and the models of bioimage.io, which no list can hold."""

    def __contains__(self, name: str) -> bool:
        model = name.removeprefix(MODEL_PREFIX)
        if model == name:
            return super().__contains__(name)
        return "+" not in model or Path(model).exists()  # not a chain

    def __getitem__(self, name: str) -> MethodEntry:
        if not name.startswith(MODEL_PREFIX):
            return super().__getitem__(name)
        return MethodEntry(
            name,
            "w2s_cli.methods.bioimageio:Bioimageio",
            "a model of bioimage.io",
            "bioimage.io",
            "see its page",
            scale=0,
            needs=install_extra(MODEL_PREFIX[:-1]),
        )


METHODS = MethodRegistry(
    "method",
    MethodEntry(
        "jdsr",
        "w2s_cli.methods.shipped:Jdsr",
        "denoise and enlarge x2 with the shipped network",
        "trained by this project",
        scale=2,
        needs="noise model, weights",
        needs_weights=True,
    ),
    MethodEntry(
        "denoise",
        "w2s_cli.methods.shipped:Denoise",
        "denoise with the shipped network",
        "trained by this project",
        needs="noise model, weights",
        needs_weights=True,
    ),
    MethodEntry(
        "jdsr-fast",
        "w2s_cli.methods.shipped:JdsrFast",
        "jdsr with a smaller network: a quarter of the work, or less",
        "trained by this project",
        scale=2,
        needs="noise model, weights",
        needs_weights=True,
    ),
    MethodEntry(
        "denoise-fast",
        "w2s_cli.methods.shipped:DenoiseFast",
        "denoise with a smaller network: a quarter of the work, or less",
        "trained by this project",
        needs="noise model, weights",
        needs_weights=True,
    ),
    MethodEntry(
        "pd-denoise",
        "w2s_cli.methods.pd_denoise:PdDenoise",
        "denoise, for noise that neighbours share: every nth pixel apart",
        "Zhou et al. 2020; trained by this project",
        needs="noise model, weights",
        needs_weights=True,
    ),
    MethodEntry(
        "auto",
        "w2s_cli.methods.shipped:Auto",
        "denoise by what predicts held-out light best, if anything does",
        needs="noise model, weights",
        needs_weights=True,
    ),
    MethodEntry(
        "auto-x2",
        "w2s_cli.methods.auto_x2:AutoX2",
        "enlarge x2 by jdsr, or by auto+bicubic where held-out light contradicts it",
        scale=2,
        needs="noise model, weights",
        needs_weights=True,
    ),
    MethodEntry(
        "vst+bm3d",
        "w2s_cli.methods.bm3d:Bm3d",
        "denoise by block matching",
        "Dabov et al. 2007; the bm3d package",
        "non-commercial use only",
        needs="noise model",
    ),
    MethodEntry(
        "vst+epll",
        "w2s_cli.methods.epll:Epll",
        "denoise by a learned mixture of likely patches",
        "Zoran and Weiss 2011; prior learned by this project",
        needs="noise model, weights",
        needs_weights=True,
    ),
    MethodEntry(
        "nlm",
        "w2s_cli.methods.nlm:Nlm",
        "denoise by non-local means",
        "Buades et al. 2005; scikit-image",
        needs="noise model",
    ),
    MethodEntry(
        "wavelet",
        "w2s_cli.methods.wavelet:Wavelet",
        "denoise by wavelet shrinkage",
        "Chang et al. 2000; scikit-image",
        needs="noise model",
    ),
    MethodEntry(
        "richardson-lucy",
        "w2s_cli.methods.deblurring:RichardsonLucy",
        "deconvolve, stopping where noise would become structure",
        "Richardson 1972, Lucy 1974",
        needs="noise model, blur kernel",
    ),
    MethodEntry(
        "wiener",
        "w2s_cli.methods.deblurring:Wiener",
        "deconvolve by one linear filter",
        "Wiener 1949",
        needs="noise model, blur kernel",
    ),
    MethodEntry(
        "pure-let",
        "w2s_cli.methods.pure_let:PureLet",
        "denoise by wavelet thresholds that judge themselves",
        "Luisier et al. 2011",
        needs="noise model",
    ),
    *(
        MethodEntry(
            name,
            f"w2s_cli.methods.noise2x:{kind}",
            f"learn to denoise from the image itself: {asked}",
            source,
            needs="noise model, time to learn",
        )
        for name, kind, asked, source in (
            ("n2sr", "N2SR", "one pixel of every 2 x 2", "Tian et al. 2022, Noise2SR"),
            ("n2v", "N2V", "replaced pixels", "Krull et al. 2019, Noise2Void"),
            ("n2s", "N2S", "the pixels of a grid", "Batson and Royer 2019"),
            ("n2n", "N2N", "another capture", "Lehtinen et al. 2018, Noise2Noise"),
        )
    ),
    MethodEntry(
        "gaussian", "w2s_cli.methods.filters:Gaussian", "smooth with a Gaussian"
    ),
    MethodEntry(
        "median", "w2s_cli.methods.filters:Median", "take the median around a pixel"
    ),
    MethodEntry(
        "bicubic",
        "w2s_cli.methods.filters:Bicubic",
        "enlarge x2 by interpolation",
        "Keys 1981",
        scale=2,
    ),
    MethodEntry(
        "identity",
        "w2s_cli.methods.filters:Identity",
        "return the input, to test files and tiles alone",
    ),
    *(_published(item) for item in WEIGHTS.values() if item.network),
    *(_brought(network) for network in NETWORKS if network.name not in SHIPPED),
    *(
        _brought(NETWORKS[JOINT[name]], name, summary)
        for name, summary in (
            ("jdsr-rcan", "RCAN of W2S, trained with noise"),
            ("jdsr-esrgan", "ESRGAN of W2S, trained with noise"),
            ("jdsr-texture", "W2S's own network: RRDB, texture loss, with noise"),
            ("jdsr-pixels", "the same without texture loss, for comparison"),
        )
    ),
    more=_plugins,
)


class _CallableModule(ModuleType):
    """The package, which is also the function `methods` of the Python API."""

    def __call__(self) -> Registry[MethodEntry]:
        return METHODS


# Importing any module of the package sets the attribute `methods` of `w2s_cli` to this
# package, whatever it was: so it is made to be the function as well.
sys.modules[__name__].__class__ = _CallableModule
