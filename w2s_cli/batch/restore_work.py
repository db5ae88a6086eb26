"""The restoration of one of many files, here or in another process."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from w2s_cli.batch.jobs import FilePair
from w2s_cli.batch.resume import Kept, note_record, restore_missing, why_redone
from w2s_cli.pipeline.file_restoration import (
    FileReport,
    Spread,
    plan_file,
    restore_file,
)
from w2s_cli.pipeline.restoration import RestoreProgress
from w2s_cli.pipeline.shared_fitting import FittedMethods, fit_files
from w2s_cli.pipeline.spec import RestoreSpec
from w2s_cli.restorers.chain import Chain

Outcome: TypeAlias = FileReport | Kept


@dataclass
class RestoreWork:
    """How files are restored; what is loaded for it stays in the process."""

    spec: RestoreSpec
    chain: Chain
    resume: bool = False
    folder: Path | None = None  # of the outputs, where it is one
    # Of the files that are not as in `spec`: images of a series
    specs: Mapping[FilePair, RestoreSpec] = field(default_factory=dict)
    fitted: FittedMethods | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out what each process loads for itself."""
        return _loaded, (self.spec, self.resume, self.folder, self.specs)

    def on(self, device: str) -> "RestoreWork":
        """Return the same work, on another device."""
        specs = {pair: replace(one, device=device) for pair, one in self.specs.items()}
        return replace(self, spec=replace(self.spec, device=device), specs=specs)

    def spec_of(self, source: Path, target: Path) -> RestoreSpec:
        """Return how a file is restored."""
        return self.specs.get((source, target), self.spec)

    def is_done(self, source: Path, target: Path) -> bool:
        """Return whether an output is the very result."""
        spec = self.spec_of(source, target)
        return not why_redone(spec, self.chain, source, target, self.folder)

    def plan(self, source: Path, target: Path) -> Outcome:
        """Return what would be done."""
        spec = self.spec_of(source, target)
        if self.resume:
            if self.is_done(source, target):
                return Kept(source, target)
            spec = replace(spec, overwrite=True)
        return plan_file(spec, self.chain, source, target)

    def __call__(
        self,
        source: Path,
        target: Path,
        *,
        wait: bool = False,
        progress: RestoreProgress | None = None,
        spread: Spread | None = None,
    ) -> Outcome:
        """Restore a file, or keep what is there of it."""
        spec = self.spec_of(source, target)
        if self.resume:
            return restore_missing(
                *(spec, self.chain, source, target),
                folder=self.folder,
                fitted=self.fitted,
                progress=progress,
                wait=wait,
                spread=spread,
            )
        report = restore_file(
            *(spec, self.chain, source, target),
            fitted=self.fitted,
            progress=progress,
            into_folder=self.folder is not None,
            spread=spread,
        )
        note_record(report, self.folder)
        return report


def _loaded(
    spec: RestoreSpec,
    resume: bool,
    folder: Path | None,
    specs: Mapping[FilePair, RestoreSpec],
) -> RestoreWork:
    chain = spec.chain()
    # What was learned before is in the cache.
    fitted = fit_files(spec, chain, spec.train_on) if spec.train_on else None
    return RestoreWork(spec, chain, resume, folder, specs, fitted)
