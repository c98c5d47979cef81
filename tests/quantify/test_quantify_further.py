"""Metrics beside the usual nine on the hand-made scan: SUVbw is activity / 2000, blood 2 g/mL, a voxel 0.048 mL."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hand_made import AORTA, CAVA, scan_of

from petproc.core.metrics import METRICS, STANDARD
from petproc.core.tables import WorksheetRow
from petproc.quantify import quantify_scan
from petproc.quantify.peak import RADIUS_MM, sphere
from petproc.settings import QuantifySettings

REGION = "descending_aorta"
ALL = QuantifySettings(regions=(REGION,), further_metrics=tuple(METRICS))
FLAT = replace(AORTA, hottest={})


def rows(tables, settings=ALL):
    return {row.metric: row for row in quantify_scan(tables, settings).uptake if row.region == REGION}


def peaks(tables):
    return {row.pet_k: row.suv_peak for row in quantify_scan(tables, ALL).slices}


def test_without_further_metrics_nine_are_measured_and_no_sphere(scan):
    plain = QuantifySettings(regions=(REGION,))
    assert tuple(rows(scan, plain)) == STANDARD
    found = quantify_scan(scan, plain).slices
    assert {(row.suv_peak, row.tbr_peak, row.n_positive, row.above_ml) for row in found} == {(None,) * 4}
    everything = rows(scan)
    assert [rows(scan, plain)[name] for name in STANDARD] == [everything[name] for name in STANDARD]


def test_blood_is_subtracted(scan):
    # SUVmax_k = 4 + 0.2 k, mean 5.9; SUVmean_k = (20 x 2 + SUVmax_k) / 21, mean 45.9 / 21.
    found = rows(scan)
    assert found["mean_csuv_max"].value == pytest.approx(3.9)
    assert found["mean_csuv_mean"].value == pytest.approx(45.9 / 21 - 2)
    assert (found["mean_csuv_max"].unit, found["mean_csuv_max"].background_suv) == ("g/mL", pytest.approx(2.0))


def test_the_peak_of_an_even_image_is_its_value_and_at_the_pets_edge_there_is_none():
    # The sphere reaches 6.2 mm, into the second plane (4.5 to 7.5 mm) on either side.
    found = peaks(scan_of(FLAT, CAVA))
    assert [k for k, peak in found.items() if peak is None] == [19, 18, 1, 0]
    assert {round(peak, 9) for peak in found.values() if peak is not None} == {2.0}


def test_a_hot_voxel_counts_in_a_peak_by_its_share_of_one_cm3():
    # 1000 Bq/mL above 4000, in 0.048 of 1 mL, wherever it lies as a whole within 6.2 mm.
    found = peaks(scan_of(replace(AORTA, hottest={10: 5000.0}), CAVA))
    assert found[10] == pytest.approx(2.0 + 0.5 * 0.048, rel=1e-4)
    assert found[11] == pytest.approx(found[10], rel=1e-9)
    assert 2.0 < found[12] < found[10]
    assert found[13] == pytest.approx(2.0)


def test_peaks_are_measured_over_the_slices_that_have_one(scan):
    found, by_plane = rows(scan), peaks(scan)
    known = [peak for peak in by_plane.values() if peak is not None]
    assert len(known) == 16
    assert found["max_suv_peak"].value == max(known) == by_plane[17]
    assert found["mean_tbr_peak"].value == pytest.approx(sum(known) / 16 / 2)
    assert found["max_tbr_peak"].value == pytest.approx(max(known) / 2)


def test_a_sphere_that_lacks_a_voxel_is_not_taken():
    tables = scan_of(replace(FLAT, radius=2.0, hottest={10: 8000.0}), CAVA)  # one voxel a plane, on the axis
    missing = (tables.voxels["k"] == 12) & (tables.voxels["i"] == 8) & (tables.voxels["region"] == 3)
    cut = replace(tables, voxels={name: column[~missing] for name, column in tables.voxels.items()})
    assert peaks(tables)[10] > 2.0
    lacking = peaks(cut)
    assert (lacking[10], lacking[11]) == (None, None)
    assert lacking[9] == peaks(tables)[9]


@pytest.mark.parametrize("angle_deg", [0.0, 25.0])
def test_shares_of_the_sphere_are_those_of_a_fine_lattice_over_it(angle_deg):
    """0.1 mm points over the whole sphere, each in the voxel whose middle is nearest."""
    turn = np.deg2rad(angle_deg)
    turned = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    to_mm = turned @ np.diag([4.0, -4.0, 3.27])
    axis = np.arange(-6.35, 6.4, 0.1) + 0.033  # no point lies on a face between voxels
    points = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=1) <= RADIUS_MM]
    voxel = np.rint(points @ np.linalg.inv(to_mm).T).astype(int) @ (100, 10, 1)
    expected = dict(zip(*(column.tolist() for column in np.unique(voxel, return_counts=True)), strict=True))
    steps, weights = sphere(tuple(map(tuple, to_mm.tolist())))
    assert weights.sum() == pytest.approx(1.0)
    for step, weight in zip(steps.tolist(), weights.tolist(), strict=True):
        assert weight == pytest.approx(expected.get(np.dot(step, (100, 10, 1)), 0) / len(points), abs=1.5e-3)
    assert abs(np.prod([4.0, 4.0, 3.27]) / weights.max() - 1000.0) < 10.0


def test_the_sphere_holds_one_cm3():
    assert pytest.approx(12.41, abs=0.005) == 2 * RADIUS_MM


def test_positive_voxels_lie_above_the_cut_off(scan):
    # In every plane one voxel of 21, of TBR 2 + 0.1 k.
    assert rows(scan)["positive_fraction"].value == pytest.approx(1 / 21)
    stricter = ALL.model_copy(update={"positive_tbr": 2.95})
    assert rows(scan, stricter)["positive_fraction"].value == pytest.approx(10 / 420)


def test_uptake_above_blood_is_suv_times_volume_of_voxels_above_mean_and_two_sd(scan):
    # Even blood: above it lie the hot voxels alone, of SUV 4 + 0.2 k: 118 in all, 0.048 mL each.
    row = rows(scan)["uptake_above_blood"]
    assert (row.value, row.unit) == (pytest.approx(118 * 0.048), "g")
    bsa = ALL.model_copy(update={"suv": "bsa"})
    assert rows(scan, bsa)["uptake_above_blood"].unit == "cm2"


@pytest.mark.parametrize(("above", "counted"), [(0.99, 0), (1.01, 1)])
def test_the_blood_pools_own_spread_raises_the_limit(above, counted):
    # 32 voxels of blood, 3600 in even planes (10 + 8) and 4400 in odd ones (10 + 4).
    blood = np.array([3600.0] * 18 + [4400.0] * 14)
    limit = blood.mean() + 2 * blood.std(ddof=1)
    tables = scan_of(replace(AORTA, blood=1000.0, hottest={10: limit * above}), CAVA)
    pool = tables.voxels["region"] == 5
    activity = tables.voxels["activity"].astype(np.float64)
    activity[pool] = np.where(tables.voxels["k"][pool] % 2, 4400.0, 3600.0)
    found = rows(replace(tables, voxels={**tables.voxels, "activity": activity}))["uptake_above_blood"]
    assert found.value == pytest.approx(counted * limit * above / 2000 * 0.048)


def with_glucose(tables, glucose):
    empty = WorksheetRow("01", "baseline", *(None,) * 11)
    return replace(tables, worksheet=replace(empty, glucose_mmol_l=glucose))


def test_suv_is_corrected_for_glucose_and_no_ratio_is(scan):
    corrected = ALL.model_copy(update={"glucose_reference_mmol_l": 5.55})
    plain, found = rows(scan), rows(with_glucose(scan, 8.325), corrected)
    for name, row in plain.items():
        factor = 1.5 if METRICS[name].needs_suv else 1.0
        assert found[name].value == pytest.approx(factor * row.value, rel=1e-12)
    assert rows(with_glucose(scan, 8.325))["mean_suv_max"] == plain["mean_suv_max"]


@pytest.mark.parametrize("told", [False, True])
def test_without_a_glucose_a_corrected_suv_has_no_value_and_says_why(scan, told):
    corrected = ALL.model_copy(update={"glucose_reference_mmol_l": 5.55})
    for name, row in rows(with_glucose(scan, None) if told else scan, corrected).items():
        if METRICS[name].needs_suv:
            assert (row.value, row.status) == (None, "refused")
            assert row.reason.startswith("glucose-unknown: ")
            assert "worksheet" in row.reason
        else:
            assert row.value == pytest.approx(rows(scan)[name].value, rel=1e-9)
