"""Slices of a change that are chosen at the baseline, and the same places at the follow-up.

Active slices chosen anew at each visit would be other places: those that cooled below the cut-off would drop out, and
the mean over the hot ones that are left would hide it. Definition: active slices at baseline, as in BMS-582949
(PMID 25913664). The most-diseased segment can be locked in the same way where an analysis says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from petproc.compare.match import Matched, placed
from petproc.core.measure import most_diseased_slices
from petproc.core.tables import SliceRow
from petproc.settings import QuantifySettings

ACTIVE_MEAN = "active_mean_tbr_max"
"""Metric of which a change takes the baseline's active slices at both visits; of a scan alone it takes its own."""
MDS = "mds_tbr_max"
"""Metric of which a change may take the baseline's most-diseased segment at both visits."""

Slices = Sequence[SliceRow]


class Chosen(NamedTuple):
    """Slices of either visit over which a metric is taken; `reason` why there is no mean over them."""

    baseline: Slices
    follow_up: Slices
    reason: str | None


def chosen_slices(
    baseline: Slices, matched: Matched, settings: QuantifySettings, *, lock_mds: bool
) -> dict[str, Chosen]:
    """By metric, of those whose slices the baseline chooses; `baseline` are all of its slices."""
    found = {ACTIVE_MEAN: active_slices(baseline, matched, settings.active_tbr)}
    if lock_mds:
        found[MDS] = locked_segment(baseline, matched, settings.segment_mm)
    return found


def active_slices(baseline: Slices, matched: Matched, active_tbr: float) -> Chosen:
    """Of the baseline, the matched slices with TBRmax of at least `active_tbr`; of the follow-up the same places."""
    active = [row for row in matched.baseline if row.tbr_max is not None and row.tbr_max >= active_tbr]
    there = _same_places(baseline, active, matched)
    if not active:
        return Chosen(
            active, there, f"not-defined: of the slices matched none is active at baseline (TBRmax >= {active_tbr:g})."
        )
    why = "not-defined: no slice of the follow-up lies at one that was active at baseline."
    return Chosen(active, there, None if there else why)


def locked_segment(baseline: Slices, matched: Matched, segment_mm: float) -> Chosen:
    """The most-diseased segment of the matched slices at baseline, and the same places at the follow-up."""
    segment = most_diseased_slices(matched.baseline, segment_mm)
    there = _same_places(baseline, segment, matched)
    if not segment:
        why = "not-defined: the slices matched are too short for a most-diseased segment at baseline."
        return Chosen(segment, there, why)
    why = "not-defined: no slice of the follow-up lies at the baseline's most-diseased segment."
    return Chosen(segment, there, None if there else why)


def _same_places(baseline: Slices, chosen: Slices, matched: Matched) -> Slices:
    """Matched slices of the follow-up to which one of `chosen` is the nearest, by arc length, of all slices of the
    `baseline` that count (of two equally near ones the first with flow). A slice whose nearest is not matched so never
    stands for another place."""
    numbers = {row.slice for row in chosen}
    candidates, there = placed(baseline), placed(matched.follow_up)
    if not candidates or not there:
        return []
    arcs = np.array([arc_mm for arc_mm, _ in candidates])
    nearest = np.abs(arcs - np.array([arc_mm for arc_mm, _ in there])[:, None]).argmin(axis=1).tolist()
    return [row for (_, row), at in zip(there, nearest, strict=True) if candidates[at][1].slice in numbers]
