"""Drive any restorer over any stack."""

from w2s_cli.restore.affine import Levels
from w2s_cli.restore.apply import Restored, restore
from w2s_cli.restore.chain import Chain
from w2s_cli.restore.lessons import lessons
from w2s_cli.restore.restorer import (
    Domain,
    FloatArray,
    Learning,
    NoiseAware,
    Restorer,
    Seen,
    Series,
    Told,
    Traits,
)

__all__ = [
    "Chain",
    "Domain",
    "FloatArray",
    "Learning",
    "Levels",
    "NoiseAware",
    "Restored",
    "Restorer",
    "Seen",
    "Series",
    "Told",
    "Traits",
    "lessons",
    "restore",
]
