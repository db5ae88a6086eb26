"""A network as a zip that Fiji's deepImageJ and other readers of bioimage.io run."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from w2s_cli._typing import FloatArray
from w2s_cli.errors import UsageError, WeightsError
from w2s_cli.export.camera import find_camera
from w2s_cli.export.model_facts import ModelFacts
from w2s_cli.export.rdf import LICENCES, check_said, write_rdf
from w2s_cli.export.readme import readme
from w2s_cli.io import write_image
from w2s_cli.io.atomic_files import replacing
from w2s_cli.io.noise_file import GivenNoise
from w2s_cli.io.targets import check_writable
from w2s_cli.methods.exportable import check_exportable, counts_network
from w2s_cli.microscope.noise_model import NoiseModel
from w2s_cli.microscope.simulation import CAMERA, simulate_scene
from w2s_cli.networks.counts_network import CountsNetwork, run_torchscript
from w2s_cli.pipeline.restoration import restore_stack
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain
from w2s_cli.restorers.units import EIGHT_BIT
from w2s_cli.stack import Stack

SUFFIX = ".zip"
AGREEMENT = 1e-4
"""Of the noise, or of a network's own unit: how far a graph may be from torch."""
_NEEDED = {"onnx": "onnx", "onnxruntime": "onnxruntime", "yaml": "pyyaml"}
"""What is imported -> what pip calls it."""
_SIDE = 192  # pixels of the test image, or more
_PHOTONS = 200.0  # in its bright parts, where the network has learned from that
_COVER = 256  # pixels of each half of the cover
_START = (1980, 1, 1, 0, 0, 0)  # the time of every file: the same run, the same bytes


@dataclass(frozen=True, slots=True)
class ExportSpec:
    """What to export, and what to say of it."""

    restore: RestoreSpec  # the method, its weights, and the noise that is known
    like: Path | None = None  # an image to measure what is not known
    name: str = ""  # of the model; "w2s METHOD" without
    authors: tuple[str, ...] = ()
    licence: str = ""  # as SPDX names it; that of the weights without


@dataclass(frozen=True, slots=True)
class Exported:
    """A package that is written, and how near its graphs are."""

    facts: ModelFacts
    onnx: float  # from torch, in units of the noise or the network's own, at most
    torchscript: float
    restored: float  # torch from `w2s restore`, the same

    @property
    def agreement(self) -> str:
        """Return how near the graphs are, in a sentence."""
        noise = self.facts.camera.noise
        unit = "of the noise" if noise else "in the numbers of the network"
        return (
            f"At three sizes ONNX differs from torch by {self.onnx:.1e} {unit} at "
            f"most, TorchScript by {self.torchscript:.1e}; torch from `w2s restore "
            f"--precision fp32` by {self.restored:.1e}."
        )

    @property
    def warnings(self) -> list[str]:
        """Return what to look at before the package is used, or passed on."""
        facts = self.facts
        said = [*facts.camera.warnings]
        if facts.licence not in LICENCES:
            said.append(
                f"the licence of the weights is {facts.licence or 'not known'}: ask "
                "their authors before you pass the package on, or name it with "
                "--licence"
            )
        if not facts.authors:
            said.append("the package names no author: give --author NAME")
        if facts.looks_further:
            said.append(
                f"{facts.method} looks further than tiles overlap: choose a tile as "
                "large as the image where you run it"
            )
        return said


def check_packages() -> None:
    """Raise UsageError where a package that exporting takes is not installed."""
    missing = [name for module, name in _NEEDED.items() if not find_spec(module)]
    if missing:
        raise UsageError(
            f"w2s export needs packages that are not installed: {', '.join(missing)}",
            hint=f"pip install {' '.join(missing)}",
        )


def export(spec: ExportSpec, target: Path, *, overwrite: bool = False) -> Exported:
    """Write a network as a bioimage.io model.

    Its graph takes counts and gives counts: the way into the numbers of the network,
    and back, is part of it.

    Parameters
    ----------
    spec
        The network, the camera that it is for, and its origin.
    target
        A .zip file to write.
    overwrite
        Whether a file that is there is replaced.

    Raises
    ------
    UsageError
        When the method is not one pass of a network, when something of the camera is
        not known, or packages are missing.
    WeightsError
        When a graph gives other numbers than torch.
    """
    if target.suffix.lower() != SUFFIX:
        raise UsageError(f"{target} is no name for a package", hint="end it in .zip")
    check_writable(target, overwrite=overwrite)
    check_packages()
    check_said(spec.name, spec.authors, spec.licence)
    # A graph knows no devices, and is compared in full precision.
    job = replace(spec.restore, device="cpu", precision="fp32")
    chain = job.chain()
    if len(chain.links) > 1:
        raise UsageError(
            f"{job.method} is {len(chain.links)} methods: a model is one network",
            hint="export one of them",
        )
    [link] = chain.links
    check_exportable(link, job.method)
    camera = find_camera(job, link.traits, spec.like)
    facts = ModelFacts.of(
        job,
        link.traits,
        camera,
        name=spec.name,
        authors=spec.authors,
        licence=spec.licence,
    )
    noise, shown = camera.noise or CAMERA, camera.shown or EIGHT_BIT
    network = counts_network(link, noise, shown)
    seen = _seen(facts)
    job = replace(job, noise=GivenNoise((noise,)), display_range=shown)
    truth = _restored(job, chain, seen)
    with TemporaryDirectory() as name:
        folder = Path(name)
        done = _write_graphs(folder, facts, network, seen, truth)
        _write_pictures(folder, seen, truth, facts)
        (folder / "README.md").write_text(
            readme(facts, done.agreement), "utf-8", newline="\n"
        )
        write_rdf(folder, facts)
        with replacing(target, overwrite=overwrite) as temporary:
            _pack(folder, temporary)
    return done


def _seen(facts: ModelFacts) -> FloatArray:
    """Return a simulated cell as the camera sees it, (Y, X) float32 counts."""
    camera, tiling = facts.camera, facts.tiling
    known = facts.traits.trained_range
    light = (
        min(max(_PHOTONS, known.photons[0]), known.photons[1]) if known else _PHOTONS
    )
    noise = camera.noise or CAMERA
    if camera.shown:
        span = camera.shown.white - camera.shown.black
        noise = NoiseModel(span / (1.5 * light), camera.shown.black)
    side = tiling.step * -(-max(tiling.least, _SIDE) // tiling.step)
    scene = simulate_scene(1, photons=light, side=side)
    rng = np.random.default_rng(1)
    counts = noise.sample(CAMERA.photons(scene.clean), rng)
    # As a camera does, but not where counts are made of numbers below 1.
    whole = np.rint(counts).clip(0, 65535) if noise.gain >= 1 else counts
    return np.asarray(whole, np.float32)


def _restored(job: RestoreSpec, chain: Chain, seen: FloatArray) -> FloatArray:
    """Return what `w2s restore` makes of an image without defects."""
    spec = replace(job, defects="keep", dtype="float32")
    made = restore_stack(spec, Stack(seen, "YX"), chain=chain, judge=False)
    return np.asarray(made.image.data[()], np.float32)


def _write_graphs(
    folder: Path,
    facts: ModelFacts,
    network: CountsNetwork,
    seen: FloatArray,
    truth: FloatArray,
) -> Exported:
    """Write both graphs; compare them with torch at three sizes."""
    least, step = facts.tiling.least, facts.tiling.step
    planes = [
        seen,
        np.tile(seen, (1, 2))[:least, : least + step],
        np.tile(seen, (2, 1))[: least + 2 * step, :least],
    ]
    try:
        onnx, script = network.onnx(seen), network.torchscript(seen)
    except RuntimeError as error:  # an operation that the exporter doesn't know
        raise _refusal(facts, str(error)) from error
    expected = [network.restored(plane) for plane in planes]
    made = {
        "ONNX": _run_onnx(onnx, planes, facts),
        "TorchScript": run_torchscript(script, planes),
        "w2s restore": [truth],
    }
    off = {}
    for name, found in made.items():
        compared = [
            _difference(*pair, facts) for pair in zip(expected, found, strict=False)
        ]
        off[name] = max(far for far, _ in compared)
        if not all(near for _, near in compared):
            raise _refusal(
                facts, f"{name} is {off[name]:.2g} of the noise from torch at some size"
            )
    (folder / "weights.onnx").write_bytes(onnx)
    (folder / "weights.pt").write_bytes(script)
    return Exported(facts, *off.values())


def _refusal(facts: ModelFacts, reason: str) -> WeightsError:
    [first, *_] = reason.splitlines() or [""]
    return WeightsError(
        f"{facts.method} cannot be exported: {first[:200]}",
        hint="restore with w2s, or export another network",
    )


def _run_onnx(
    content: bytes, planes: Sequence[FloatArray], facts: ModelFacts
) -> list[FloatArray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is raised as well
    try:
        session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        return [
            session.run(None, {"input": plane[None, None]})[0][0, 0] for plane in planes
        ]
    except Exception as error:  # its errors have no other class in common
        raise _refusal(facts, str(error)) from error


def _difference(
    expected: FloatArray, found: FloatArray, facts: ModelFacts
) -> tuple[float, bool]:
    """Return the largest difference over the noise, and whether it is small enough.

    Of a network that knows no noise it is over its own unit. What rounds counts in
    float32 is no difference.
    """
    if expected.shape != found.shape or not np.isfinite(found).all():
        return float("inf"), False
    noise = facts.camera.noise
    one = (
        noise.gain * np.sqrt(np.maximum(noise.photons(expected), 0) + noise.lift)
        if noise
        else np.full_like(expected, facts.unit)
    )
    rounding = 4 * np.spacing(np.maximum(np.abs(expected), np.abs(found)))
    off = np.abs(expected.astype(float) - found)
    return float((off / one).max()), bool((off <= AGREEMENT * one + rounding).all())


def _write_pictures(
    folder: Path, seen: FloatArray, truth: FloatArray, facts: ModelFacts
) -> None:
    """Write test and sample images, and the cover: input and output side by side."""
    from PIL import Image

    whole = bool((seen == np.rint(seen)).all())
    for name, image, stored in (
        ("input", seen, np.uint16 if whole else np.float32),
        ("output", truth, np.float32),
    ):
        np.save(folder / f"test_{name}.npy", image[None, None].astype(np.float32))
        write_image(Stack(image.astype(stored), "YX"), folder / f"sample_{name}.tif")
    low, high = np.quantile(truth, [0.01, 0.998])
    halves = [
        np.kron(one, np.ones((times, times)))[:_COVER, :_COVER]
        for one, times in ((seen, 2 * facts.traits.scale), (truth, 2))
    ]
    shades = (np.concatenate(halves, 1) - low) / max(high - low, 1e-9) * 255
    cover = Image.fromarray(shades.clip(0, 255).astype(np.uint8))
    cover.save(folder / "cover.png")


def _pack(folder: Path, target: Path) -> None:
    files: Sequence[Path] = sorted(folder.iterdir())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for one in files:
            entry = zipfile.ZipInfo(one.name, _START)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            package.writestr(entry, one.read_bytes())
