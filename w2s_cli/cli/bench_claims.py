"""How `w2s bench --claims` measures what a paper claims."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from w2s_cli.cli import completion
from w2s_cli.cli.commands import Command
from w2s_cli.cli.output import duration, note, print_result, table
from w2s_cli.cli.progress import progress
from w2s_cli.cli.typer_options import opt
from w2s_cli.errors import UsageError

if TYPE_CHECKING:
    from w2s_cli.bench.claims.claim import Claim
    from w2s_cli.bench.claims.suite import Suite
    from w2s_cli.bench.config import Row
    from w2s_cli.bench.run_bench import Selection

USUAL_CLAIMS = "w2s"

Claims = Annotated[
    str | None,
    opt(
        "Measure what a paper claims.  [w2s where none is named]",
        metavar="PAPER",
        complete=completion.claims,
    ),
]


class BenchCommand(Command):
    """The verb, whose option --claims may stand alone."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the paper where none is named."""
        if "--claims" in args:
            after = args.index("--claims") + 1
            if after == len(args) or args[after].startswith("-"):
                args = [*args[:after], USUAL_CLAIMS, *args[after:]]
        return super().parse_args(ctx, args)


def suite_of(claims: str | None, *, alone: bool) -> "Suite | None":
    """Return the claims of a paper, which name their own methods."""
    if claims is None:
        return None
    from w2s_cli.bench.claims import CLAIMS

    if not alone:
        raise UsageError(
            "--claims names the methods itself, and compares with no printed figure",
            hint="leave out --denoiser, --sr, --jdsr and --against, or --claims",
        )
    found: Suite = CLAIMS[claims].load()
    return found


def trained_for(
    suite: "Suite", selection: "Selection", given: Mapping[str, str], *, quiet: bool
) -> dict[str, str]:
    """Return the files that claims are about; what is not given is trained.

    Nothing is trained on the fields of view that judge.
    """
    if suite.trainings is None:
        return {}
    trainings = suite.trainings(suite.apart(selection))
    todo = [one for one in trainings if one.name not in given]
    if todo and not quiet:
        note(
            f"{', '.join(one.name for one in todo)} are trained first, unless they "
            f"were before: about {duration(sum(one.seconds for one in todo))} on one "
            "core; a training goes on where it was stopped"
        )
    found = {}
    with progress("", quiet=quiet) as bar:
        for one in todo:
            bar.rename(f"training {one.name}")
            weights = one.run(lambda done, total, _: bar.reach(done, total))
            found[one.name] = str(weights)
    return found


def time_of(suite: "Suite", selection: "Selection", rows: "list[Row]") -> str:
    """Say how long the claims of a paper take."""
    images = sum(selection.count(row) for row in rows)
    minutes = suite.minutes(selection, rows)
    return (
        f"{len(rows)} rows, {images} images to restore: about "
        f"{duration(60 * minutes)} on one core, less with --jobs; scores are kept, and "
        "it goes on where it was stopped"
    )


def print_claims(claims: "Sequence[Claim]") -> None:
    """Print the differences behind claims as a table, and each claim as a sentence."""
    from w2s_cli.bench.claims.claim import CLAIM_HEADS, claim_rows

    if claims:
        print_result()
        print_result(table([CLAIM_HEADS, *claim_rows(claims)]))
        print_result()
        for claim in claims:
            print_result(claim.sentence)
