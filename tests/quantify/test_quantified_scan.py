"""Numbers of a hand-made scan, worked by hand; and what must not change them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hand_made import AORTA, CAVA, scan_of
from hypothesis import given
from hypothesis import strategies as st

from petproc.core.measure import BLOOD
from petproc.core.metrics import METRICS
from petproc.core.tables import ScanRow
from petproc.quantify import excluded_rows, quantify_scan, quantify_study
from petproc.settings import QuantifySettings

ONLY_DESCENDING = QuantifySettings(regions=("descending_aorta",), further_metrics=tuple(METRICS))


def values(result, region="descending_aorta"):
    return {row.metric: row.value for row in result.uptake if row.region == region}


def test_every_metric_has_the_value_worked_by_hand(scan):
    # 20 planes, TBRmax_k = 2 + 0.1 k; SUV is half a TBR unit each. In each plane 21 voxels lie within 10 mm of the
    # axis on a 4 mm lattice: 20 of blood (SUV 2) and the hot one.
    found = values(quantify_scan(scan, ONLY_DESCENDING))
    assert found["mean_tbr_max"] == pytest.approx(2 + 0.1 * 9.5)
    assert found["mean_suv_max"] == pytest.approx(2 * 2.95)
    assert found["max_tbr_max"] == pytest.approx(3.9)
    assert found["mean_tbr_mean"] == pytest.approx((20 * 1 + 2.95) / 21)
    assert found["mean_suv_mean"] == pytest.approx(2 * (20 * 1 + 2.95) / 21)
    assert found["mds_tbr_max"] == pytest.approx((3.9 + 3.8 + 3.7 + 3.6 + 3.5) / 5)
    assert found["active_mean_tbr_max"] == pytest.approx(2.95)
    assert found["active_fraction"] == 1.0
    assert found["active_length"] == 60.0


def test_a_slice_row_says_where_its_hottest_voxel_is(scan):
    slices = quantify_scan(scan, ONLY_DESCENDING).slices
    assert [row.pet_k for row in slices] == list(range(19, -1, -1))
    first = slices[0]
    assert (first.slice, first.hottest_i, first.hottest_j, first.hottest_k) == (1, 8, 5, 19)
    assert (first.n_voxel, first.area_mm2, first.slice_mm, first.accepted_fraction) == (21, 21 * 16.0, 3.0, 1.0)
    assert first.counts
    assert first.flag is None
    assert first.reason is None


def test_of_equally_hot_voxels_the_lowest_in_k_j_i_is_named(make_scan, aorta, cava):
    flat = quantify_scan(make_scan(replace(aorta, hottest={}), cava), ONLY_DESCENDING)
    # The lowest row within 10 mm of (32, 20) is j = 3 (8 mm below), where |x - 32| <= 6: i = 7, 8, 9.
    assert {(row.hottest_i, row.hottest_j) for row in flat.slices} == {(7, 3)}


def test_uptake_time_is_that_of_the_place(scan):
    result = quantify_scan(scan, ONLY_DESCENDING)
    assert [row.uptake_min for row in result.slices] == [124.0] * 10 + [120.0] * 10
    assert {row.uptake_min for row in result.uptake if row.region == "descending_aorta"} == {122.0}


def test_the_blood_pool_is_a_row_of_its_own(scan):
    blood = values(quantify_scan(scan, ONLY_DESCENDING), "superior_vena_cava")
    # 32 voxels of 4000 Bq/mL everywhere; the aorta has no 1.5 mL as deep as a second site needs.
    assert blood == {
        "blood_suv_mean": pytest.approx(2.0),
        "blood_cov": 0.0,
        "blood_trend": pytest.approx(0.0),
        "blood_ratio": None,
        "blood_voxels": 32.0,
    }


def test_numbers_do_not_depend_on_the_order_of_rows(scan):
    order = np.random.default_rng(0).permutation(len(scan.voxels["i"]))
    shuffled = replace(scan, voxels={name: column[order] for name, column in scan.voxels.items()})
    assert quantify_scan(shuffled, ONLY_DESCENDING) == quantify_scan(scan, ONLY_DESCENDING)


@given(scale=st.floats(1e-3, 1e3))
def test_tbr_does_not_depend_on_the_scale_of_activity(scale):
    scan = scan_of(AORTA, CAVA)
    scaled = replace(scan, voxels={**scan.voxels, "activity": scan.voxels["activity"] * scale})
    before, after = (values(quantify_scan(one, ONLY_DESCENDING)) for one in (scan, scaled))
    for name, metric in METRICS.items():
        factor = scale if metric.needs_suv else 1.0
        assert after[name] == pytest.approx(before[name] * factor, rel=1e-6)


def test_without_a_weight_ratios_are_measured_and_suv_is_refused(scan, make_acquisition):
    known = values(quantify_scan(scan, ONLY_DESCENDING))
    result = quantify_scan(replace(scan, acquisition=make_acquisition(weight_kg=None)), ONLY_DESCENDING)
    for row in result.uptake:
        if row.region == "descending_aorta" and not METRICS[row.metric].needs_suv:
            assert row.status == "measured"
            assert row.value == pytest.approx(known[row.metric], rel=1e-12)
            assert row.background_suv is None
        elif row.metric not in ("blood_cov", "blood_trend", "blood_ratio", "blood_voxels"):
            assert (row.status, row.value) == ("refused", None)
            assert row.reason.startswith("suv-unknown: ")
            assert "PatientWeight" in row.reason
    assert {row.suv_max for row in result.slices} == {None}


def test_without_a_blood_pool_suv_is_measured_and_ratios_are_refused(make_scan, aorta, cava):
    result = quantify_scan(make_scan(aorta, replace(cava, radius=5.5)), ONLY_DESCENDING)
    for row in result.uptake:
        if row.metric in ("mean_suv_max", "mean_suv_mean", "max_suv_peak"):
            assert row.status == "measured"
        else:
            assert (row.status, row.value) == ("refused", None)
            assert row.reason.startswith("background-refused: ")


def test_a_refused_scan_has_a_row_with_the_reason_for_every_region_and_metric(scan):
    refusal = {"code": "pet-truncated", "reason": "Slice 12 is missing.", "remedy": "Send the series again."}
    result = quantify_scan(replace(scan, refusal=refusal, voxels={}, stations={}, sample={}), QuantifySettings())
    assert len(result.uptake) == 4 * len(QuantifySettings().metrics) + len(BLOOD)
    assert {(row.status, row.value) for row in result.uptake} == {("refused", None)}
    assert {row.reason for row in result.uptake} == {"pet-truncated: Slice 12 is missing. Send the series again."}


def test_an_absent_region_is_refused_with_the_words_of_the_segmentation(scan):
    sample = {**scan.sample, "absent": {"aortic_arch": "the CT ends below it."}}
    result = quantify_scan(replace(scan, sample=sample), QuantifySettings())
    arch = [row for row in result.uptake if row.region == "aortic_arch"]
    assert {row.reason for row in arch} == {"absent: the CT ends below it."}
    ascending = [row for row in result.uptake if row.region == "ascending_aorta"]
    assert {row.reason for row in ascending} == {"absent: the segmentation has no ascending_aorta."}


def test_a_vessel_of_too_few_slices_is_refused_and_says_what_dropped_them(scan):
    result = quantify_scan(scan, ONLY_DESCENDING.model_copy(update={"slices_min": 21}))
    reasons = {row.reason for row in result.uptake if row.region == "descending_aorta"}
    assert reasons == {"too-few-slices: 20 of 20 slices count, 21 are needed."}


def test_voxels_without_a_number_are_refused_and_never_averaged_away(scan):
    activity = scan.voxels["activity"].copy()
    activity[np.argmax(scan.voxels["depth_p50"])] = np.nan
    result = quantify_scan(replace(scan, voxels={**scan.voxels, "activity": activity}), ONLY_DESCENDING)
    aortic = [row for row in result.uptake if row.region == "descending_aorta"]
    assert all(row.reason.startswith("activity-not-finite") for row in aortic)


def test_a_voxel_that_is_there_twice_is_refused(scan):
    twice = {name: np.concatenate([column, column[:1]]) for name, column in scan.voxels.items()}
    result = quantify_scan(replace(scan, voxels=twice), ONLY_DESCENDING)
    assert all(row.reason.startswith("table-rows-twice") for row in result.uptake)


def test_a_study_gives_the_same_rows_with_any_number_of_threads(scan):
    scans = [replace(scan, participant=f"{n:02}") for n in range(6)]
    one = list(quantify_study(scans, ONLY_DESCENDING, threads=1))
    assert list(quantify_study([lambda s=s: s for s in scans], ONLY_DESCENDING, threads=3)) == one
    assert [result.uptake[0].participant for result in one] == ["00", "01", "02", "03", "04", "05"]


def test_a_scan_left_out_is_one_row_with_the_reason_given():
    kept = ScanRow("01", "baseline", "FDG", "1", "2", "yes", "")
    left_out = ScanRow("01", "followup", "FDG", "3", "4", "no", "moved between PET and CT")
    (row,) = excluded_rows([kept, left_out])
    assert (row.session, row.status, row.value) == ("followup", "excluded", None)
    assert row.reason == "moved between PET and CT"


def test_the_most_diseased_segment_never_reaches_over_a_slice_left_out(scan):
    # Plane 17 (TBRmax 3.7) is not accepted: the two hotter ones above it are too few for five slices of 3 mm, so the
    # segment lies in the planes below: 3.6, 3.5, 3.4, 3.3, 3.2.
    stations = {**scan.stations, "visible_fraction": scan.stations["visible_fraction"].copy()}
    stations["visible_fraction"][3] = 0.1
    found = values(quantify_scan(replace(scan, stations=stations), ONLY_DESCENDING))
    assert found["mds_tbr_max"] == pytest.approx(3.4)


def test_an_arc_that_counts_from_the_first_station_is_noticed_and_not_written(scan):
    def about_arc(result):
        return [finding.code for finding in result.findings if finding.code.startswith("arc-")]

    plain = quantify_scan(scan, ONLY_DESCENDING)
    assert about_arc(plain) == ["arc-without-landmark"]
    assert [row.arc_mm for row in plain.slices] == [None] * 20
    assert [row.pet_k for row in plain.slices] == list(range(19, -1, -1))  # still with the flow
    stations = {**scan.stations, "arc_mm": scan.stations["arc_mm"] - 20.0}
    placed = quantify_scan(replace(scan, stations=stations), ONLY_DESCENDING)
    assert about_arc(placed) == []
    assert [row.arc_mm for row in placed.slices] == pytest.approx([3.0 * n - 20.0 for n in range(20)])
    assert values(placed) == values(plain)


def test_the_vena_cava_counts_from_its_upper_end_and_needs_no_other_landmark(scan):
    slices = quantify_scan(scan, QuantifySettings(regions=("superior_vena_cava",))).slices
    assert [row.arc_mm for row in slices] == pytest.approx([3.0 * n for n in range(20)])
