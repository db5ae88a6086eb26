"""The restoration of one of many files, here or in another process."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from w2s_cli.batch.jobs import FilePair
from w2s_cli.batch.journal import Event, records
from w2s_cli.batch.resume import Kept, restore_missing, why_redone
from w2s_cli.io.fingerprints import KEY
from w2s_cli.pipeline.file_restoration import FileReport, plan_file, restore_file
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
    into_folder: bool = False
    # Of the files that are not as in `spec`: images of a series
    specs: Mapping[FilePair, RestoreSpec] = field(default_factory=dict)
    # What journals say of outputs of formats that hold no record
    known: Mapping[Path, Event] = field(default_factory=dict)
    fitted: FittedMethods | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out what each process loads for itself."""
        return _loaded, (
            *(self.spec, self.resume, self.into_folder, self.specs, self.known),
        )

    def on(self, device: str) -> "RestoreWork":
        """Return the same work, on another device."""
        specs = {pair: replace(one, device=device) for pair, one in self.specs.items()}
        return replace(self, spec=replace(self.spec, device=device), specs=specs)

    def learn_from(self, folder: Path) -> None:
        """Look up, to resume, what journals say of outputs that hold no record."""
        if not self.resume:
            return
        made = ((folder / name, event) for name, event in records(folder).items())
        self.known = {path: event for path, event in made if KEY in event}

    def spec_of(self, source: Path, target: Path) -> RestoreSpec:
        """Return how a file is restored."""
        return self.specs.get((source, target), self.spec)

    def plan(self, source: Path, target: Path) -> Outcome:
        """Return what would be done."""
        spec = self.spec_of(source, target)
        if self.resume:
            known = self.known.get(target)
            if not why_redone(spec, self.chain, source, target, known):
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
    ) -> Outcome:
        """Restore a file, or keep what is there of it."""
        spec = self.spec_of(source, target)
        if not self.resume:
            return restore_file(
                *(spec, self.chain, source, target),
                fitted=self.fitted,
                progress=progress,
                into_folder=self.into_folder,
            )
        return restore_missing(
            *(spec, self.chain, source, target),
            known=self.known.get(target),
            fitted=self.fitted,
            progress=progress,
            into_folder=self.into_folder,
            wait=wait,
        )


def _loaded(
    spec: RestoreSpec,
    resume: bool,
    into_folder: bool,
    specs: Mapping[FilePair, RestoreSpec],
    known: Mapping[Path, Event],
) -> RestoreWork:
    chain = spec.chain()
    # What was learned before is in the cache.
    fitted = fit_files(spec, chain, spec.train_on) if spec.train_on else None
    return RestoreWork(spec, chain, resume, into_folder, specs, known, fitted)
