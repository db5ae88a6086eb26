"""`w2s restore`: the main spec."""

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli.arguments import axes_with, noise_models
from w2s_cli.cli.fetch import fetch_needed
from w2s_cli.cli.output import check_plot, note, warn
from w2s_cli.cli.progress import FitDisplay, fit_to_files, progress
from w2s_cli.cli.reports import Form, RestoredDisplay, show_plan, tell
from w2s_cli.errors import UsageError
from w2s_cli.restorers import TILE

if TYPE_CHECKING:
    from w2s_cli.batch.jobs import FilePair, Reports
    from w2s_cli.pipeline.file_restoration import FileReport
    from w2s_cli.pipeline.spec import RestoreSpec
    from w2s_cli.restorers.chain import Chain


def restore(
    inputs: ask.Inputs,
    output: ask.Output,
    method: ask.Method = "",
    weights: ask.Weights = None,
    options: ask.Options = None,
    train_on: ask.TrainOn = None,
    save_weights: ask.SaveWeights = None,
    axes: ask.Axes = None,
    channels: ask.Channels = None,
    series: ask.SeriesNames = None,
    channel: ask.ChannelName = None,
    gain: Annotated[float | None, ask.GAIN] = None,
    offset: Annotated[float | None, ask.OFFSET] = None,
    read_noise: Annotated[float | None, ask.READ_NOISE] = None,
    noise: ask.Noise = None,
    defects: ask.Defects = "auto",
    dtype: ask.StoredAs = "auto",
    device: ask.Device = "auto",
    precision: ask.Precision = "auto",
    tile: ask.Tile = TILE,
    preview: ask.Preview = None,
    overwrite: ask.Overwrite = False,
    dry_run: ask.DryRun = False,
    as_json: ask.AsJson = False,
    as_lines: ask.AsLines = False,
    quiet: ask.Quiet = False,
) -> None:
    """Denoise and enlarge images.

    For example:
      w2s restore cell.tif -o sharp.tif
      w2s restore *.tif -o restored/ --method denoise
      w2s restore cell.tif -o clean.tif --method gaussian -O sigma=1.5
      w2s restore stack.tif -o sharp.tif --axes ZYX --gain 2.1 --offset 100
      w2s restore tiles.ome.tif -o sharp/ --series all
      w2s restore cell.tif -o clean.tif --method n2sr
      w2s restore *.tif -o clean/ --method n2sr --train-on best.tif
      w2s restore cell.tif -o sharp.tif --preview look.png
      w2s restore cell.tif -o sharp.tif --dry-run

    Without --gain or --noise the noise of the camera is estimated from each file.
    """
    from w2s_cli.batch.file_pairs import files, is_there, left, paired, refuse_missing
    from w2s_cli.batch.jobs import each, exit_code
    from w2s_cli.batch.series import by_output
    from w2s_cli.methods.build import method_for_weights
    from w2s_cli.pipeline.file_restoration import plan_file
    from w2s_cli.pipeline.shared_fitting import check_fitting
    from w2s_cli.pipeline.spec import RestoreSpec, defects_of

    form = Form(as_json=as_json, as_lines=as_lines)
    if form.option and output == "-":
        raise UsageError(
            f"{form.option} and the image cannot both go to standard output",
            hint="name an output file with -o",
        )
    method = method or method_for_weights(weights or ())
    spec = RestoreSpec(
        method=method,
        options=tuple(options or ()),
        weights=tuple(weights or ()),
        device=device,
        precision=precision,
        tile=tile,
        noise=noise_models(noise, gain, offset, read_noise),
        defects=defects_of(defects),
        dtype=dtype,
        axes=axes_with(axes, channels),
        series=series,
        channel=channel,
        train_on=tuple(files(train_on or ())),
        save_weights=save_weights,
        overwrite=overwrite,
    )
    pairs = paired(inputs, output)
    if not any(is_there(source) for source, _ in pairs):
        # Nothing is fetched, loaded or learned for no image.
        reports = tell(each(pairs, refuse_missing), show_plan, form)
        raise typer.Exit(exit_code(reports))
    fetch_needed(method, quiet=quiet)
    chain = spec.chain()
    check_fitting(spec, chain, [source for source, _ in pairs])
    for doubt in spec.doubts(chain):
        warn(doubt)
    specs, pictures = by_output(spec, pairs)
    for said in (*left(inputs), *pictures):
        warn(said)
    if preview:
        _check_preview(preview, specs, overwrite=overwrite)
    if dry_run:
        found = each(specs, lambda *pair: plan_file(specs[pair], chain, *pair))
        reports = tell(found, partial(show_plan, quiet=bool(form.option)), form)
    else:
        into_folder = Path(output) not in [target for _, target in pairs]
        found = _restored(
            spec, specs, chain, preview, into_folder=into_folder, quiet=quiet
        )
        reports = tell(found, RestoredDisplay(method, quiet=quiet), form)
        if preview and preview.exists() and not quiet:
            note(f"look at {preview}")
    raise typer.Exit(exit_code(reports))


def _check_preview(
    preview: Path, pairs: "Collection[FilePair]", *, overwrite: bool
) -> None:
    """Find out before the work whether there is one file to draw, and where to."""
    from w2s_cli.io.targets import STREAM

    if len(pairs) != 1:
        raise UsageError(
            f"a preview shows one image, not {len(pairs)}",
            hint="restore one of them with --preview, then all without",
        )
    named = [path for pair in pairs for path in pair]
    if STREAM in named:
        raise UsageError(
            "a preview needs files to look at, not standard input or output",
            hint="name the input, and the output with -o",
        )
    check_plot(preview, named, overwrite=overwrite)


def _restored(
    spec: "RestoreSpec",
    specs: "dict[FilePair, RestoreSpec]",
    chain: "Chain",
    preview: Path | None,
    *,
    into_folder: bool,
    quiet: bool,
) -> "Reports[FileReport]":
    from w2s_cli.batch.jobs import each
    from w2s_cli.pipeline.file_restoration import restore_file
    from w2s_cli.pipeline.restoration import RestoreProgress

    fitted = fit_to_files(spec, chain, quiet=quiet) if spec.train_on else None

    def work(source: Path, target: Path) -> "FileReport":
        with progress(source.name, quiet=quiet) as bar:
            outcome = restore_file(
                specs[source, target],
                chain,
                source,
                target,
                fitted=fitted,
                into_folder=into_folder,
                progress=RestoreProgress(
                    started=bar.start,
                    tile=bar.advance,
                    fit=FitDisplay(source.name, bar, quiet=quiet).of_channel,
                ),
            )
        if preview:
            from w2s_cli.bench.preview import preview as draw

            draw(specs[source, target], source, outcome, preview)
        return outcome

    yield from each(specs, work)
