"""From a method text and -O texts to a chain, and every way that it can go wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UnknownNameError, UsageError
from w2s_cli.methods import METHODS, MethodEntry
from w2s_cli.methods import build as build_module
from w2s_cli.methods.build import build, chain_record, options_of, parse
from w2s_cli.methods.filters import Bicubic, Gaussian, Identity, Median
from w2s_cli.registry import Entry, Registry
from w2s_cli.restorers.restorer import Traits

KNOWN = f"known: {', '.join(sorted(entry.name for entry in METHODS))}"
UNTRAINED = [e.name for e in METHODS if not e.needs_weights]


@dataclass(frozen=True)
class Fake:
    """A method that has every kind of field."""

    weights: Path | None = None
    device: str = "auto"
    precision: str = "auto"
    sigma: Annotated[float, "how much"] = 1.0
    sharp: Annotated[bool, "whether"] = False
    kind: Annotated[Literal["soft", "hard"], "which"] = "soft"
    table: Annotated[Path, "where"] = Path("here")
    label: Annotated[str, "what"] = ""

    @property
    def traits(self) -> Traits:
        return Traits(provenance={"weights_sha256": "abc"})

    def __call__(self, blocks: FloatArray) -> FloatArray:
        return blocks


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(
        "method", *METHODS, Entry("fake", "the.fake:Fake", "pretend to restore")
    )
    monkeypatch.setattr(build_module, "METHODS", registry)
    monkeypatch.setattr(Entry, "load", lambda e: Fake if e.name == "fake" else _LOAD(e))


_LOAD = Entry.load


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("jdsr", ["jdsr"]),
        ("vst+bm3d", ["vst+bm3d"]),
        ("denoise+bicubic", ["denoise", "bicubic"]),
        ("gaussian+vst+bm3d", ["gaussian", "vst+bm3d"]),
        ("vst+bm3d+vst+bm3d+median", ["vst+bm3d", "vst+bm3d", "median"]),
    ],
)
def test_the_longest_name_is_taken(text: str, names: list[str]) -> None:
    assert [entry.name for entry in parse(text)] == names


@pytest.mark.parametrize(
    ("text", "wrong", "hint"),
    [
        ("gausian", "gausian", "did you mean 'gaussian'?"),
        ("median+bicubik", "bicubik", "did you mean 'bicubic'?"),
        ("vst+bm4d", "vst+bm4d", "did you mean 'vst+bm3d'?"),
        ("dncn-fmd", "dncn-fmd", "did you mean 'dncnn-fmd'?"),
        ("median+", "", KNOWN),
        ("", "", KNOWN),
    ],
)
def test_unknown_methods_get_a_suggestion(text: str, wrong: str, hint: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        parse(text)
    assert str(caught.value) == f"no method is called {wrong!r}"
    assert caught.value.hint.startswith(hint)


def test_options_reach_the_method_that_has_them() -> None:
    chain = build("median+gaussian+bicubic", ["sigma=2.5", "size=5"])
    assert list(chain.links) == [Median(5), Gaussian(2.5), Bicubic()]


def test_an_option_goes_to_every_link_of_that_method() -> None:
    assert list(build("gaussian+gaussian", ["sigma=2"]).links) == [Gaussian(2.0)] * 2


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="'sigma' of gaussian is given more than once"):
        build("gaussian", ["sigma=2", "gaussian.sigma=3"])


@pytest.mark.usefixtures("fake")
def test_a_name_decides_between_two_methods() -> None:
    chain = build("gaussian+fake", ["fake.sigma=2"])
    assert list(chain.links) == [Gaussian(1.0), Fake(sigma=2.0)]
    with pytest.raises(UsageError, match="could belong to gaussian or fake") as caught:
        build("gaussian+fake", ["sigma=2"])
    assert caught.value.hint == (
        "say which: -O gaussian.sigma=2 or -O fake.sigma=2; or all of them"
    )


@pytest.mark.usefixtures("fake")
def test_every_type_of_value() -> None:
    texts = ["sharp=Yes", "kind=hard", "table=a/b", "label=x=y", "sigma=1e-1"]
    [link] = build("fake", texts).links
    assert link == Fake(
        sharp=True, kind="hard", table=Path("a/b"), label="x=y", sigma=0.1
    )


@pytest.mark.parametrize(
    ("method", "text", "message"),
    [
        ("gaussian", "sigma=wide", "option sigma must be a number, found 'wide'"),
        ("gaussian", "sigma=", "option sigma must be a number, found ''"),
        ("gaussian", "sigma=nan", "option sigma must be a number, found 'nan'"),
        ("gaussian", "sigma=inf", "option sigma must be a number, found 'inf'"),
        ("gaussian", "sigma=0", "option sigma must be above 0, found 0"),
        ("median", "size=2.5", "option size must be a whole number, found '2.5'"),
        ("median", "size=4", "option size must be odd and above 0, found 4"),
        ("median", "size=-1", "option size must be odd and above 0, found -1"),
        ("identity", "scale=0", "option scale must be 1 or more, found 0"),
        (
            "vst+bm3d",
            "profile=fast",
            "option profile must be np or lc or vn or high, found 'fast'",
        ),
        ("fake", "sharp=maybe", "option sharp must be true or false, found 'maybe'"),
        ("gaussian", "sigma", "-O takes key=value, found 'sigma'"),
        ("bicubic", "sigma=2", "bicubic has no options, found 'sigma'"),
    ],
)
@pytest.mark.usefixtures("fake")
def test_bad_values(method: str, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        build(method, [text])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("sigm=2", "no option of gaussian is called 'sigm'", "did you mean 'sigma'?"),
        ("size=3", "no option of gaussian is called 'size'", "known: sigma"),
        (
            "median.size=3",
            "no method in the chain is called 'median'",
            "known: gaussian",
        ),
    ],
)
def test_unknown_options(text: str, message: str, hint: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        build("gaussian", [text])
    assert (str(caught.value), caught.value.hint) == (message, hint)


@pytest.mark.usefixtures("fake")
def test_weights_go_to_the_links_that_take_them_in_order() -> None:
    files = [Path("a"), Path("b")]
    chain = build("fake+median+fake", weights=files, device="cpu", precision="fp32")
    assert list(chain.links) == [
        Fake(Path("a"), "cpu", "fp32"),
        Median(),
        Fake(Path("b"), "cpu", "fp32"),
    ]
    assert build("fake+fake", weights=files[:1]).links[1] == Fake()


@pytest.mark.parametrize("method", ["gaussian", "fake+gaussian"])
@pytest.mark.usefixtures("fake")
def test_too_many_weights(method: str) -> None:
    with pytest.raises(UsageError, match=r"^2 weight files for [01] methods that take"):
        build(method, weights=[Path("a"), Path("b")])


@pytest.mark.usefixtures("fake")
def test_shared_fields_are_no_options() -> None:
    assert [o.name for o in options_of(Fake)] == [
        "sigma",
        "sharp",
        "kind",
        "table",
        "label",
    ]
    with pytest.raises(UnknownNameError, match="no option of fake is called 'weights'"):
        build("fake", ["weights=x"])


@pytest.mark.usefixtures("fake")
def test_the_account_of_a_chain() -> None:
    chain = build("median+fake", ["label=x"])
    first, second = chain_record("median+fake", chain)
    assert first == {"method": "median", "options": {"size": 3}}
    assert second["weights_sha256"] == "abc"
    assert second["options"]["label"] == "x"


@pytest.mark.parametrize("name", UNTRAINED)
def test_the_listing_says_what_the_method_says(name: str) -> None:
    chain = build(name)
    assert METHODS[name].scale == chain.traits.scale
    assert ("noise model" in METHODS[name].needs) == chain.needs_noise


@pytest.mark.parametrize("entry", [*METHODS], ids=lambda entry: entry.name)
def test_the_listing_names_weights_where_they_are_needed(entry: MethodEntry) -> None:
    assert entry.needs_weights == ("weights" in entry.needs)


@pytest.mark.parametrize("name", [entry.name for entry in METHODS])
def test_every_option_explains_itself(name: str) -> None:
    for option in options_of(METHODS[name].load()):
        assert option.help
        if option.default is not None:
            assert option.parse(str(option.default)) == option.default


def test_identity_by_its_option() -> None:
    assert list(build("identity", ["identity.scale=3"]).links) == [Identity(3)]


@pytest.mark.parametrize("name", UNTRAINED)
def test_a_method_that_can_be_told_of_the_noise_says_so(name: str) -> None:
    [link] = build(name).links
    assert link.traits.knows_noise == hasattr(link, "with_noise")
    assert bool(link.traits.fit) == hasattr(link, "fitted")
