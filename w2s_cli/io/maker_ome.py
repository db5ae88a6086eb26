"""What the file of a microscope says of an image, as OME-XML."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from w2s_cli.io.ome_repair import FORBIDDEN, LATEST
from w2s_cli.io.units import positive

_IMMERSIONS = ("Oil", "Water", "WaterDipping", "Air", "Multi", "Glycerol")  # of OME


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What is known of a channel; wavelengths in nm, the pinhole in micrometres."""

    name: str = ""
    colour: tuple[int, int, int] | None = None
    excitation: float | None = None
    emission: float | None = None
    dye: str = ""
    pinhole: float | None = None


@dataclass(frozen=True, slots=True)
class PlaneFacts:
    """What is known of a plane; times in seconds, the stage in micrometres."""

    place: tuple[int, int, int]  # T, C, Z
    exposure: float | None = None
    time: float | None = None
    stage: Mapping[str, float] = field(default_factory=dict)  # by "X", "Y", "Z"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an image beside its pixels; sizes in micrometres."""

    pixel_size: Mapping[str, float] = field(default_factory=dict)
    time_step: float | None = None  # seconds
    channels: Sequence[ChannelFacts] = ()
    planes: Sequence[PlaneFacts] = ()
    date: str = ""  # as ISO 8601 has it
    objective: str = ""
    magnification: float | None = None
    aperture: float | None = None  # numerical
    immersion: str = ""
    index: float | None = None  # of refraction
    bits: int | None = None  # significant ones
    warnings: Sequence[str] = ()


def maker_xml(
    facts: Facts, name: str, sizes: Mapping[str, int], dtype: str, samples: int = 1
) -> str:
    """Return the OME-XML of an image whose axes have the lengths `sizes`.

    Where a pixel has several `samples`, each is a channel.
    """
    root = Element("OME", xmlns=LATEST)
    lens = _known(
        Model=facts.objective,
        NominalMagnification=positive(facts.magnification),
        LensNA=positive(facts.aperture),
        Immersion=_immersion(facts.immersion),
    )
    if lens:
        instrument = SubElement(root, "Instrument", ID="Instrument:0")
        SubElement(instrument, "Objective", {"ID": "Objective:0", **lens})
    image = SubElement(root, "Image", {"ID": "Image:0", **_known(Name=name)})
    if facts.date:
        SubElement(image, "AcquisitionDate").text = FORBIDDEN.sub("", facts.date)
    if lens:
        SubElement(image, "InstrumentRef", ID="Instrument:0")
        index = _known(RefractiveIndex=positive(facts.index))
        SubElement(image, "ObjectiveSettings", {"ID": "Objective:0", **index})
    pixels = SubElement(
        image, "Pixels", ID="Pixels:0", DimensionOrder="XYZCT", Type=dtype
    )
    lengths = {axis: sizes.get(axis, 1) for axis in "XYZCT"}
    lengths["C"] *= samples
    for axis, length in lengths.items():
        pixels.set(f"Size{axis}", str(length))
    for axis, size in facts.pixel_size.items():
        pixels.set(f"PhysicalSize{axis}", f"{size:.12g}")
        pixels.set(f"PhysicalSize{axis}Unit", "µm")
    if step := positive(facts.time_step):
        pixels.set("TimeIncrement", f"{step:.12g}")
    if facts.bits:
        pixels.set("SignificantBits", str(facts.bits))
    channels = list(facts.channels[: lengths["C"]])
    channels += [ChannelFacts()] * (lengths["C"] - len(channels))
    for number, channel in enumerate(channels):
        pixels.append(_channel(channel, number))
    pixels.extend(_planes(facts.planes, samples))
    return ElementTree.tostring(root, encoding="unicode")


def _channel(facts: ChannelFacts, number: int) -> Element:
    known = _known(Name=facts.name, Fluor=facts.dye)
    for name, length in (
        ("ExcitationWavelength", facts.excitation),
        ("EmissionWavelength", facts.emission),
    ):
        if positive(length):
            known |= {name: f"{length:g}", f"{name}Unit": "nm"}
    if positive(facts.pinhole):
        known |= {"PinholeSize": f"{facts.pinhole:g}", "PinholeSizeUnit": "µm"}
    if facts.colour:
        known["Color"] = ome_colour(facts.colour)
    return Element(
        "Channel", {"ID": f"Channel:0:{number}", "SamplesPerPixel": "1", **known}
    )


def ome_colour(colour: tuple[int, int, int]) -> str:
    """Return a colour as OME has it: a signed 32-bit RGBA number."""
    return str(int.from_bytes((*colour, 255), "big", signed=True))


def _planes(planes: Iterable[PlaneFacts], samples: int) -> Iterable[Element]:
    for facts in planes:
        time, channel, depth = facts.place
        known = _known(ExposureTime=positive(facts.exposure), DeltaT=facts.time)
        for axis, place in facts.stage.items():
            if not isfinite(place):
                continue
            known |= {f"Position{axis}": f"{place:.12g}", f"Position{axis}Unit": "µm"}
        for sample in range(samples if known else 0):
            at = {"TheZ": depth, "TheT": time, "TheC": channel * samples + sample}
            yield Element("Plane", {**_known(**at), **known})


def _known(**values: Any) -> dict[str, str]:
    """Return attributes of what is known, as text that XML can hold."""
    return {
        name: FORBIDDEN.sub("", str(value))
        for name, value in values.items()
        if value is not None and value != ""
    }


def measured_step(planes: Sequence[PlaneFacts]) -> float | None:
    """Return the median of seconds between frames; None where they do not rise."""
    times = {one.place[0]: one.time for one in reversed(planes)}  # of the first plane
    steps = np.diff([times[frame] or 0.0 for frame in sorted(times)])
    rising = len(steps) and (steps > 0).all()
    return round(float(np.median(steps)), 6) if rising else None


def _immersion(said: str) -> str:
    """Return the word of OME for what is between objective and specimen."""
    plain = said.strip().lower()
    named = {
        "dry": "Air",
        "glyc": "Glycerol",
        **{word.lower(): word for word in _IMMERSIONS},
    }
    return named.get(plain, "Other" if plain else "")
