"""Drive any restorer over any stack."""

from w2s_cli.restore.affine import Levels
from w2s_cli.restore.apply import Restored, restore
from w2s_cli.restore.chain import Chain
from w2s_cli.restore.restorer import (
    Domain,
    FloatArray,
    NoiseAware,
    Restorer,
    Seen,
    Traits,
)

__all__ = [
    "Chain",
    "Domain",
    "FloatArray",
    "Levels",
    "NoiseAware",
    "Restored",
    "Restorer",
    "Seen",
    "Traits",
    "restore",
]
