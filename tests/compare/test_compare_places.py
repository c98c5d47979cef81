"""The most-diseased segment found anew or locked to its place, the mean over all vessels, and two invariances."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_compare_study import (
    ASCENDING,
    DESCENDING,
    QUANTIFY,
    compare,
    refused,
    row_of,
    scan_row,
    usual,
    vessel,
)

from petproc.compare import ALL_VESSELS, INDEX_VESSEL
from petproc.core.metrics import METRICS
from petproc.settings import CompareSettings

MDS = "mds_tbr_max"
LOCKED = CompareSettings(mds="locked")
MOVED = ([2.0, 3.0, 2.0, 1.0, 1.0, 1.0], [1.0, 1.2, 1.1, 2.0, 2.5, 2.0])
"""A hot place that cools, and another that warms."""


def pair(before, after, **changes):
    return [vessel("baseline", ASCENDING, before), vessel("followup", ASCENDING, after, **changes), *usual()[2:]]


def test_a_segment_found_anew_is_that_of_each_visit():
    row = row_of(compare(*pair(*MOVED)), ASCENDING, MDS)
    assert (row.baseline, row.follow_up) == (pytest.approx(7 / 3), pytest.approx(6.5 / 3))


def test_a_locked_segment_is_measured_at_the_baselines_place():
    row = row_of(compare(*pair(*MOVED), settings=LOCKED), ASCENDING, MDS)
    assert (row.baseline, row.follow_up) == (pytest.approx(7 / 3), pytest.approx(1.1))
    assert row.status == "measured"


def test_locking_moves_no_other_number():
    there, locked = (compare(*pair(*MOVED), settings=CompareSettings(mds=how)) for how in ("refound", "locked"))
    changed = {row.metric for row, other in zip(there.change, locked.change, strict=True) if row != other}
    assert changed == {MDS}


def test_a_locked_place_is_where_the_nearest_slice_of_the_baseline_is():
    # Baseline at 0, 5, 10, ...: its segment is 0 to 10. Follow-up every 3 mm from 1: 1, 4, 7, 10 lie there, 13 not.
    after = [1.0, 2.0, 3.0, 4.0, 9.0, 9.0, 9.0, 9.0, 9.0]
    row = row_of(compare(*pair(MOVED[0], after, first_mm=1.0, slice_mm=3.0), settings=LOCKED), ASCENDING, MDS)
    assert row.follow_up == pytest.approx(10 / 4)


def test_what_a_follow_up_lacks_is_left_out_of_a_locked_segment_at_both():
    # Of 0 to 25 mm the follow-up lacks 10: three in a row are left from 15 on, though the hottest are 0 to 10.
    row = row_of(compare(*pair(MOVED[0], [1.0, 1.2, 9.0, 1.1, 1.3, 1.2], dropped=[2]), settings=LOCKED), ASCENDING, MDS)
    assert (row.baseline, row.follow_up) == (pytest.approx(1.0), pytest.approx(1.2))


def test_a_follow_up_too_broken_for_a_segment_of_its_own_is_still_measured_at_the_baselines():
    # Follow-up at 0, 14 and 21 mm, in slices of 7 mm. Of the baseline, every 3 mm, 0 to 3 and 12 to 24 mm match.
    before = vessel("baseline", ASCENDING, [1.0] * 4 + [2.0, 2.0, 3.0, 2.0, 2.0] + [1.0] * 3, slice_mm=3.0)
    slices, uptake = vessel("followup", ASCENDING, [1.0, 9.0, 1.2, 1.3], slice_mm=7.0, dropped=[1])
    uptake = [line for line in uptake if line.metric != MDS] + refused(
        [line for line in uptake if line.metric == MDS], "not-defined: no stretch of three."
    )
    row = row_of(compare(before, (slices, uptake), *usual()[2:], settings=LOCKED), ASCENDING, MDS)
    assert (row.baseline, row.follow_up) == (pytest.approx(2.2), pytest.approx(1.25))
    anew = row_of(compare(before, (slices, uptake), *usual()[2:]), ASCENDING, MDS)
    assert (anew.status, anew.change) == ("refused", None)


def test_without_a_segment_at_baseline_there_is_no_locked_one():
    broken = pair([2.2] * 5, [2.0] * 5, dropped=[2])
    row = row_of(compare(*broken, settings=LOCKED), ASCENDING, MDS)
    assert (row.status, row.change) == ("refused", None)
    assert row.reason == "not-defined: the slices matched are too short for a most-diseased segment at baseline."


def test_all_vessels_is_the_mean_of_every_target_whatever_its_length():
    row = row_of(compare(*usual()), ALL_VESSELS)
    # Ascending 2.2 to 2.0 over 20 mm, descending 1.6 to 1.6 over 15 mm.
    assert (row.baseline, row.follow_up, row.change) == (pytest.approx(1.9), pytest.approx(1.8), pytest.approx(-0.1))
    assert row.percent_change == pytest.approx(-100 * 0.1 / 1.9)
    assert (row.matched_mm, row.unmatched_mm, row.index_vessel, row.status) == (35.0, 0.0, False, "measured")


def test_all_vessels_holds_the_findings_of_every_one():
    vessels = usual()
    vessels[3] = vessel("followup", DESCENDING, [1.6] * 3, uptake_min=140.0)
    assert row_of(compare(*vessels), ALL_VESSELS).findings == "uptake-time-differs"


def test_one_vessel_missing_leaves_all_vessels_incomplete_and_no_number():
    vessels = usual()
    vessels[3] = ([], refused(vessels[3][1], "absent: cut off."))
    row = row_of(compare(*vessels), ALL_VESSELS)
    assert (row.status, row.baseline, row.follow_up, row.change) == ("incomplete", None, None, None)
    assert row.reason == "descending_aorta is not measured at both visits (followup: absent: cut off.)"


def test_a_pair_left_out_leaves_out_all_vessels():
    row = row_of(compare(*usual(), scans=[scan_row("baseline"), scan_row("followup", "no", "moved")]), ALL_VESSELS)
    assert (row.status, row.reason) == ("excluded", "followup: moved")


def test_all_vessels_follows_the_metric_of_the_index_vessel():
    compared = compare(*usual(), settings=CompareSettings(index_metric="mean_csuv_max"))
    # (2.2 - 1) x 2 and (1.6 - 1) x 2 g/mL at baseline.
    row = row_of(compared, ALL_VESSELS, "mean_csuv_max")
    assert (row.baseline, row.unit) == (pytest.approx(1.8), "g/mL")
    assert not [row for row in compared.change if (row.region, row.metric) == (ALL_VESSELS, "mean_tbr_max")]


tbr = st.lists(st.floats(0.5, 4.0), min_size=5, max_size=9)


@given(tbr, tbr, tbr, tbr)
def test_follow_ups_exchanged_between_vessels_never_move_the_index_vessel(a, b, c, d):
    def chosen(first, second):
        vessels = [vessel("baseline", ASCENDING, a), vessel("baseline", DESCENDING, b)]
        compared = compare(*vessels, vessel("followup", ASCENDING, first), vessel("followup", DESCENDING, second))
        return compared.index[0], row_of(compared, INDEX_VESSEL)

    (one, row), (other, swapped) = chosen(c, d), chosen(d, c)
    assert one == other
    if row.status == swapped.status == "measured" and len(c) == len(d):
        assert row.baseline == swapped.baseline


@given(tbr, tbr, st.floats(1.0, 3.0), st.floats(1.0, 3.0), st.sets(st.integers(0, 8), max_size=3))
def test_swapping_the_visits_gives_exactly_the_negative_of_every_change(before, after, blood, other_blood, dropped):
    """But of the active slices, which look at the places that the baseline chose."""
    visits = [
        vessel("baseline", ASCENDING, before, blood=blood, dropped=[n for n in dropped if n < len(before) - 2]),
        vessel("followup", ASCENDING, after, blood=other_blood, first_mm=1.5),
        *usual()[2:],
    ]
    swap = {"baseline": "followup", "followup": "baseline"}
    swapped = [tuple([replace(row, session=swap[row.session]) for row in rows] for rows in both) for both in visits]
    there, back = compare(*visits), compare(*swapped)
    for region, metrics in ((ASCENDING, QUANTIFY.metrics), (ALL_VESSELS, ("mean_tbr_max",))):
        for metric in set(metrics) - {"active_mean_tbr_max"}:
            one, other = row_of(there, region, metric), row_of(back, region, metric)
            assert (one.status, one.baseline, one.follow_up) == (other.status, other.follow_up, other.baseline)
            assert one.change is None or one.change == -other.change
    assert set(QUANTIFY.metrics) == set(METRICS)
