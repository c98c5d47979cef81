"""The mean over all vessels: a companion of the index vessel that nothing chose, so that regression to the mean does
not move it.

Every target region of the analysis weighs the same, whatever its length. Where one is not measured at both visits there
is no mean: that over fewer vessels would be another quantity.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace

from petproc.compare.pair import Pair, changed_row, empty_row
from petproc.core.measure import unit_by
from petproc.core.metrics import METRICS
from petproc.core.regions import REGIONS
from petproc.core.tables import ChangeRow
from petproc.settings import CompareSettings, QuantifySettings

ALL_VESSELS = "all_vessels"
"""Region under which the mean over all target vessels stands in the change table."""


def all_vessels_rows(
    pair: Pair, rows: Sequence[ChangeRow], settings: CompareSettings, quantify: QuantifySettings
) -> list[ChangeRow]:
    """A participant's row in the metric of the index vessel, from `rows` of its regions; none without a target."""
    metric = settings.index_metric
    targets = [name for name in quantify.regions if REGIONS[name].target]
    if not targets:
        return []
    own = {row.region: row for row in rows if row.metric == metric and row.region in targets}
    row = empty_row(pair.participant, ALL_VESSELS, metric, unit_by(quantify.suv, METRICS[metric].unit))
    if pair.missing:
        return [replace(row, status=pair.missing[0], reason=pair.missing[1])]
    if lacking := [name for name in targets if own[name].change is None]:
        why = "; ".join(f"{name} is not measured at both visits ({own[name].reason})" for name in lacking)
        return [replace(row, status="incomplete", reason=why)]
    before = statistics.fmean(own[name].baseline or 0.0 for name in targets)
    after = statistics.fmean(own[name].follow_up or 0.0 for name in targets)
    codes = dict.fromkeys(code for name in targets for code in (own[name].findings or "").split(";") if code)
    row = replace(
        row,
        matched_mm=sum(own[name].matched_mm or 0.0 for name in targets),
        unmatched_mm=sum(own[name].unmatched_mm or 0.0 for name in targets),
        findings=";".join(codes) or None,
    )
    return [changed_row(row, before, after)]
