"""Slices of two visits matched by arc length from the landmark, never by their number.

A visit's slices that count and follow each other cover a range of arc, from half a slice before the first to half a
slice past the last. A slice takes part in the comparison when it counts and its middle lies in a range of the other
visit; what is missing at one visit is so left out at both. A slice without an arc length, whose vessel shows no
landmark, lies nowhere and matches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from petproc.core.tables import SliceRow

TOLERANCE_MM = 1e-6

Range = tuple[float, float]


@dataclass(frozen=True)
class Matched:
    """Slices of either visit that take part; lengths of vessel covered by both visits and by one alone, mm."""

    baseline: tuple[SliceRow, ...]
    follow_up: tuple[SliceRow, ...]
    matched_mm: float
    unmatched_mm: float

    @property
    def unmatched_fraction(self) -> float:
        whole = self.matched_mm + self.unmatched_mm
        return self.unmatched_mm / whole if whole else 0.0


def match(baseline: Sequence[SliceRow], follow_up: Sequence[SliceRow]) -> Matched:
    """All slices of one region at both visits, matched; swapping the visits swaps the result and nothing else."""
    ranges = _ranges(baseline), _ranges(follow_up)
    both = sum(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a in ranges[0] for b in ranges[1])
    each = sum(stop - start for visit in ranges for start, stop in visit)
    return Matched(_within(baseline, ranges[1]), _within(follow_up, ranges[0]), both, max(0.0, each - 2.0 * both))


def placed(slices: Sequence[SliceRow]) -> list[tuple[float, SliceRow]]:
    """Slices that count, with flow, each with its arc length in mm; those without one are left out."""
    in_order = sorted(slices, key=lambda row: row.slice)
    return [(row.arc_mm, row) for row in in_order if row.counts and row.arc_mm is not None]


def _ranges(slices: Sequence[SliceRow]) -> list[Range]:
    """Ranges of arc covered by slices that count, apart from each other and in order."""
    found: list[Range] = []
    last = None
    for arc_mm, row in placed(slices):
        start, stop = arc_mm - row.slice_mm / 2.0, arc_mm + row.slice_mm / 2.0
        if found and (last == row.slice - 1 or start <= found[-1][1]):
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
        last = row.slice
    return found


def _within(slices: Sequence[SliceRow], ranges: Sequence[Range]) -> tuple[SliceRow, ...]:
    return tuple(
        row
        for arc_mm, row in placed(slices)
        if any(start - TOLERANCE_MM <= arc_mm <= stop + TOLERANCE_MM for start, stop in ranges)
    )
