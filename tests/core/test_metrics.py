"""Every metric on one hand-built vessel of six slices; a metric without a hand-worked row here fails."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petproc.core.metrics import METRICS, SliceValues, odd_slices

VESSEL = SliceValues(
    suv_max=np.array([3.0, 3.2, 4.8, 4.0, 3.4, 2.4]),
    suv_mean=np.array([2.0, 2.2, 3.0, 2.6, 2.4, 1.8]),
    background_suv=2.0,
    slice_mm=5.0,
    active_tbr=1.6,
    segment_mm=15.0,
)
"""Blood 2.0 g/mL: TBRmax 1.5, 1.6, 2.4, 2.0, 1.7, 1.2 and TBRmean 1.0, 1.1, 1.5, 1.3, 1.2, 0.9; slices of 5 mm."""

BY_HAND = {
    "mean_suv_max": 20.8 / 6,
    "mean_suv_mean": 14.0 / 6,
    "mean_tbr_max": 10.4 / 6,
    "mean_tbr_mean": 7.0 / 6,
    "max_tbr_max": 2.4,
    "mds_tbr_max": (1.6 + 2.4 + 2.0) / 3,
    "active_mean_tbr_max": (1.6 + 2.4 + 2.0 + 1.7) / 4,
    "active_fraction": 4 / 6,
    "active_length": 20.0,
}
UNITS = {"mean_suv_max": "g/mL", "mean_suv_mean": "g/mL", "active_length": "mm"}


def value_of(name, vessel=VESSEL):
    return METRICS[name].compute(vessel)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_hand_worked_value(name):
    assert name in BY_HAND, f"add a hand-worked value of {name} to BY_HAND"
    assert value_of(name) == pytest.approx(BY_HAND[name], abs=1e-12)


def test_every_hand_worked_value_is_of_a_metric():
    assert set(BY_HAND) == set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_prints_a_formula_and_a_unit(name):
    assert METRICS[name].formula
    assert METRICS[name].unit == UNITS.get(name, "1")


@pytest.mark.parametrize("name", METRICS)
def test_what_is_divided_by_blood_says_so_and_nothing_else(name):
    """Twice the SUVs and twice the blood: ratios keep their value, SUVs do not."""
    scaled = replace(VESSEL, suv_max=VESSEL.suv_max * 2, suv_mean=VESSEL.suv_mean * 2, background_suv=4.0)
    factor = 1.0 if METRICS[name].needs_background else 2.0
    assert value_of(name, scaled) == pytest.approx(factor * BY_HAND[name], abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_what_needs_no_blood_ignores_it(name):
    unknown = value_of(name, replace(VESSEL, background_suv=float("nan")))
    if not METRICS[name].needs_background:
        assert unknown == pytest.approx(BY_HAND[name])


@given(st.floats(0.1, 10.0))
def test_tbr_does_not_change_with_the_scale_of_the_image(factor):
    scaled = replace(
        VESSEL, suv_max=VESSEL.suv_max * factor, suv_mean=VESSEL.suv_mean * factor, background_suv=2.0 * factor
    )
    for name in ("mean_tbr_max", "mean_tbr_mean", "max_tbr_max", "mds_tbr_max"):
        assert value_of(name, scaled) == pytest.approx(BY_HAND[name], rel=1e-12)


def test_a_cut_off_of_2_leaves_two_active_slices():
    stricter = replace(VESSEL, active_tbr=2.0)
    assert value_of("active_mean_tbr_max", stricter) == pytest.approx(2.2)
    assert value_of("active_fraction", stricter) == pytest.approx(2 / 6)
    assert value_of("active_length", stricter) == pytest.approx(10.0)


def test_without_an_active_slice_there_is_no_mean_over_them_but_a_fraction_of_nothing():
    cold = replace(VESSEL, active_tbr=3.0)
    assert value_of("active_mean_tbr_max", cold) is None
    assert value_of("active_fraction", cold) == 0.0
    assert value_of("active_length", cold) == 0.0


@pytest.mark.parametrize(
    ("segment_mm", "slice_mm", "slices"),
    [(15, 5, 3), (15, 3, 5), (15, 3.27, 5), (15, 4, 3), (15, 2, 7), (15, 2.5, 5), (15, 1, 15), (15, 10, 3), (6, 3, 3)],
)
def test_the_most_diseased_segment_has_the_odd_number_of_slices_nearest_its_length(segment_mm, slice_mm, slices):
    """2.5 mm: 5 slices are 12.5 mm, 7 are 17.5 mm, equally near: the smaller; never fewer than 3."""
    assert odd_slices(segment_mm, slice_mm) == slices


def with_maxima(*tbr_max, **other):
    values = np.array(tbr_max) * 2.0
    return replace(VESSEL, suv_max=values, suv_mean=values, **other)


def test_near_an_end_the_most_diseased_segment_moves_inward():
    assert value_of("mds_tbr_max", with_maxima(3.0, 1.0, 2.0, 1.0)) == pytest.approx(2.0)
    assert value_of("mds_tbr_max", with_maxima(1.0, 2.0, 1.0, 3.0)) == pytest.approx(2.0)


def test_of_equally_hot_slices_the_first_is_the_most_diseased():
    assert value_of("mds_tbr_max", with_maxima(1.0, 3.0, 2.0, 1.0, 3.0, 1.1)) == pytest.approx(2.0)


def test_a_vessel_too_short_for_the_segment_has_none():
    assert value_of("mds_tbr_max", with_maxima(3.0, 1.0)) is None


def test_the_most_diseased_segment_does_not_reach_across_a_slice_left_out():
    """Slices 0, 1, 2, 5, 6: the hottest (5) lies in a stretch of two, too short; the segment is 0 to 2."""
    vessel = with_maxima(1.0, 2.0, 1.5, 4.0, 3.0, number=np.array([0, 1, 2, 5, 6]))
    assert value_of("mds_tbr_max", vessel) == pytest.approx(1.5)
