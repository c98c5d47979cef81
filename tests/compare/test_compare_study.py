"""Changes worked by hand, the lock on the index vessel, and every way in which there is no number."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from acquisitions import acquired

from petproc.compare import INDEX_VESSEL, compare_study
from petproc.core.acquisition import PetAcquisition
from petproc.core.metrics import METRICS
from petproc.core.tables import ScanRow, SliceRow, UptakeRow, WorksheetRow
from petproc.core.worksheet import apply
from petproc.io import read_rows, write_rows
from petproc.settings import CompareSettings, QuantifySettings

ASCENDING, DESCENDING = "ascending_aorta", "descending_aorta"
QUANTIFY = QuantifySettings(regions=(ASCENDING, DESCENDING), further_metrics=tuple(METRICS))
COMPARE = CompareSettings()
BLOOD = 2.0
ACTIVE = "active_mean_tbr_max"


def scan_row(session, include="yes", reason=""):
    return ScanRow("01", session, "FDG", "1", "2", include, reason)


def vessel(session, region, tbr, *, blood=BLOOD, dropped=(), uptake_min=120.0, first_mm=0.0, slice_mm=5.0):
    """Slices `slice_mm` apart with these TBRmax (TBRmean half of it), and the rows of the uptake table."""
    slices = [
        SliceRow(
            *("01", session, region, n + 1, None),
            arc_mm=first_mm + slice_mm * n,
            n_voxel=20,
            area_mm2=320.0,
            accepted_fraction=1.0,
            uptake_min=uptake_min,
            suv_max=value * blood,
            suv_mean=value * blood / 2,
            tbr_max=value,
            tbr_mean=value / 2,
            hottest_i=0,
            hottest_j=0,
            hottest_k=0,
            slice_mm=slice_mm,
            flag=None,
            counts=n not in dropped,
            reason=None,
        )
        for n, value in enumerate(tbr)
    ]
    counting = [value for n, value in enumerate(tbr) if n not in dropped]
    mean = sum(counting) / len(counting)
    uptake = [
        UptakeRow(
            *("01", session, region, name),
            value=mean if name == "mean_tbr_max" else 1.0,
            unit=metric.unit,
            n_slice=len(counting),
            n_voxel=100,
            volume_ml=5.0,
            background_region="superior_vena_cava" if metric.needs_background else None,
            background_suv=blood if metric.needs_background else None,
            uptake_min=uptake_min,
            status="measured",
            reason=None,
        )
        for name, metric in METRICS.items()
    ]
    return slices, uptake


def blood_row(session, value):
    return UptakeRow(
        *("01", session, "superior_vena_cava", "blood_suv_mean"),
        value=value,
        unit="g/mL",
        n_slice=8,
        n_voxel=32,
        volume_ml=1.5,
        background_region=None,
        background_suv=None,
        uptake_min=120.0,
        status="measured",
        reason=None,
    )


def refused(rows, reason):
    return [replace(row, value=None, status="refused", reason=reason) for row in rows]


def compare(*vessels, scans=None, extra=(), settings=COMPARE, quantify=QUANTIFY, **more):
    slices = [row for cut, _ in vessels for row in cut]
    uptake = [row for _, rows in vessels for row in rows] + list(extra)
    scans = [scan_row("baseline"), scan_row("followup")] if scans is None else scans
    return compare_study(slices, uptake, scans, settings=settings, quantify=quantify, **more)


def row_of(compared, region, metric="mean_tbr_max"):
    (row,) = [row for row in compared.change if (row.region, row.metric) == (region, metric)]
    return row


def usual(**changes):
    """Ascending 2.0, 2.4, 2.2, 2.2 to 1.8, 2.2, 2.0, 2.0; descending 1.6 throughout, at both visits."""
    return [
        vessel("baseline", ASCENDING, [2.0, 2.4, 2.2, 2.2], **changes),
        vessel("followup", ASCENDING, [1.8, 2.2, 2.0, 2.0]),
        vessel("baseline", DESCENDING, [1.6, 1.6, 1.6]),
        vessel("followup", DESCENDING, [1.6, 1.6, 1.6]),
    ]


def test_change_is_follow_up_minus_baseline():
    row = row_of(compare(*usual()), ASCENDING)
    assert (row.baseline, row.follow_up) == (pytest.approx(2.2), pytest.approx(2.0))
    assert row.change == pytest.approx(-0.2)
    assert row.percent_change == pytest.approx(-100 * 0.2 / 2.2)
    assert (row.matched_mm, row.unmatched_mm, row.status, row.reason) == (20.0, 0.0, "measured", None)


def test_both_values_are_taken_over_the_slices_accepted_at_both_visits():
    vessels = usual()
    vessels[1] = vessel("followup", ASCENDING, [1.8, 2.2, 2.0, 2.0], dropped=[1])
    row = row_of(compare(*vessels), ASCENDING)
    assert row.baseline == pytest.approx((2.0 + 2.2 + 2.2) / 3)
    assert row.follow_up == pytest.approx((1.8 + 2.0 + 2.0) / 3)
    assert (row.matched_mm, row.unmatched_mm) == (15.0, 5.0)


def test_each_visit_is_divided_by_its_own_blood_pool():
    vessels = usual()
    vessels[1] = vessel("followup", ASCENDING, [1.8, 2.2, 2.0, 2.0], blood=1.0)
    compared = compare(*vessels)
    assert row_of(compared, ASCENDING).follow_up == pytest.approx(2.0)
    assert row_of(compared, ASCENDING, "mean_suv_max").follow_up == pytest.approx(2.0)
    assert row_of(compared, ASCENDING, "mean_suv_max").baseline == pytest.approx(4.4)


def test_ratios_are_compared_where_suv_is_not_known():
    vessels = [
        (
            [replace(row, suv_max=None, suv_mean=None) for row in slices],
            [replace(row, background_suv=None) for row in rows],
        )
        for slices, rows in usual()
    ]
    compared = compare(*vessels)
    assert row_of(compared, ASCENDING).change == pytest.approx(-0.2)
    assert row_of(compared, ASCENDING, "mean_suv_max").status == "refused"


def test_swapping_the_visits_gives_exactly_the_negative_change():
    vessels = usual(dropped=[3])
    swap = {"baseline": "followup", "followup": "baseline"}
    swapped = [tuple([replace(row, session=swap[row.session]) for row in rows] for rows in both) for both in vessels]
    there, back = compare(*vessels), compare(*swapped)
    for region in (ASCENDING, DESCENDING):
        for metric in set(METRICS) - {ACTIVE}:  # which looks at the places that the baseline chose
            one, other = row_of(there, region, metric), row_of(back, region, metric)
            assert (one.change is None) == (other.change is None)
            assert one.change is None or one.change == -other.change
            assert (one.baseline, one.matched_mm, one.unmatched_mm) == (
                other.follow_up,
                other.matched_mm,
                other.unmatched_mm,
            )


def test_the_index_vessel_is_the_highest_at_baseline():
    compared = compare(*usual())
    (choice,) = compared.index
    assert (choice.region, choice.margin) == (ASCENDING, pytest.approx(0.6))
    index = row_of(compared, INDEX_VESSEL)
    assert (index.change, index.reason, index.index_vessel) == (
        row_of(compared, ASCENDING).change,
        "ascending_aorta",
        True,
    )
    assert row_of(compared, ASCENDING).index_vessel
    assert not row_of(compared, DESCENDING).index_vessel
    assert compared.change[0].region == INDEX_VESSEL


def test_the_follow_up_never_changes_the_index_vessel():
    vessels = usual()
    vessels[1] = vessel("followup", ASCENDING, [0.5] * 4)
    vessels[3] = vessel("followup", DESCENDING, [9.0] * 3)
    compared = compare(*vessels)
    assert compared.index[0].region == ASCENDING
    assert row_of(compared, INDEX_VESSEL).follow_up == 0.5


def test_matching_never_changes_the_index_vessel():
    # Whole: 2.05 against 1.6. What both visits have of it: 1.5.
    vessels = usual()
    vessels[0] = vessel("baseline", ASCENDING, [3.7, 1.5, 1.5, 1.5])
    vessels[1] = vessel("followup", ASCENDING, [1.0] * 4, dropped=[0])
    compared = compare(*vessels)
    assert compared.index[0].region == ASCENDING
    assert row_of(compared, INDEX_VESSEL).baseline == pytest.approx(1.5)


def test_of_equal_candidates_the_first_named_is_taken_and_the_margin_noted():
    vessels = usual()
    vessels[2] = vessel("baseline", DESCENDING, [2.2] * 3)
    vessels[0] = vessel("baseline", ASCENDING, [2.2] * 4)
    compared = compare(*vessels, settings=CompareSettings(index_candidates=(DESCENDING, ASCENDING)))
    assert compared.index[0].region == DESCENDING
    assert "index-margin-small" in row_of(compared, INDEX_VESSEL).findings


def test_a_candidate_not_measured_leaves_the_participant_without_an_index_vessel():
    vessels = usual()
    vessels[2] = ([], refused(vessels[2][1], "needs-review: radius."))
    compared = compare(*vessels)
    row = row_of(compared, INDEX_VESSEL)
    assert (row.status, row.baseline, row.follow_up, row.change) == ("incomplete_candidates", None, None, None)
    assert row.reason == "descending_aorta is not measured at baseline (needs-review: radius.)"
    assert not row_of(compared, ASCENDING).index_vessel
    assert row_of(compared, ASCENDING).status == "measured"
    assert row_of(compared, DESCENDING).reason == "baseline: needs-review: radius."


def test_an_index_vessel_refused_at_follow_up_stays_the_index_vessel():
    vessels = usual()
    vessels[1] = ([], refused(vessels[1][1], "absent: cut off."))
    row = row_of(compare(*vessels), INDEX_VESSEL)
    assert (row.status, row.change) == ("refused", None)
    assert row.reason == "ascending_aorta: followup: absent: cut off."


def test_a_participant_with_one_visit_is_refused():
    compared = compare(*usual()[::2], scans=[scan_row("baseline")])
    assert {(row.status, row.change) for row in compared.change} == {("refused", None)}
    assert row_of(compared, ASCENDING).reason == "one-visit: no followup"
    assert row_of(compared, INDEX_VESSEL).reason == "ascending_aorta: one-visit: no followup"


def test_a_visit_left_out_by_a_person_leaves_the_pair_out():
    scans = [scan_row("baseline"), scan_row("followup", "no", "moved")]
    compared = compare(*usual(), scans=scans)
    assert {(row.status, row.change) for row in compared.change} == {("excluded", None)}
    assert row_of(compared, DESCENDING).reason == "followup: moved"


def test_too_few_slices_in_common_are_refused_with_the_length():
    vessels = usual()
    vessels[1] = vessel("followup", ASCENDING, [2.0] * 4, dropped=[2, 3])
    row = row_of(compare(*vessels), ASCENDING)
    assert (row.status, row.change) == ("refused", None)
    assert row.reason == (
        "too-few-slices: accepted at both visits are 2 slices of the baseline and 2 of the follow-up (10 mm); "
        "3 are needed."
    )


def test_percent_is_empty_where_the_baseline_is_zero():
    row = row_of(compare(*usual()), DESCENDING, "active_fraction")
    assert (row.baseline, row.change, row.percent_change, row.status) == (0.0, 0.0, None, "measured")


def test_a_metric_without_a_value_over_the_matched_slices_says_where():
    # Without the third slice, two stretches of two are left: too short for a segment of three.
    vessels = usual()
    vessels[0] = vessel("baseline", ASCENDING, [2.2] * 5)
    vessels[1] = vessel("followup", ASCENDING, [2.0] * 5, dropped=[2])
    row = row_of(compare(*vessels), ASCENDING, "mds_tbr_max")
    assert (row.status, row.change) == ("refused", None)
    assert row.reason == "not-defined: the slices matched have no value at baseline and followup."


def active_pair(before, after):
    """The row of the active slices' mean, of two ascending aortas."""
    return row_of(compare(before, after, *usual()[2:]), ASCENDING, ACTIVE)


def none_active(visit):
    """Its uptake table as quantify writes it: no slice reaches the cut-off."""
    slices, uptake = visit
    reason = "not-defined: these slices have no value of: mean TBRmax over the active slices."
    return slices, [row for row in uptake if row.metric != ACTIVE] + refused(
        [row for row in uptake if row.metric == ACTIVE], reason
    )


def test_active_slices_are_those_of_the_baseline_at_both_visits():
    # Active at baseline: the first two. At follow-up the same places read 1.8 and 2.2, and the last, 3.0, is not asked.
    row = active_pair(
        vessel("baseline", ASCENDING, [2.0, 2.4, 1.9, 1.9]), vessel("followup", ASCENDING, [1.8, 2.2, 1.5, 3.0])
    )
    assert (row.baseline, row.follow_up) == (pytest.approx(2.2), pytest.approx(2.0))
    assert row.change == pytest.approx(-0.2)
    assert (row.matched_mm, row.status, row.reason) == (20.0, "measured", None)


def test_a_follow_up_without_an_active_slice_still_has_a_mean_over_the_baselines():
    before = vessel("baseline", ASCENDING, [2.0, 2.4, 1.9, 1.9])
    after = none_active(vessel("followup", ASCENDING, [1.4, 1.2, 1.5, 1.5]))
    row = active_pair(before, after)
    assert (row.baseline, row.follow_up) == (pytest.approx(2.2), pytest.approx(1.3))
    compared = compare(before, after, *usual()[2:])
    assert row_of(compared, INDEX_VESSEL, ACTIVE).change == row.change
    # What each visit's own slices say stays as it was: two of four, then none.
    fraction = row_of(compared, ASCENDING, "active_fraction")
    assert (fraction.baseline, fraction.follow_up) == (0.5, 0.0)
    length = row_of(compared, ASCENDING, "active_length")
    assert (length.baseline, length.follow_up) == (10.0, 0.0)


def test_slices_that_lie_elsewhere_at_follow_up_are_active_where_the_nearest_of_the_baseline_is():
    # Baseline at 0, 5, 10, 15 mm, active at 5 alone: 2.5 to 7.5 mm. Follow-up at 1, 4, 7, 10, 13 mm: 4 and 7 lie there.
    row = active_pair(
        vessel("baseline", ASCENDING, [1.5, 3.0, 1.5, 1.5]),
        vessel("followup", ASCENDING, [1.0, 1.6, 2.0, 3.0, 1.1], first_mm=1.0, slice_mm=3.0),
    )
    assert (row.baseline, row.follow_up) == (pytest.approx(3.0), pytest.approx(1.8))


def test_of_two_slices_equally_near_the_first_with_flow_decides():
    # Follow-up at 2.5, 7.5, 12.5 mm, each half-way: 2.5 belongs to 0 (active), 7.5 to 5 (not), 12.5 to 10 (not).
    row = active_pair(
        vessel("baseline", ASCENDING, [2.0, 1.5, 1.5, 1.5]),
        vessel("followup", ASCENDING, [1.7, 1.2, 1.1], first_mm=2.5),
    )
    assert (row.baseline, row.follow_up) == (pytest.approx(2.0), pytest.approx(1.7))


def test_an_active_slice_that_the_follow_up_lacks_is_left_out_at_both():
    row = active_pair(
        vessel("baseline", ASCENDING, [2.0, 9.0, 2.4, 1.5]),
        vessel("followup", ASCENDING, [1.8, 9.0, 2.2, 1.5], dropped=[1]),
    )
    assert (row.baseline, row.follow_up) == (pytest.approx(2.2), pytest.approx(2.0))


def test_a_follow_up_slice_at_a_place_not_matched_stands_for_no_other_place():
    # Baseline at 0, 5, 10, 15 mm; the follow-up's last slice, of 1 mm, is at 17 mm: inside of what the baseline covers
    # (to 17.5), but the baseline's at 15 lies outside of what the follow-up covers (16.5 to 17.5). The active 10 mm,
    # though the nearest one matched, is not where 17 mm is.
    before = vessel("baseline", ASCENDING, [1.5, 1.5, 2.4, 1.5])
    slices, uptake = vessel("followup", ASCENDING, [1.2, 1.2, 2.0])
    far = replace(slices[-1], slice=9, arc_mm=17.0, slice_mm=1.0, suv_max=9.0 * BLOOD, tbr_max=9.0)
    row = active_pair(before, ([*slices, far], uptake))
    assert (row.baseline, row.follow_up) == (pytest.approx(2.4), pytest.approx(2.0))


def test_without_an_active_slice_at_baseline_there_is_no_mean_over_them():
    row = active_pair(
        none_active(vessel("baseline", ASCENDING, [1.9] * 4)), vessel("followup", ASCENDING, [2.5, 2.5, 2.5, 2.5])
    )
    assert (row.status, row.baseline, row.follow_up, row.change) == ("refused", None, None, None)
    assert row.reason == "not-defined: of the slices matched none is active at baseline (TBRmax >= 2)."


def test_an_active_place_that_no_slice_of_the_follow_up_is_nearest_to_has_no_mean():
    # Baseline every 2 mm, active at 4 mm alone; follow-up at 1, 6 and 11 mm.
    row = active_pair(
        vessel("baseline", ASCENDING, [1.5, 1.5, 2.4, 1.5, 1.5, 1.5, 1.5], slice_mm=2.0),
        vessel("followup", ASCENDING, [1.2, 1.2, 1.2], first_mm=1.0),
    )
    assert (row.status, row.change) == ("refused", None)
    assert row.reason == "not-defined: no slice of the follow-up lies at one that was active at baseline."


def test_a_follow_up_refused_as_a_whole_has_no_mean_over_the_active_slices():
    before, after = vessel("baseline", ASCENDING, [2.4] * 4), vessel("followup", ASCENDING, [2.0] * 4)
    row = active_pair(before, (after[0], refused(after[1], "needs-review: radius.")))
    assert (row.status, row.reason) == ("refused", "followup: needs-review: radius.")


def test_at_another_cut_off_other_slices_are_active():
    before, after = vessel("baseline", ASCENDING, [1.6, 2.4, 1.5]), vessel("followup", ASCENDING, [1.2, 2.0, 1.5])
    settings = QuantifySettings(regions=(ASCENDING, DESCENDING), active_tbr=1.6)
    (row,) = [
        row
        for row in compare(before, after, *usual()[2:], quantify=settings).change
        if (row.region, row.metric) == (ASCENDING, ACTIVE)
    ]
    assert (row.baseline, row.follow_up) == (pytest.approx(2.0), pytest.approx(1.6))


NO_LANDMARK = (
    "no-landmark: the arc length at {} counts from no landmark (the aorta's is at the height of the carina, a "
    "carotid's its bifurcation), so that places cannot be told apart between the visits. Give a CT, or labels, in "
    "which the aorta reaches to that height; mark the bifurcation among a carotid's points."
)


def without_landmark(visit):
    slices, uptake = visit
    return [replace(row, arc_mm=None) for row in slices], uptake


@pytest.mark.parametrize(
    ("lacking", "where"), [((0,), "baseline"), ((1,), "followup"), ((0, 1), "baseline and followup")]
)
def test_slices_without_a_landmark_are_not_compared(lacking, where):
    vessels = usual()
    for visit in lacking:
        vessels[visit] = without_landmark(vessels[visit])
    compared = compare(*vessels)
    for metric in METRICS:
        row = row_of(compared, ASCENDING, metric)
        assert (row.status, row.baseline, row.follow_up, row.change) == ("refused", None, None, None)
        assert row.reason == NO_LANDMARK.format(where)
    assert row_of(compared, DESCENDING).status == "measured"


def test_an_index_vessel_without_a_landmark_is_still_chosen_at_baseline_and_refused():
    vessels = usual()
    vessels[1] = without_landmark(vessels[1])
    compared = compare(*vessels)
    assert compared.index[0].region == ASCENDING
    row = row_of(compared, INDEX_VESSEL)
    assert (row.status, row.change, row.reason) == (
        "refused",
        None,
        "ascending_aorta: " + NO_LANDMARK.format("followup"),
    )


def test_a_missing_visit_and_a_vessel_not_measured_come_before_a_missing_landmark():
    vessels = usual()
    vessels[0] = without_landmark(vessels[0])
    vessels[1] = (vessels[1][0], refused(vessels[1][1], "needs-review: radius."))
    assert row_of(compare(*vessels), ASCENDING).reason == "followup: needs-review: radius."
    alone = compare(vessels[0], vessels[2], scans=[scan_row("baseline")])
    assert row_of(alone, ASCENDING).reason == "one-visit: no followup"


def test_the_blood_pool_is_an_outcome_of_its_own():
    compared = compare(*usual(), extra=[blood_row("baseline", 1.6), blood_row("followup", 2.4)])
    row = row_of(compared, "superior_vena_cava", "blood_suv_mean")
    assert (row.change, row.percent_change) == (pytest.approx(0.8), pytest.approx(50.0))
    assert row_of(compared, ASCENDING).findings == "blood-pool-differs"


@pytest.mark.parametrize(("minutes", "noted"), [(130.0, None), (130.1, "uptake-time-differs")])
def test_a_difference_in_uptake_time_is_noted_for_its_region(minutes, noted):
    vessels = usual()
    vessels[1] = vessel("followup", ASCENDING, [2.0] * 4, uptake_min=minutes)
    compared = compare(*vessels)
    assert row_of(compared, ASCENDING).findings == noted
    assert row_of(compared, DESCENDING).findings is None


def test_a_long_unmatched_stretch_is_noted():
    vessels = usual()
    vessels[1] = vessel("followup", ASCENDING, [2.0] * 4, dropped=[3])
    assert row_of(compare(*vessels), ASCENDING).findings == "unmatched-length"


def test_another_reconstruction_scanner_weight_or_dose_is_noted():
    time = datetime(2026, 1, 1, tzinfo=UTC)
    before = PetAcquisition(
        "FDG", "F18", 6586.2, 200e6, time, time, (time,), (1.0,), 70.0, 1.7, "M", "BQML", "START", "A", "1", "OSEM"
    )
    same = compare(*usual(), applied=at_visits(before, before))
    assert row_of(same, ASCENDING).findings is None
    after = replace(before, reconstruction="PSF", model="2", weight_kg=74.0, injected_activity_bq=250e6)
    other = compare(*usual(), applied=at_visits(before, after))
    assert row_of(other, ASCENDING).findings == "reconstruction-differs;scanner-differs;weight-differs;dose-differs"
    assert len(other.findings["01"]) == 4


def at_visits(before, after, *cells):
    """Both acquisitions, with what the worksheet says of each where `cells` do."""
    empty = [WorksheetRow("01", session, *(None,) * 11) for session in ("baseline", "followup")]
    rows = [replace(row, **said) for row, said in zip(empty, cells or ({}, {}), strict=True)]
    return {
        ("01", row.session): apply(acquisition, row, participant="01", session=row.session)
        for acquisition, row in zip((before, after), rows, strict=True)
    }


def test_what_the_worksheet_says_of_either_visit_is_compared():
    time = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
    tags = acquired([time + timedelta(hours=2)], injection=time)

    def codes(before, after):
        found = compare(*usual(), applied=at_visits(tags, tags, before, after)).findings["01"]
        return [finding.code for finding in found]

    assert codes({"glucose_mmol_l": 5.0}, {"glucose_mmol_l": 7.0}) == []
    assert codes({"glucose_mmol_l": 5.0}, {"glucose_mmol_l": 7.1}) == ["glucose-differs"]
    assert codes({"glucose_mmol_l": 5.0}, {}) == []
    assert codes({"weight_kg": 70.0}, {"weight_kg": 73.4}) == []
    assert codes({"weight_kg": 70.0}, {"weight_kg": 73.6}) == ["weight-differs"]
    assert codes({"dose_mbq": 200.0}, {"dose_mbq": 245.0, "residual_mbq": 4.0}) == ["dose-differs"]


def test_a_change_of_suv_has_the_unit_of_its_variant():
    compared = compare(
        *usual(), quantify=QUANTIFY.model_copy(update={"suv": "bsa"}), extra=[blood_row("baseline", 1.5)]
    )
    assert row_of(compared, ASCENDING, "mean_suv_max").unit == "cm2/mL"
    assert row_of(compared, INDEX_VESSEL, "mean_suv_max").unit == "cm2/mL"
    assert row_of(compared, "superior_vena_cava", "blood_suv_mean").unit == "cm2/mL"
    assert row_of(compared, ASCENDING).unit == "1"


def test_rows_come_in_order_of_participants_whatever_the_order_of_the_tables():
    vessels = usual()
    other = [tuple([replace(row, participant="02") for row in rows] for rows in both) for both in vessels]
    scans = [replace(scan_row(s), participant=p) for p in ("02", "01") for s in ("followup", "baseline")]
    one = compare(*vessels, *other, scans=scans)
    assert compare(*reversed(other), *reversed(vessels), scans=scans[::-1]) == one
    assert [choice.participant for choice in one.index] == ["01", "02"]


def test_tables_read_back_from_files_give_exactly_the_same_change(tmp_path):
    vessels = usual(dropped=[3])
    slices = [row for cut, _ in vessels for row in cut]
    uptake = [row for _, rows in vessels for row in rows]
    write_rows(tmp_path / "slices.tsv", slices, SliceRow)
    write_rows(tmp_path / "uptake.tsv", uptake, UptakeRow)
    again = compare_study(
        read_rows(tmp_path / "slices.tsv", SliceRow),
        read_rows(tmp_path / "uptake.tsv", UptakeRow),
        [scan_row("baseline"), scan_row("followup")],
        settings=COMPARE,
        quantify=QUANTIFY,
    )
    assert again == compare(*vessels)
