"""`w2s demo`: the main job on a cell whose truth is known."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from w2s_cli.cli import options as ask
from w2s_cli.cli.output import note, print_json, print_result
from w2s_cli.cli.reports import show_restored
from w2s_cli.cli.typer_options import arg, opt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2s_cli.microscope.simulation import Scene

INSET = 96  # side of the magnified square, in camera pixels


@dataclass(frozen=True, slots=True)
class Score:
    """How near an image is to the truth."""

    label: str
    psnr: float  # dB
    ssim: float


def demo(
    folder: Annotated[
        Path, arg("The folder for the files, made if missing.", metavar="FOLDER")
    ] = Path(),
    seed: Annotated[int, opt("Which cell.", min=0)] = 1,
    photons: Annotated[float, opt("Light: photons in bright pixels.", min=1)] = 200,
    overwrite: ask.Overwrite = False,
    as_json: Annotated[bool, opt("Print the scores as JSON.", "--json")] = False,
) -> None:
    """Simulate a cell, restore it, and score it against the truth.

    Writes cell.tif (what the camera saw), sim.tif (restored) and demo.png (both, beside
    bicubic interpolation and the truth) into FOLDER, here unless given.
    """
    from w2s_cli.io import write_image
    from w2s_cli.io.targets import check_target, make_folder
    from w2s_cli.microscope.simulation import simulate_scene
    from w2s_cli.pipeline.file_restoration import restore_file
    from w2s_cli.pipeline.spec import RestoreSpec
    from w2s_cli.stack import Stack

    cell, sim, picture = (folder / name for name in ("cell.tif", "sim.tif", "demo.png"))
    make_folder(folder)
    for target in (cell, sim, picture):
        check_target(target, overwrite=overwrite)
    scene = simulate_scene(seed, photons=photons)
    size = dict.fromkeys("YX", scene.pixel_size)
    write_image(Stack(scene.seen, "YX", size), cell, overwrite=overwrite)
    spec = RestoreSpec(overwrite=overwrite)
    show_restored(restore_file(spec, spec.chain(), cell, sim), quiet=False)
    scores = _compared(scene, sim, picture)
    if as_json:
        print_json([asdict(score) for score in scores])
    else:
        for score in scores:
            print_result(
                f"{score.label:10} {score.psnr:6.2f} dB  SSIM {score.ssim:.3f}"
            )
    note(f"look at {picture}")


def _compared(scene: "Scene", sim: Path, picture: Path) -> list[Score]:
    """Draw input, bicubic, restored and truth; return the scores of the middle two."""
    import numpy as np

    from w2s_cli.bench.pictures import Panel, busiest, save_comparison
    from w2s_cli.io import open_image
    from w2s_cli.methods.filters import Bicubic

    seen = scene.seen.astype(np.float32)
    bicubic = Bicubic()(seen[None])[0]
    with open_image(sim) as stack:
        restored = stack.data[()]
    scores = [_score("bicubic", scene, bicubic), _score("w2s jdsr", scene, restored)]
    labels = [f"{s.label}: {s.psnr:.1f} dB, SSIM {s.ssim:.2f}" for s in scores]
    save_comparison(
        picture,
        [
            Panel("widefield camera", seen),
            Panel(labels[0], bicubic, 2),
            Panel(labels[1], restored, 2),
            Panel("truth", scene.truth, 2),
        ],
        busiest(scene.truth[::2, ::2], INSET),
        limits=(float(np.quantile(seen, 0.01)), float(np.quantile(restored, 0.998))),
    )
    return scores


def _score(label: str, scene: "Scene", image: "NDArray[Any]") -> Score:
    """Score in counts; the range is that of the truth's bright parts."""
    import numpy as np

    from w2s_cli.metrics.fidelity import psnr
    from w2s_cli.metrics.structural_similarity import ssim

    low, high = np.quantile(scene.truth, [0.001, 0.999])
    span = float(high - low)
    return Score(
        label,
        psnr(scene.truth, image, data_range=span),
        ssim(scene.truth, image, data_range=span),
    )
