"""The stage: of every metric of every vessel its lowest and highest value under small errors, and which change is less.

The value as measured is that of the uptake table; each variant is quantified anew, with the same settings and verdicts.
Opens no image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from petproc.core.errors import Refusal
from petproc.core.forked import map_forked
from petproc.core.metrics import METRICS
from petproc.core.regions import ORGANS
from petproc.core.tables import ChangeRow, FragilityRow, UptakeRow, Verdict
from petproc.fragility.interval import Found, Place, interval, unknown, with_changes
from petproc.fragility.variants import variants, worth_moving
from petproc.quantify import ScanTables, quantify_scan
from petproc.quantify.rows import words
from petproc.settings import Analysis, QuantifySettings

Scan = tuple[str, str]
"""Participant and session."""


def fragility_study(
    scans: Mapping[Scan, Callable[[], ScanTables]],
    uptake: Sequence[UptakeRow],
    change: Sequence[ChangeRow],
    analysis: Analysis,
    *,
    verdicts: Sequence[Verdict] = (),
    threads: int = 1,
) -> list[FragilityRow]:
    """Rows in the order of `uptake`, of its vessels and of scans left out, whatever the number of `threads`.

    `scans` has a reader for every included scan, with the columns that quantification needs and `columns_needed`;
    no more tables than threads are in memory. `uptake` and `change` are those of the same `analysis`.
    """
    measured: dict[Scan, list[UptakeRow]] = {}
    for row in uptake:
        if row.metric in METRICS or row.status == "excluded":
            measured.setdefault((row.participant, row.session), []).append(row)

    moves, settings = variants(analysis.fragility), _of_vessels(analysis.quantify)

    def one(scan: Scan) -> list[FragilityRow]:
        rows = measured[scan]
        if all(row.value is None for row in rows):
            return [interval(row, {}) for row in rows]
        own = [verdict for verdict in verdicts if (verdict.participant, verdict.session) == scan]
        try:
            kept = worth_moving(scans[scan](), settings, analysis.fragility)
        except Refusal as refusal:
            return [unknown(row, words(refusal)) for row in rows]
        found = {move.words: _values(quantify_scan(move.of(kept), move.under(settings), own).uptake) for move in moves}
        return [interval(row, found) for row in rows]

    return with_changes([row for rows in map_forked(one, list(measured), threads) for row in rows], change)


def _of_vessels(settings: QuantifySettings) -> QuantifySettings:
    """Without organs, and without the second blood pool, by which nothing is divided."""
    background = settings.background.model_copy(update={"second_regions": ()})
    regions = tuple(region for region in settings.regions if region not in ORGANS)
    return settings.model_copy(update={"regions": regions, "background": background})


def _values(uptake: Sequence[UptakeRow]) -> dict[Place, Found]:
    return {(row.region, row.metric): (row.value, row.reason) for row in uptake if row.metric in METRICS}
