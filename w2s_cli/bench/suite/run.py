"""Every check that is for a method, one after another."""

from collections.abc import Iterable, Iterator, Sequence

from w2s_cli.bench.suite import ALL, CHECKS
from w2s_cli.bench.suite.finding import Outcome
from w2s_cli.bench.suite.setting import Setting, Subject
from w2s_cli.errors import UsageError
from w2s_cli.registry import Entry

SHIPPED = ("denoise", "jdsr")


def checks_named(words: Iterable[str]) -> list[Entry]:
    """Return the checks of some names, in the order of the registry.

    Raises
    ------
    UnknownNameError
        When there is no such check.
    """
    wanted = {*words}
    if wanted == {ALL}:
        return [*CHECKS]
    named = {CHECKS[word].name for word in wanted}
    return [entry for entry in CHECKS if entry.name in named]


def planned(
    subjects: Sequence[Subject], checks: Iterable[Entry]
) -> list[tuple[Entry, Subject]]:
    """Return which methods the checks are run on: those of their scale.

    Raises
    ------
    UsageError
        When a method has a scale of its own, or no check is for any method.
    """
    scales = {subject: subject.scale for subject in subjects}
    for subject, scale in scales.items():
        if scale not in (1, 2):
            raise UsageError(
                f"{subject.method} enlarges x{scale}",
                hint="the checks are for methods that keep the size or double it",
            )
    pairs = [
        (entry, subject)
        for entry in checks
        for subject, scale in scales.items()
        if entry.scale in (0, scale)
    ]
    if not pairs:
        raise UsageError(
            "none of these checks is for the methods that are named",
            hint="name a denoiser for the first of them, or leave the names out",
        )
    return pairs


def run(plan: Iterable[tuple[Entry, Subject]], setting: Setting) -> Iterator[Outcome]:
    """Yield what each check finds, when it is done.

    Raises
    ------
    W2SError
        When a method, its weights or an image cannot be had.
    """
    for entry, subject in plan:
        if missing := lacking(entry, setting):
            yield Outcome(entry.name, entry.summary, subject.method, missing=missing)
            continue
        findings = entry.load()(subject, setting)
        yield Outcome(entry.name, entry.summary, subject.method, findings)


def lacking(entry: Entry, setting: Setting) -> str:
    """Return what a check needs and has not; empty where it has all."""
    if not entry.needs or (setting.data and (setting.data / entry.needs).exists()):
        return ""
    where = f"not in {setting.data}" if setting.data else "no --data folder is named"
    return f"needs {entry.needs}: {where}"
