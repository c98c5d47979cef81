"""Slices of two visits matched by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from petproc.compare.match import match
from petproc.core.tables import SliceRow


def slices(arcs, *, dropped=(), slice_mm=3.0):
    """Slices with their middles at `arcs`; those whose arc is in `dropped` do not count."""
    return [
        SliceRow(
            *("01", "baseline", "descending_aorta", n + 1, None),
            arc_mm=arc,
            n_voxel=20,
            area_mm2=320.0,
            accepted_fraction=1.0,
            uptake_min=120.0,
            suv_max=4.0,
            suv_mean=2.0,
            tbr_max=2.0,
            tbr_mean=1.0,
            hottest_i=0,
            hottest_j=0,
            hottest_k=0,
            slice_mm=slice_mm,
            flag=None,
            counts=arc not in dropped,
            reason=None,
        )
        for n, arc in enumerate(arcs)
    ]


def arcs(rows):
    return [row.arc_mm for row in rows]


def test_equal_vessels_match_whole():
    one = slices([0.0, 3.0, 6.0, 9.0])
    found = match(one, one)
    assert (arcs(found.baseline), arcs(found.follow_up)) == ([0, 3, 6, 9], [0, 3, 6, 9])
    assert (found.matched_mm, found.unmatched_mm) == (12.0, 0.0)


def test_what_one_visit_lacks_at_an_end_is_left_out_at_the_other():
    found = match(slices([0.0, 3.0, 6.0, 9.0]), slices([6.0, 9.0, 12.0]))
    assert (arcs(found.baseline), arcs(found.follow_up)) == ([6, 9], [6, 9])
    # covered: -1.5 to 10.5 and 4.5 to 13.5; both: 6 mm; either alone: 6 + 3
    assert (found.matched_mm, found.unmatched_mm) == (6.0, 9.0)
    assert found.unmatched_fraction == 0.6


def test_a_slice_that_does_not_count_in_the_middle_is_left_out_at_both():
    found = match(slices([0.0, 3.0, 6.0, 9.0, 12.0]), slices([0.0, 3.0, 6.0, 9.0, 12.0], dropped=[6.0]))
    assert arcs(found.baseline) == arcs(found.follow_up) == [0, 3, 9, 12]
    assert (found.matched_mm, found.unmatched_mm) == (12.0, 3.0)


def test_slices_half_a_step_apart_still_match():
    found = match(slices([0.0, 3.0, 6.0]), slices([1.5, 4.5, 7.5]))
    # covered: -1.5 to 7.5 and 0 to 9
    assert (arcs(found.baseline), arcs(found.follow_up)) == ([0, 3, 6], [1.5, 4.5, 7.5])
    assert (found.matched_mm, found.unmatched_mm) == (7.5, 3.0)


def test_an_oblique_vessel_has_no_gaps_between_its_slices():
    # Planes 3 mm apart cut a vessel at 45 degrees every 4.24 mm; a slice of the other visit between two of them counts.
    found = match(slices([0.0, 4.24, 8.48]), slices([2.12, 6.36]))
    assert (arcs(found.baseline), arcs(found.follow_up)) == ([4.24], [2.12, 6.36])
    found = match(slices([0.0, 4.24, 8.48]), slices([0.0, 2.12, 6.36, 8.48]))
    assert len(found.baseline) == 3


def test_no_overlap_matches_nothing():
    found = match(slices([0.0, 3.0]), slices([30.0, 33.0]))
    assert (found.baseline, found.follow_up, found.matched_mm, found.unmatched_mm) == ((), (), 0.0, 12.0)


def test_no_slices_at_all_match_nothing():
    found = match([], slices([0.0, 3.0]))
    assert (found.matched_mm, found.unmatched_mm, found.unmatched_fraction) == (0.0, 6.0, 1.0)


def test_slices_without_an_arc_length_match_nothing():
    nowhere = [replace(row, arc_mm=None) for row in slices([0.0, 3.0])]
    found = match(nowhere, slices([0.0, 3.0, 6.0]))
    assert (found.baseline, found.follow_up, found.matched_mm, found.unmatched_mm) == ((), (), 0.0, 9.0)


@pytest.mark.parametrize("dropped", [(), (3.0,), (0.0, 9.0)])
def test_swapping_the_visits_swaps_the_slices_and_keeps_the_lengths(dropped):
    one, other = slices([0.0, 3.0, 6.0, 9.0], dropped=dropped), slices([2.0, 5.0, 8.0, 11.0, 14.0])
    there, back = match(one, other), match(other, one)
    assert (there.baseline, there.follow_up) == (back.follow_up, back.baseline)
    assert there.matched_mm == back.matched_mm
    assert there.unmatched_mm == back.unmatched_mm
