"""The active slices of a change: chosen at the baseline, and the same places at the follow-up.

Slices chosen anew at each visit would be other places: those that cooled below the cut-off would drop out, and the
mean over the hot ones that are left would hide it. Definition: active slices at baseline, as in BMS-582949
(PMID 25913664).
"""

from __future__ import annotations

from collections.abc import Sequence

from petproc.compare.match import Matched, placed
from petproc.core.tables import SliceRow

ACTIVE_MEAN = "active_mean_tbr_max"
"""Metric of which a change takes the baseline's active slices at both visits; of a scan alone it takes its own."""

Slices = Sequence[SliceRow]


def active_slices(baseline: Slices, matched: Matched, active_tbr: float) -> tuple[Slices, Slices]:
    """Slices of the baseline and of the follow-up over which `ACTIVE_MEAN` is taken.

    Of the baseline, the matched slices with TBRmax of at least `active_tbr`; of the follow-up, the matched slices to
    which one of these is the nearest, by arc length, of all slices of the `baseline` that count (of two equally near
    ones the first with flow). A slice whose nearest is not matched so never stands for another place.
    """
    active = [row for row in matched.baseline if row.tbr_max is not None and row.tbr_max >= active_tbr]
    numbers = {row.slice for row in active}
    candidates = placed(baseline)

    def nearest(arc_mm: float) -> int:
        return min(candidates, key=lambda candidate: abs(candidate[0] - arc_mm))[1].slice

    return active, [row for arc_mm, row in placed(matched.follow_up) if nearest(arc_mm) in numbers]


def none_active(slices: tuple[Slices, Slices], active_tbr: float) -> str | None:
    """Why there is no mean over `active_slices`; None where there is one."""
    before, after = slices
    if not before:
        return f"not-defined: of the slices matched none is active at baseline (TBRmax >= {active_tbr:g})."
    return None if after else "not-defined: no slice of the follow-up lies at one that was active at baseline."
