"""What is told of a blood pool beside its mean: voxels, trend along the vessel, and a second site."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hand_made import AORTA, CAVA, Vessel, scan_of

from petproc.core.regions import IVC, SVC
from petproc.quantify import quantify_scan
from petproc.quantify.background import measure_background
from petproc.quantify.scan import prepare
from petproc.settings import BackgroundSettings, QuantifySettings

SETTINGS = QuantifySettings(regions=("descending_aorta",))
WIDE = replace(AORTA, radius=14.0, hottest={})
LOWER = Vessel(IVC, x=60.0, radius=9.0)


def with_blood(tables, value, of=5):
    """Activity of the rows of a region (label value) by a function of plane k and column i."""
    own = tables.voxels["region"] == of
    activity = tables.voxels["activity"].astype(np.float64).copy()
    activity[own] = value(tables.voxels["k"][own], tables.voxels["i"][own])
    return replace(tables, voxels={**tables.voxels, "activity": activity})


def rows(tables, settings=SETTINGS):
    return {row.metric: row for row in quantify_scan(tables, settings).uptake if row.region == SVC}


def codes(tables, settings=SETTINGS):
    found = quantify_scan(tables, settings).findings
    return [finding.code for finding in found if finding.code.startswith(("background", "blood"))]


def rising(per_cm):
    """Blood of 4000 Bq/mL at the upper end, at arc 0 in plane 19, and `per_cm` more for every cm with the flow."""
    return with_blood(scan_of(AORTA, CAVA), lambda k, _i: 4000.0 + per_cm * (57.0 - 3.0 * k) / 10.0)


def test_the_trend_is_the_slope_with_the_flow_in_per_cent_of_the_mean_per_cm():
    # The pool: 20 voxels on the axis, mean arc 28.5 mm, and four more in each of planes 0, 1, 2 at 57, 54, 51 mm. Its
    # mean arc is (20 x 28.5 + 12 x 54) / 32 = 38.0625 mm, its mean activity 4000 + 200 x 3.80625 = 4761.25 Bq/mL.
    row = rows(rising(200.0))["blood_trend"]
    assert row.value == pytest.approx(100 * 200 / 4761.25)
    assert (row.unit, row.n_voxel, row.n_slice, row.status) == ("%/cm", 32, 20, "measured")
    assert rows(rising(-200.0))["blood_trend"].value == pytest.approx(-100 * 200 / (4000 - 761.25))


@pytest.mark.parametrize(("per_cm", "noticed"), [(240.0, False), (250.0, True), (-150.0, False), (-180.0, True)])
def test_a_trend_of_five_per_cent_per_cm_is_noticed(per_cm, noticed):
    # 240 / 4913.5 = 4.88 %, 250 / 4951.6 = 5.05 %; -150 / 3429.1 = -4.37 %, -180 / 3314.9 = -5.43 %
    assert ("background-trend" in codes(rising(per_cm))) is noticed


def test_a_slope_that_noise_alone_could_make_is_not_noticed():
    # Voxels 60 % up and down along x and by plane: the slope of the line is as steep, and its error a third of it.
    noisy = with_blood(
        scan_of(AORTA, CAVA), lambda k, i: (4000.0 + 260.0 * (57.0 - 3.0 * k) / 10.0) * (1.0 + 0.6 * (-1.0) ** (k + i))
    )
    pool = measure_background(SVC, prepare(noisy, SETTINGS), BackgroundSettings())
    assert abs(pool.trend) > 5.0
    assert "background-trend" not in codes(noisy)


def test_voxels_of_the_pool_are_a_row():
    row = rows(scan_of(AORTA, CAVA))["blood_voxels"]
    assert (row.value, row.unit, row.volume_ml) == (32.0, "1", pytest.approx(32 * 0.048))


def test_the_lower_vena_cava_is_the_second_site_where_it_is_accepted():
    row = rows(scan_of(WIDE, CAVA, replace(LOWER, blood=3200.0)))["blood_ratio"]
    assert (row.value, row.background_region) == (pytest.approx(1.25), IVC)
    assert row.background_suv == pytest.approx(1.6)


@pytest.mark.parametrize(("blood", "noticed"), [(3190.0, True), (3200.0, False), (5000.0, False), (5010.0, True)])
def test_a_ratio_outside_0_8_to_1_25_is_noticed(blood, noticed):
    # 4000 / 3200 = 1.25, 4000 / 5000 = 0.8
    tables = scan_of(WIDE, CAVA, replace(LOWER, blood=blood))
    assert codes(tables) == (["blood-sites-differ"] if noticed else [])


def test_the_core_of_the_aorta_is_the_second_site_where_the_lower_vena_cava_is_not_there():
    # Radius 14: 8 mm under the wall lie the axis, its four neighbours and the four across, within 5.66 mm.
    hot_wall = with_blood(scan_of(WIDE, CAVA), lambda k, i: np.where(np.abs(i - 8) <= 1, 4400.0, 9000.0) + 0 * k, of=3)
    row = rows(hot_wall)["blood_ratio"]
    assert (row.value, row.background_region) == (pytest.approx(4000 / 4400), "descending_aorta")


def test_in_an_artery_blood_lies_eight_mm_deep_whatever_the_vein_needs():
    settings = BackgroundSettings(region="descending_aorta", depth_min_mm=3.0)
    found = measure_background("descending_aorta", prepare(scan_of(WIDE, CAVA), SETTINGS), settings)
    assert found.volume_ml == pytest.approx(32 * 0.048)
    with pytest.raises(Exception, match=r"depth >= 8 mm"):
        measure_background("descending_aorta", prepare(scan_of(AORTA, CAVA), SETTINGS), settings)


def test_without_a_second_site_the_ratio_is_refused_and_says_what_was_tried():
    row = rows(scan_of(AORTA, CAVA))["blood_ratio"]
    assert (row.value, row.status) == (None, "refused")
    assert row.reason.startswith("no-second-site: No blood pool in inferior_vena_cava: absent: ")
    assert "No blood pool in descending_aorta: only 0.96 mL in 20 slices" in row.reason
    none = QuantifySettings(regions=("descending_aorta",), background=BackgroundSettings(second_regions=()))
    assert rows(scan_of(AORTA, CAVA), none)["blood_ratio"].reason == (
        "no-second-site: the settings name no other region."
    )


def test_a_pool_is_never_its_own_second_site():
    settings = QuantifySettings(regions=("descending_aorta",), background=BackgroundSettings(region=IVC))
    found = quantify_scan(scan_of(WIDE, CAVA, LOWER), settings).uptake
    (row,) = [row for row in found if row.metric == "blood_ratio"]
    assert (row.region, row.background_region) == (IVC, "descending_aorta")


def test_no_ratio_to_the_second_site_moves_a_tbr():
    with_second = quantify_scan(scan_of(WIDE, CAVA, replace(LOWER, blood=1000.0)), SETTINGS)
    without = quantify_scan(scan_of(WIDE, CAVA), replace_background(second_regions=()))
    tbr = [[row.tbr_max for row in one.slices] for one in (with_second, without)]
    assert tbr[0] == tbr[1]


def replace_background(**changes):
    return QuantifySettings(regions=("descending_aorta",), background=BackgroundSettings(**changes))


def test_the_pool_keeps_three_mm_from_lung():
    tables = scan_of(AORTA, CAVA)
    near = tables.voxels["lung_mm"].copy()
    near[(tables.voxels["region"] == 5) & (tables.voxels["i"] >= 22)] = 2.9
    tables = with_blood(tables, lambda _k, i: np.where(i >= 22, 9000.0, 4000.0))
    tables = replace(tables, voxels={**tables.voxels, "lung_mm": near})
    settings = BackgroundSettings(volume_ml=0.9)
    assert measure_background(SVC, prepare(tables, SETTINGS), settings).activity == 4000.0
    closer = settings.model_copy(update={"lung_distance_min_mm": 2.0})
    assert measure_background(SVC, prepare(tables, SETTINGS), closer).activity > 8000.0
