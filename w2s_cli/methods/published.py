"""Networks of others: from the catalogue, or in a file that the user brings."""

from dataclasses import dataclass
from pathlib import Path

from w2s_cli.assets import catalogue
from w2s_cli.assets.catalogue import Item
from w2s_cli.assets.checkpoint import Checkpoint
from w2s_cli.assets.download import Progress
from w2s_cli.assets.store import path_of
from w2s_cli.errors import WeightsError
from w2s_cli.methods.foreign import Foreign


@dataclass(frozen=True)
class Published(Foreign):
    """A network of the catalogue, fetched at first use."""

    @property
    def _path(self) -> Path:
        return weights_of(self.name)

    def _item(self, found: Checkpoint) -> Item:
        return catalogue.find(self.name)


@dataclass(frozen=True)
class Brought(Foreign):
    """A network of a known kind, with weights that the user brings."""

    weights: Path | None = None

    @property
    def _path(self) -> Path:
        if self.weights is None:
            weights = catalogue.WEIGHTS.values()
            same = [item.name for item in weights if item.network == self.name]
            instead = f", or use a published one: {', '.join(same)}" if same else ""
            raise WeightsError(
                f"{self.name} has no weights of its own",
                hint=f"give a file with --weights{instead}",
            )
        return self.weights

    def _item(self, found: Checkpoint) -> Item | None:
        item = catalogue.of_hash(found.digest)
        return item if item and item.network == self.name else None


def weights_of(name: str, progress: Progress | None = None) -> Path:
    """Return the path of the weights of a published network, fetched if need be.

    Raises
    ------
    WeightsError
        When they are not in the cache and cannot be had.
    """
    try:
        return path_of(name, progress=progress)
    except WeightsError as error:
        raise WeightsError(
            f"{name} needs its weights: {error}",
            hint=f"w2s fetch {name}, or w2s fetch {name} --from FOLDER "
            "where there is no connection",
        ) from error
