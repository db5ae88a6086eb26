"""Noise models given by the user: in a JSON file, or as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from w2s_cli.errors import UsageError
from w2s_cli.io.text_files import read_json
from w2s_cli.microscope.noise_model import Correlation, NoiseModel

Models = tuple[NoiseModel, ...]

KEYS = ("gain", "offset", "read_noise")
TABLE = "autocorrelation"
REPORTED = (
    *("name", "a", "a_error", "b", "b_error", "peak_snr", "photons", "saturated"),
    *("correlation", "dark_known", "trusted", "warnings"),
)
"""What `w2s estimate-noise` says of a channel beside its noise model."""
_FILE_KEYS = {"schema", "status", "source", "channels", "warnings"}
_HINT = 'for example {"gain": 2.1, "offset": 100, "read_noise": 1.5}'


@dataclass(frozen=True, slots=True)
class GivenNoise:
    """Noise models, those of every file or those of certain files."""

    # One for all channels, or one for each; empty where nothing is known
    everywhere: Models = ()
    # The same for each file, or why there are none
    by_file: Mapping[str, Models | str] = field(default_factory=dict)
    origin: str = ""  # the file that they are from

    def of(self, source: Path) -> Models:
        """Return the noise models of a file: by its path, or by its name alone."""
        if not self.by_file:
            return self.everywhere
        named = [path for path in self.by_file if Path(path).name == source.name]
        path = str(source) if str(source) in self.by_file else "".join(named[:1])
        if not path or (path != str(source) and len(named) > 1):
            found = f"{len(named)} noise models" if named else "no noise model"
            raise UsageError(
                f"{self.origin} has {found} for {source}",
                hint=f"it is about {', '.join(self.by_file)}",
            )
        models = self.by_file[path]
        if isinstance(models, str):
            raise UsageError(f"{self.origin} has no noise model for {source}: {models}")
        return models


def read_noise_models(path: Path) -> GivenNoise:
    """Return the noise models in a JSON file.

    The file holds an object with the keys "gain", "offset" and "read_noise", of which
    only the gain is required; or {"channels": [such objects]}; or what
    `w2s estimate-noise --json` prints, [{"source": ..., "channels": [...]}, ...]. If
    that is about one file, it holds for every other too.

    Raises
    ------
    UsageError
        When it cannot be read, or holds something else.
    """
    content = _content(path)
    if not isinstance(content, list):
        return GivenNoise(_models(content, path))
    if not content or not all(
        isinstance(entry, dict) and isinstance(entry.get("source"), str)
        for entry in content
    ):
        raise UsageError(
            f"{path}: a noise model is an object, found {content!r:.60}", hint=_HINT
        )
    files = {
        entry["source"]: entry["error"] if "error" in entry else _models(entry, path)
        for entry in content
    }
    [first, *others] = files.values()
    if others or isinstance(first, str):
        return GivenNoise(by_file=files, origin=str(path))
    return GivenNoise(first)


def _content(path: Path) -> Any:
    try:
        return read_json(path)
    except OSError as error:
        raise UsageError(
            f"cannot read the noise model {path}: {error.strerror}"
        ) from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}", hint=_HINT) from error


def _models(content: Any, path: Path) -> Models:
    """Return the models of one file: of an object, or of the channels in it."""
    rows = [content]
    if isinstance(content, dict) and {"channels"} <= {*content} <= _FILE_KEYS:
        rows = content["channels"]
    if not isinstance(rows, list) or not rows:
        raise UsageError(f"{path}: channels is no list of noise models", hint=_HINT)
    return tuple(_model(row, path) for row in rows)


def _model(row: Any, path: Path) -> NoiseModel:
    if not isinstance(row, dict):
        raise UsageError(
            f"{path}: a noise model is an object, found {row!r}", hint=_HINT
        )
    unknown = sorted({*row} - {*KEYS} - {*REPORTED} - {TABLE})
    if unknown or "gain" not in row:
        found = f"unknown key {unknown[0]!r}" if unknown else "no gain"
        raise UsageError(f"{path}: {found}; keys are {', '.join(KEYS)}", hint=_HINT)
    values = {key: row[key] for key in KEYS if key in row}
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(
                f"{path}: {key} must be a number, found {value!r}", hint=_HINT
            )
    numbers = {key: float(value) for key, value in values.items()}
    return NoiseModel(**numbers, correlation=_correlation(row.get(TABLE), path))


def _correlation(rows: Any, path: Path) -> Correlation | None:
    """Return the table of a noise model: rows of numbers, None where there is none."""
    if rows is None:
        return None
    try:
        return tuple(tuple(float(value) for value in row) for row in rows)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{path}: {TABLE} must be rows of numbers, found {rows!r:.60}", hint=_HINT
        ) from error


def noise_in_words(models: Any) -> str:
    """Return the noise models of a record, "" where it has none that can be read."""
    try:
        return "; ".join(
            f"gain {one['gain']:.4g}, offset {one['offset']:.4g}, "
            f"read noise {one['read_noise']:.3g}"
            for one in ([models] if isinstance(models, dict) else models)
        )
    except (KeyError, TypeError, ValueError):
        return ""
