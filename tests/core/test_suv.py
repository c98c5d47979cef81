"""SUV factors by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from acquisitions import acquired

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Refusal
from petproc.core.suv import F18_HALF_LIFE_S, VARIANTS, body_size, decay_factor, suv_per_activity

INJECTED = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


@pytest.fixture
def one_half_life_later():
    """70 kg, 200 MBq, pixels valid one half-life after injection, past midnight: 100 MBq are left."""
    reference = INJECTED + timedelta(seconds=F18_HALF_LIFE_S)
    times = (reference, reference + timedelta(minutes=2, seconds=30))
    return acquired(times, injection=INJECTED, half_life_s=F18_HALF_LIFE_S, decay_reference_time=reference)


def test_half_is_left_after_a_half_life_and_all_at_once():
    assert decay_factor(0.0, F18_HALF_LIFE_S) == 1.0
    assert decay_factor(F18_HALF_LIFE_S, F18_HALF_LIFE_S) == pytest.approx(0.5)


def test_f18_loses_0_63_per_cent_in_a_minute():
    assert 1 - decay_factor(60.0, F18_HALF_LIFE_S) == pytest.approx(0.00630, abs=2e-5)


def test_suv_is_activity_times_weight_over_the_dose_that_is_left(one_half_life_later):
    """70,000 g / 100e6 Bq = 0.0007 g/mL per Bq/mL: 1,000 Bq/mL are SUV 0.7."""
    assert suv_per_activity(one_half_life_later) == pytest.approx(0.0007)


def test_pixels_corrected_to_injection_are_divided_by_the_whole_dose(one_half_life_later):
    at_injection = replace(one_half_life_later, decay_correction="ADMIN", decay_reference_time=INJECTED)
    assert suv_per_activity(at_injection) == pytest.approx(0.00035)


@pytest.mark.parametrize(
    ("missing", "tag"),
    [
        ("weight_kg", "PatientWeight (0010,1030)"),
        ("injected_activity_bq", "RadionuclideTotalDose (0018,1074)"),
        ("injection_time", "RadiopharmaceuticalStartDateTime (0018,1078)"),
        ("decay_reference_time", "decay reference time"),
    ],
)
def test_what_is_missing_is_named_and_no_factor_given(one_half_life_later, missing, tag):
    with pytest.raises(Refusal) as refusal:
        suv_per_activity(replace(one_half_life_later, **{missing: None}))
    assert refusal.value.code == "suv-unknown"
    assert tag in refusal.value.reason


def test_pixels_at_an_injection_without_a_time_are_divided_by_the_whole_dose(one_half_life_later):
    untimed = replace(one_half_life_later, decay_correction="ADMIN", decay_reference_time=None, injection_time=None)
    assert suv_per_activity(untimed) == pytest.approx(0.00035)


SIZES = {
    # 70 kg and 175 cm: man, woman; g, or cm2 for the surface
    "bw": (70_000, 70_000),
    "lbm_james": (56_520, 51_220),
    "lbm_janmahasatian": (55_860, 45_200),
    "lbm_sugawara": (57_800, 51_220),
    "ibw": (72_380, 66_430),
    "bsa": (18_481, 18_481),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_body_sizes_of_70_kg_and_175_cm(one_half_life_later, variant):
    man, woman = SIZES[variant]
    for sex, size in (("M", man), ("F", woman), ("O", (man + woman) / 2), (None, (man + woman) / 2)):
        assert body_size(variant, weight_kg=70, height_m=1.75, sex=sex) == pytest.approx(size, rel=2e-4)
        scan = replace(one_half_life_later, sex=sex)
        assert suv_per_activity(scan, variant) == pytest.approx(size / 100e6, rel=2e-4)


def test_lean_body_mass_by_james_turns_over_and_by_janmahasatian_does_not():
    """At 1.75 m a man's lean mass by James falls from 131.6 kg on: W = 1.10 H^2 / 256."""
    mass = {kg: body_size("lbm_james", weight_kg=kg, height_m=1.75, sex="M") for kg in (125, 131.6, 138)}
    assert mass[131.6] > mass[125]
    assert mass[131.6] > mass[138]
    rising = [body_size("lbm_janmahasatian", weight_kg=kg, height_m=1.75, sex="M") for kg in range(40, 250, 5)]
    assert rising == sorted(rising)


def test_a_lean_body_mass_below_zero_is_refused():
    with pytest.raises(Refusal) as refusal:
        body_size("lbm_james", weight_kg=300, height_m=1.5, sex="M")
    assert refusal.value.code == "body-size-implausible"


def test_an_suv_that_was_carried_gives_itself_and_no_other(one_half_life_later):
    carried = replace(one_half_life_later, unit="cm2/mL", suv_type="bsa")
    assert suv_per_activity(carried, "bsa") == 1.0
    with pytest.raises(Refusal) as refusal:
        suv_per_activity(carried)
    assert refusal.value.code == "suv-carried"


def test_uptake_time_is_per_slice_and_unknown_without_an_injection_time(one_half_life_later):
    minutes = F18_HALF_LIFE_S / 60
    assert one_half_life_later.uptake_min(0) == pytest.approx(minutes)
    assert one_half_life_later.uptake_min(1) == pytest.approx(minutes + 2.5)
    assert replace(one_half_life_later, injection_time=None).uptake_min(0) is None


def test_an_acquisition_survives_its_sidecar(one_half_life_later):
    unknown = replace(one_half_life_later, injection_time=None, weight_kg=None, sex=None)
    for acquisition in (one_half_life_later, unknown):
        assert PetAcquisition.from_json(acquisition.to_json()) == acquisition
