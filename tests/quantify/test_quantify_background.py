"""The blood pool: which voxels, how many, and when there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from petproc.core.errors import Refusal
from petproc.core.regions import SVC
from petproc.quantify.background import measure_background
from petproc.quantify.scan import prepare
from petproc.settings import BackgroundSettings, QuantifySettings

DEFAULT = BackgroundSettings()


def blood(tables, settings=DEFAULT):
    return measure_background(SVC, prepare(tables, QuantifySettings()), settings)


def with_column(tables, name, change):
    """The vena cava's rows of one column changed by a function of their indices i, j, k."""
    cava = tables.voxels["region"] == 5
    column = tables.voxels[name].copy()
    column[cava] = change(*(tables.voxels[axis][cava] for axis in "ijk"))
    return replace(tables, voxels={**tables.voxels, name: column})


def test_the_deepest_volume_is_taken_in_the_order_k_j_i(scan):
    # 1.5 mL of 0.048 mL voxels are 32: one on the axis in each of 20 planes (depth 9), then of the four beside it
    # (depth 5) the lowest in k, j, i: all four in planes 0, 1 and 2.
    tables = with_column(scan, "activity", lambda _i, _j, k: np.where(k < 3, 5000.0, 4000.0).astype(np.float32))
    found = blood(tables)
    assert len(found.k) == 32
    assert found.volume_ml == pytest.approx(32 * 0.048)
    assert found.activity == pytest.approx((15 * 5000 + 17 * 4000) / 32)
    assert found.findings == ()


def test_cov_is_the_sample_deviation_over_the_mean(scan):
    tables = with_column(scan, "activity", lambda i, _j, _k: np.where(i == 22, 5000.0, 4000.0).astype(np.float32))
    # On the axis (i = 22) are 20 voxels of plane 0 to 19, and in planes 0 to 2 the neighbours in j: 26 of 32.
    values = np.array([5000.0] * 26 + [4000.0] * 6)
    assert blood(tables).cov == pytest.approx(values.std(ddof=1) / values.mean())


def test_noise_above_15_percent_is_a_finding(scan):
    tables = with_column(scan, "activity", lambda _i, _j, k: np.where(k % 2, 5000.0, 3000.0).astype(np.float32))
    assert [finding.code for finding in blood(tables).findings] == ["background-noisy"]


def test_more_than_the_volume_is_taken_until_six_slices_are_seen(scan):
    tables = with_column(scan, "depth_p50", lambda i, j, k: 10.0 - k - 0.01 * np.hypot(i - 22, j - 5))
    # Planes come one after the other, the deepest first. A rule of volume alone would stop in the first one or two.
    found = blood(tables)
    assert len(np.unique(found.k)) == 6
    assert found.volume_ml > 1.5


def test_fewer_than_six_slices_are_refused(scan):
    stations = {**scan.stations, "in_pet": scan.stations["in_pet"].copy()}
    stations["in_pet"][29 + 7 :] = False  # seven stations of the vena cava, 12 mm, four planes
    with pytest.raises(Refusal, match=r"in 5 slices qualify|in 4 slices qualify"):
        blood(replace(scan, stations=stations))


def test_a_vein_with_too_small_a_radius_is_refused(make_scan, aorta, cava):
    with pytest.raises(Refusal, match=r"only 0\.00 mL in 0 slices"):
        blood(make_scan(aorta, replace(cava, radius=5.9)))


def test_what_lies_near_another_vessel_or_hot_myocardium_is_left_out(scan):
    for name in ("vessel_mm", "myocardium_mm"):
        tables = with_column(scan, "activity", lambda i, _j, _k: np.where(i >= 22, 9000.0, 4000.0).astype(np.float32))
        tables = with_column(tables, name, lambda i, _j, _k: np.where(i >= 22, 5.9, 6.0))
        assert blood(tables, BackgroundSettings(volume_ml=0.9)).activity == 4000.0


def test_a_shallow_pool_is_a_finding(make_scan, aorta, cava):
    # Radius 7: the axis at depth 7 (20 voxels) and its neighbours at depth 3.
    codes = [finding.code for finding in blood(make_scan(aorta, replace(cava, radius=7.0))).findings]
    assert codes == ["background-shallow"]


def test_nothing_shallower_than_the_least_depth_is_ever_taken(make_scan, aorta, cava):
    with pytest.raises(Refusal, match=r"only 0\.96 mL in 20 slices"):
        blood(make_scan(aorta, replace(cava, radius=6.9)))


def test_a_pool_without_activity_is_refused(scan):
    with pytest.raises(Refusal, match="mean activity is 0"):
        blood(with_column(scan, "activity", lambda i, _j, _k: np.zeros(len(i), dtype=np.float32)))


def test_the_aortic_lumen_can_be_the_background_of_an_analysis(scan):
    settings = BackgroundSettings(region="descending_aorta", depth_min_mm=8.0, volume_ml=0.96)
    found = measure_background("descending_aorta", prepare(scan, QuantifySettings()), settings)
    assert found.activity == pytest.approx(8000 + 400 * 9.5)
