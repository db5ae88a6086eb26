"""Units of length and time, as microscopes, Fiji and OME spell them."""

_MICROMETRES = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "\u03bcm": 1.0,  # Greek mu, which looks like the micro sign
    "\\u00b5m": 1.0,  # as Java writes it into ASCII
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "nm": 1e-3,
    "pm": 1e-6,
    "inch": 25400.0,
    "in": 25400.0,
}
_SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "µs": 1e-6,
    "us": 1e-6,
    "ns": 1e-9,
    "min": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "d": 86400.0,
}


def micrometres(unit: str) -> float | None:
    """Return how many micrometres a unit has; None for pixels and the unknown."""
    return _MICROMETRES.get(unit.strip().lower())


def seconds(unit: str) -> float | None:
    """Return how many seconds a unit has; None for the unknown."""
    return _SECONDS.get(unit.strip().lower())
