"""`w2s restore`: images denoised, enlarged, or both."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from w2s_cli.cli import options as ask
from w2s_cli.cli.arguments import axes_with, memory_size, noise_models
from w2s_cli.cli.fetch import fetch_needed
from w2s_cli.cli.output import check_plot, warn
from w2s_cli.cli.progress import FitDisplay, fit_to_files, progress
from w2s_cli.cli.reports import Form, RestoredDisplay, show_plan, tell
from w2s_cli.cli.typer_options import arg
from w2s_cli.errors import INCONSISTENT, NothingMatchedError, UsageError
from w2s_cli.restorers import TILE

if TYPE_CHECKING:
    from w2s_cli.batch.jobs import FilePair, Report, Reports
    from w2s_cli.batch.restore_work import Outcome, RestoreWork


def restore(
    output: ask.Output,
    inputs: Annotated[
        list[Path] | None,
        arg(
            "Image files, folders of image files, or - for standard input.",
            metavar="INPUT",
        ),
    ] = None,
    files_from: ask.Files = None,
    recursive: ask.Recursive = False,
    name: ask.Name = None,
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
    compression: ask.Compression = None,
    pyramid: ask.Pyramid = False,
    device: ask.Devices = "auto",
    precision: ask.Precision = "auto",
    tile: ask.Tile = TILE,
    max_memory: ask.MaxMemory = None,
    gpu_memory: ask.GpuMemory = None,
    preview: ask.Preview = None,
    overwrite: ask.Overwrite = False,
    resume: ask.Resume = False,
    jobs: ask.Jobs = 1,
    shard: ask.ShardOf = None,
    uncertainty: ask.Uncertainty = False,
    error_map: ask.ErrorMap = None,
    check: ask.Check = False,
    dask: ask.Dask = None,
    dry_run: ask.DryRun = False,
    as_json: ask.AsJson = False,
    as_lines: ask.AsLines = False,
    quiet: ask.Quiet = False,
) -> None:
    """Denoise and enlarge images.

    For example:
      w2s restore cell.tif -o sharp.tif
      w2s restore *.tif -o restored/ --method denoise
      w2s restore raw/ -o restored/ --recursive --resume --jobs 4
      w2s restore cell.tif -o clean.tif --method gaussian -O sigma=1.5
      w2s restore stack.tif -o sharp.tif --axes ZYX --gain 2.1 --offset 100
      w2s restore tiles.ome.tif -o sharp/ --series all
      w2s restore cell.tif -o clean.tif --method n2sr
      w2s restore *.tif -o clean/ --method n2sr --train-on best.tif
      w2s restore cell.tif -o sharp.tif --preview look.png
      w2s restore cell.tif -o sharp.tif --uncertainty --check
      w2s restore cell.tif -o sharp.tif --dry-run

    Without --gain or --noise the noise of the camera is estimated from each file.
    """
    from w2s_cli.batch.file_pairs import (
        check_maps,
        files,
        is_there,
        left,
        refuse_missing,
    )
    from w2s_cli.batch.jobs import each
    from w2s_cli.batch.journal import Journal, journaled
    from w2s_cli.batch.naming import Shard
    from w2s_cli.batch.restore_work import RestoreWork
    from w2s_cli.batch.series import by_output
    from w2s_cli.methods.build import method_for_weights
    from w2s_cli.pipeline.shared_fitting import check_fitting
    from w2s_cli.pipeline.spec import RestoreSpec, defects_of

    form = Form(as_json=as_json, as_lines=as_lines)
    if form.option and output == "-":
        raise UsageError(
            f"{form.option} and the image cannot both go to standard output",
            hint="name an output file with -o",
        )
    method = method or method_for_weights(weights or ())
    devices = device.split(",")
    room = memory_size(max_memory, "--max-memory")
    spec = RestoreSpec(
        method=method,
        options=tuple(options or ()),
        weights=tuple(weights or ()),
        device=devices[0],
        precision=precision,
        tile=tile,
        max_memory=room and room // jobs,
        gpu_memory=memory_size(gpu_memory, "--gpu-memory"),
        noise=noise_models(noise, gain, offset, read_noise),
        defects=defects_of(defects),
        dtype=dtype,
        compression=compression,
        pyramid=pyramid,
        axes=axes_with(axes, channels),
        series=series,
        channel=channel,
        train_on=tuple(files(train_on or ())),
        save_weights=save_weights,
        uncertainty=uncertainty or error_map is not None,
        error_map=error_map,
        check=check,
        overwrite=overwrite or resume,
    )
    given = inputs or []
    every = _pairs(given, output, files_from, name, method, recursive=recursive)
    part = Shard.parse(shard or "1/1")
    pairs = part.share(every)
    _check_together(pairs, dask, jobs, preview, resume=resume, overwrite=overwrite)
    if pairs and not any(is_there(source) for source, _ in pairs):
        # Nothing is fetched, loaded or learned for no image.
        reports = tell(each(pairs, refuse_missing), show_plan, form)
        raise typer.Exit(_exit_code(reports))
    fetch_needed(method, quiet=quiet)
    chain = spec.chain()
    check_fitting(spec, chain, [source for source, _ in pairs])
    for doubt in spec.doubts(chain):
        warn(doubt)
    specs, pictures = by_output(spec, pairs)
    folder = None if Path(output) in dict(every).values() else Path(output)
    for said in (*left(given, recursive=recursive, output=folder), *pictures):
        warn(said)
    _check_preview(preview, specs, overwrite=overwrite)
    check_maps([*specs], spec)
    work = RestoreWork(spec, chain, resume, folder)
    work.specs = specs if series else {}
    if dry_run:
        planned: Reports[Any] = each(specs, work.plan)
        reports = tell(planned, partial(show_plan, quiet=bool(form.option)), form)
    else:
        found: Reports[Any] = _restored(
            work, specs, jobs, preview, dask, devices, quiet=quiet
        )
        journal = Journal(folder) if folder else None
        if journal:
            journal.begin(every, [*specs], part)
            found = journaled(found, journal)
        shown = RestoredDisplay(method, quiet=quiet)
        reports = tell(found, shown, form, kept=_verdict)
        shown.end(journal, preview)
    raise typer.Exit(_exit_code(reports))


def _verdict(outcome: "Outcome") -> "Outcome":
    """Return of a report what the exit code rests on."""
    from w2s_cli.batch.resume import Kept

    if isinstance(outcome, Kept):
        return outcome
    return replace(outcome, record={}, channels=(), warnings=(), choice=None)


def _exit_code(reports: "Sequence[Report]") -> int:
    """Return that of the failures, or where there are none of what does not agree."""
    from w2s_cli.batch.jobs import exit_code
    from w2s_cli.pipeline.file_restoration import FileReport

    done = [one for one in reports if isinstance(one, FileReport)]
    bad = any(one.consistent is False for one in done)
    return exit_code(reports) or (INCONSISTENT if bad else 0)


def _pairs(
    inputs: list[Path],
    output: str,
    listed: Path | None,
    name: str | None,
    method: str,
    *,
    recursive: bool,
) -> "list[FilePair]":
    from w2s_cli.batch.file_pairs import paired
    from w2s_cli.batch.naming import Naming
    from w2s_cli.io.text_files import read_paths

    if not inputs and not listed:
        raise UsageError(
            "no INPUT is named", hint="name files, folders or --files LIST"
        )
    if listed == Path("-") and listed in inputs:
        raise UsageError(
            "standard input cannot be a list and an image", hint="drop one"
        )
    more = read_paths(listed) if listed else []
    if listed and not (more or inputs):
        raise NothingMatchedError(f"{listed} names no files", hint="one path a line")
    return paired(
        *(inputs, output),
        listed=more,
        recursive=recursive,
        name=Naming(name, method) if name else None,
    )


def _check_together(
    pairs: "Sequence[FilePair]",
    dask: str | None,
    jobs: int,
    preview: Path | None,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    """Refuse --resume and --dask beside what they do not go with."""
    from w2s_cli.batch.dask_cluster import checked_address
    from w2s_cli.io.targets import STREAM

    if resume and overwrite:
        raise UsageError(
            "--overwrite does all anew, and --resume what is missing", hint="drop one"
        )
    if dask is not None:
        checked_address(dask)
    for option, asked in (("--resume", resume), ("--dask", dask)):
        if asked and any(STREAM in pair for pair in pairs):
            raise UsageError(
                f"{option} needs files, not standard input or output", hint="name them"
            )
    if dask and (jobs > 1 or preview):
        raise UsageError(
            f"--dask and {'--preview' if preview else '--jobs'} do not go together",
            hint="the number of workers is that of the cluster: --dask local:4"
            if jobs > 1
            else "restore the one file without --dask",
        )


def _check_preview(
    preview: Path | None, pairs: "Collection[FilePair]", *, overwrite: bool
) -> None:
    """Find out before the work whether there is one file to draw, and where to."""
    from w2s_cli.io.targets import STREAM

    if preview is None:
        return
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
    work: "RestoreWork",
    pairs: "Collection[FilePair]",
    jobs: int,
    preview: Path | None,
    dask: str | None,
    devices: "Sequence[str]",
    *,
    quiet: bool,
) -> "Reports[Outcome]":
    from w2s_cli.batch.jobs import each
    from w2s_cli.batch.resume import Kept
    from w2s_cli.batch.workers import each_in_workers
    from w2s_cli.pipeline.restoration import RestoreProgress

    if work.spec.train_on:
        work.fitted = fit_to_files(work.spec, work.chain, quiet=quiet)
    jobs = min(max(jobs, len(devices)), len(pairs))
    if jobs > 1 and not dask:
        return each_in_workers(pairs, [work.on(one) for one in devices], jobs)

    def one(source: Path, target: Path, **how: Any) -> "Outcome":
        with progress(source.name, quiet=quiet) as bar:
            shown = RestoreProgress(
                started=bar.start,
                tile=bar.advance,
                fit=FitDisplay(source.name, bar, quiet=quiet).of_channel,
            )
            outcome = work(source, target, progress=shown, **how)
        if preview and not isinstance(outcome, Kept):
            from w2s_cli.bench.preview import preview as draw

            draw(work.spec_of(source, target), source, outcome, preview)
        return outcome

    if dask:
        from w2s_cli.batch.dask_restore import each_in_dask

        return each_in_dask(pairs, work, dask, one)
    return each(pairs, one, partial(one, wait=True) if work.resume else None)
