"""Write what networks invent, for the warnings: `python .ci/invention_rates.py FILE`.

FILE is what `w2s bench --invention --json` printed with the weights that ship.
"""

import json
import sys
from pathlib import Path
from typing import Any

from w2s_cli.pipeline.invention_rates import FIGURES
from w2s_cli.pipeline.spec import RestoreSpec

METHODS, RIVAL = ("jdsr", "jdsr-fast"), "denoise+bicubic"


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """Return the figures that warnings quote."""

    def mean(scene: str, light: float, method: str, number: str) -> float:
        [row] = [
            one
            for one in found["rows"]
            if (one["scene"], one["photons"], one["method"]) == (scene, light, method)
        ]
        return float(row[number]["mean"])

    def rates(method: str, scene: str, number: str) -> list[dict[str, float]]:
        lights = {one["photons"] for one in found["rows"] if one["scene"] == scene}
        return [
            {
                "photons": light,
                "own": round(mean(scene, light, method, number), 2),
                "rival": round(mean(scene, light, RIVAL, number), 2),
            }
            for light in sorted(lights)
        ]

    return {
        "rival": RIVAL,
        "methods": [
            {
                "method": method,
                "weights_sha256": digest(method),
                "texture": rates(method, "nuclei", "worms"),
            }
            for method in METHODS
        ],
    }


def digest(method: str) -> str:
    """Return the hash of the weights of a method that ships."""
    return RestoreSpec(method).chain().links[0].traits.provenance["weights_sha256"]


if __name__ == "__main__":
    found = figures(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    FIGURES.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(f"wrote {FIGURES}")
