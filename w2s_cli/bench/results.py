"""The outcome of a bench: the rows, what their figures mean, and the papers' beside."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from math import isfinite
from typing import Any

from w2s_cli import __version__
from w2s_cli.bench.claims.claim import Claim
from w2s_cli.bench.config import NOISY, MethodConfig, Row, chain_of
from w2s_cli.bench.published_tables import Table, lacking, printed, tables_for, unlike
from w2s_cli.bench.run_bench import MethodResult, Selection
from w2s_cli.bench.scores.convention import PROTOCOLS, stated
from w2s_cli.bench.scores.intervals import FEWEST, too_narrow
from w2s_cli.errors import few
from w2s_cli.methods.build import chain_record, weights_for


@dataclass(frozen=True)
class BenchResult:
    """All that a bench has found out."""

    rows: Sequence[MethodResult]  # the scores, in the order of the table
    selection: Selection  # of images
    config: MethodConfig  # how they were scored
    protocol: str  # the name that the convention started from
    with_papers: bool = False  # whether the figures of the papers stand beside
    claims: Sequence[Claim] = ()  # what was asked of the rows, with the verdicts
    rests: Collection[tuple[str, int | None, str]] = ()  # row, level, metric of claims
    # the metrics that were asked for by name; None for all, where nothing is claimed
    asked: Collection[str] | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the metrics, in the order of the columns."""
        return self.config.metrics

    @cached_property
    def tables(self) -> list[Table]:
        """Return the printed tables that the rows may be compared with."""
        return self._tables_by(self.protocol) if self.with_papers else []

    def _tables_by(self, protocol: str) -> list[Table]:
        kind = self.selection.data.name
        return [
            table
            for scale in sorted({measured.row.scale for measured in self.rows})
            for table in tables_for(kind, self.part, scale, protocol)
        ]

    def printed(self, measured: MethodResult) -> dict[str, float]:
        """Return the figures that a paper has printed for a row, by metric."""
        return printed(measured.row, self.part, self.tables)

    @property
    def part(self) -> str:
        """Return the part of the data set that all images are of; empty for several."""
        names = {one.name for measured in self.rows for one in measured.images}
        parts = {name.partition("/")[0] for name in names if "/" in name}
        return parts.pop() if len(parts) == 1 else ""

    @property
    def stated(self) -> dict[str, str]:
        """Return what a reader must know beside the numbers, by subject."""
        data = self.selection.data
        convention = stated(self.config.convention)
        noise = "known to the data set" if self.config.known_noise else "estimated"
        facts = {
            "data": f"{data.title} ({data.place})",
            "split": self.selection.split,
            "noise": f"{noise}, for methods that need it",
        }
        if drawn := self._drawn():
            facts["simulated"] = drawn
        facts |= self._weights()
        if options := dict.fromkeys(o for one in self.rows for o in one.row.options):
            facts["options"] = ", ".join(options)
        convention["pixels"] += (
            "; where the data set knows of clipped ones, without them"
        )
        return facts | convention

    @property
    def whole(self) -> bool:
        """Return whether all that was asked for is there.

        That are all images, and the means that claims rest on, or that the table was
        asked for.
        """
        return not any(
            one.failed
            or any(one.without(m) for m in self.metrics if self._counts(one.row, m))
            for one in self.rows
        )

    def _counts(self, row: Row, metric: str) -> bool:
        """Return whether a mean was asked for; that of the noisy image never was."""
        if (row.name, row.level, metric) in self.rests:
            return True
        asked = self.metrics if self.asked is None else self.asked
        return metric in asked and row.name != NOISY

    @property
    def remarks(self) -> list[str]:
        """Return what speaks against taking the table at its word, a line each."""
        remarks = [
            f"{one.row.name} at level {one.row.level}: {len(one.failed)} of "
            f"{len(one.images)} images were refused, the first {one.failed[0].name}: "
            f"{one.failed[0].error}"
            for one in self.rows
            if one.failed
        ]
        for one in self.rows:
            for metric in self.metrics:
                names = [image.name for image in one.without(metric) if not image.error]
                if names:
                    idle = ""
                    if not self._counts(one.row, metric):
                        idle = "; nothing that was asked for rests on it"
                    remarks.append(
                        f"{one.row.name} at level {one.row.level}: {metric} has no "
                        f"finite value, and so no mean, for {few(names)}{idle}"
                    )
        fields = {image.group for one in self.rows for image in one.images}
        if 1 < len(fields) < FEWEST:
            remarks.append(too_narrow(len(fields)))
        return [*remarks, *self._papers()] if self.with_papers else remarks

    def as_json(self) -> dict[str, Any]:
        """Return the result as a JSON object; what is not finite is null."""
        rows = []
        for measured in self.rows:
            papers = {"printed": self.printed(measured)} if self.with_papers else {}
            images = [asdict(one) for one in measured.images]
            for image in images:
                values = image["scores"].items()
                image["scores"] = {k: v if isfinite(v) else None for k, v in values}
            rows.append({**measured.as_json(self.metrics), **papers, "scores": images})
        return {
            "version": __version__,
            "protocol": self.protocol,
            "stated": self.stated,
            "convention": self.config.convention.as_json(),
            "tables": [table.title for table in self.tables],
            "rows": rows,
            "claims": [claim.as_json() for claim in self.claims],
            "remarks": self.remarks,
        }

    def _weights(self) -> dict[str, str]:
        """Return which weights the methods have used that need some."""
        used: dict[str, dict[str, None]] = {}
        for row in dict.fromkeys(one.row for one in self.rows):
            links = chain_record(row.method, chain_of(self.config.of(row)))
            taken = iter(weights_for(row.method, {}) and row.weights)
            for link in links:
                takes = bool(weights_for(link["method"], {}))
                file = next(taken, None) if takes else None
                if digest := link.get("weights_sha256"):
                    name = link.get("weights", "those that ship")
                    size = f", {link['compact']}" if "compact" in link else ""
                    words = f"{file or name}{size}, SHA-256 {digest[:12]}"
                    used.setdefault(link["method"], {})[words] = None
        return {f"weights of {name}": "; ".join(of) for name, of in used.items()}

    def _drawn(self) -> str:
        """Return which levels no camera has recorded; empty for none."""
        drawn = {one.row.level for one in self.rows} & {*self.selection.data.drawn}
        levels = ", ".join(map(str, sorted(drawn)))
        return f"the noise of level {levels}, drawn on the truth" if drawn else ""

    def _papers(self) -> Iterator[str]:
        """Yield why the printed figures are not of the same images, or scores."""
        data, split = self.selection.data, self.selection.split
        if not self.tables:
            refused = "z" if self.config.eight_bit else "unit"
            other = [
                name
                for name, one in PROTOCOLS.items()
                if one.unit != refused and self._tables_by(name)
            ]
            yield (
                f"no printed table is of {data.name} by the protocol {self.protocol} "
                "at this scale"
                + f", but by --protocol {' or '.join(other)}"
                * bool(other)
            )
            return
        wanted = dict.fromkeys(table.split for table in self.tables)
        if split not in wanted:
            yield f"the papers score the {' or '.join(wanted)} split, this is {split}"
        # Noise2SR has drawn its noise, too
        if data.name != "fmd-simulated" and (drawn := self._drawn()):
            yield f"the papers' images were recorded; simulated: {drawn}"
        names = [name for name in data.expected if name in data.splits.get(split, ())]
        fewest = min(len(measured.images) for measured in self.rows)
        if fewest < len(names):
            yield f"the papers score {len(names)} images, {fewest} of them are here"
        if self.config.convention != PROTOCOLS[self.protocol]:
            yield (
                f"the papers score by the protocol {self.protocol} as it is, this is "
                "another range, window or fit"
            )
        rows = [measured.row for measured in self.rows]
        yield from unlike(rows, self.tables)
        yield from lacking(rows, self.tables)
