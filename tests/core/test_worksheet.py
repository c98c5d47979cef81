"""The worksheet over the tags, worked by hand: 10:00 injection, 12:00 acquisition, 70 kg, 200 MBq by the tags."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from acquisitions import acquired
from hypothesis import given
from hypothesis import strategies as st

from petproc.core.acquisition import Unknown
from petproc.core.errors import Refusal
from petproc.core.suv import F18_HALF_LIFE_S, VARIANTS, suv_per_activity
from petproc.core.tables import WorksheetRow
from petproc.core.worksheet import QUANTITIES, apply

INJECTED = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
STARTED = INJECTED + timedelta(hours=2)
HALF_LIFE = timedelta(seconds=F18_HALF_LIFE_S)
TAGS = acquired([STARTED, STARTED + timedelta(minutes=2)], injection=INJECTED, half_life_s=F18_HALF_LIFE_S)
EMPTY = WorksheetRow("01", "baseline", *(None,) * 11)


def applied(tags=TAGS, **cells):
    return apply(tags, replace(EMPTY, **cells), participant="01", session="baseline")


def entry(result, quantity):
    return next(row for row in result.inputs if row.quantity == quantity)


def clock(time):
    return time.strftime("%H:%M:%S")


def test_without_a_row_everything_is_as_the_tags_tell_it():
    result = apply(TAGS, None, participant="01", session="baseline")
    assert result.acquisition == TAGS
    assert result.findings == ()
    assert [row.quantity for row in result.inputs] == sorted(QUANTITIES)
    assert {row.quantity: row.source for row in result.inputs} == {
        **dict.fromkeys(QUANTITIES, "tag"),
        **dict.fromkeys(("glucose_mmol_l", "fasting_h"), "none"),
    }
    weight = entry(result, "weight_kg")
    assert (weight.value, weight.unit, weight.rejected, weight.reason) == ("70.0", "kg", None, None)


def test_an_entered_weight_is_used_and_the_tags_is_kept_as_rejected():
    result = applied(weight_kg=77.0)
    assert result.acquisition == replace(TAGS, weight_kg=77.0)
    row = entry(result, "weight_kg")
    assert (row.value, row.source, row.rejected) == ("77.0", "worksheet", "tag: 70.0")


def test_ten_per_cent_more_weight_is_ten_per_cent_more_suv():
    heavier = suv_per_activity(applied(weight_kg=77.0).acquisition)
    assert heavier / suv_per_activity(TAGS) == pytest.approx(1.1, rel=1e-12)


def test_height_comes_in_centimetres_and_glucose_and_fasting_are_handed_on():
    result = applied(height_cm=181.0, glucose_mmol_l=5.5, fasting_h=8.0, sex="F")
    assert (result.acquisition.height_m, result.acquisition.sex) == (1.81, "F")
    assert (result.glucose_mmol_l, result.fasting_h) == (5.5, 8.0)
    assert (entry(result, "glucose_mmol_l").value, entry(result, "fasting_h").value) == ("5.5", "8.0")


def test_the_net_dose_is_dose_and_residual_both_taken_to_the_injection():
    # 400 MBq one half-life before the injection are 200 at it; 5 MBq one half-life after it were 10: 190 MBq.
    before, after = clock(INJECTED - HALF_LIFE), clock(INJECTED + HALF_LIFE)
    result = applied(dose_mbq=400.0, dose_time=before, residual_mbq=5.0, residual_time=after)
    assert result.acquisition.injected_activity_bq == pytest.approx(190e6, rel=1e-4)  # to a second of the clock
    row = entry(result, "injected_activity_bq")
    assert (row.source, row.rejected) == ("worksheet", "tag: 200000000.0")
    assert row.reason.startswith("Net of a residual of 10")


def test_dose_and_residual_without_times_are_those_at_the_injection():
    assert applied(dose_mbq=210.0, residual_mbq=5.0).acquisition.injected_activity_bq == 205e6


def test_a_dose_without_a_residual_says_so():
    result = applied(dose_mbq=205.0)
    assert result.acquisition.injected_activity_bq == 205e6
    assert "Not corrected for a residual" in entry(result, "injected_activity_bq").reason


def test_a_residual_alone_is_taken_off_the_tags_dose():
    result = applied(residual_mbq=8.0)
    assert result.acquisition.injected_activity_bq == 192e6
    row = entry(result, "injected_activity_bq")
    assert (row.source, row.rejected) == ("tag", "tag: 200000000.0 (before the residual)")
    assert row.reason == "The tag's dose less the worksheet's residual of 8 MBq at the injection."


def test_a_residual_alone_without_any_dose_is_no_dose():
    result = applied(replace(TAGS, injected_activity_bq=None), residual_mbq=8.0)
    assert result.acquisition.injected_activity_bq is None
    assert entry(result, "injected_activity_bq").source == "none"


def test_a_residual_measured_after_the_scan_began_is_of_the_same_day():
    # 12:30 is after the start of the PET and 2.5 h after the injection, not 21.5 h before it.
    result = applied(residual_mbq=1.0, residual_time="12:30")
    left = 1e6 * 2 ** (2.5 * 3600 / F18_HALF_LIFE_S)
    assert result.acquisition.injected_activity_bq == pytest.approx(200e6 - left, rel=1e-12)


def test_an_injection_time_moves_the_dose_and_the_uptake_time_and_not_the_reference():
    result = applied(injection_time="10:30")
    assert result.acquisition.injection_time == INJECTED + timedelta(minutes=30)
    assert result.acquisition.uptake_min(0) == 90.0
    assert result.acquisition.decay_reference_time == INJECTED
    assert entry(result, "injection_time").rejected == "tag: 2026-03-01T10:00:00+00:00"
    # ADMIN: the values stay valid at 10:00, where 200 MBq of 10:30 would have been more.
    factor = suv_per_activity(result.acquisition) / suv_per_activity(TAGS)
    assert factor == pytest.approx(2 ** (-1800 / F18_HALF_LIFE_S), rel=1e-12)


def test_a_scan_corrected_to_an_unknown_injection_is_valid_at_the_entered_one():
    tags = replace(TAGS, injection_time=None, decay_reference_time=None, decay_correction="ADMIN")
    result = applied(tags, injection_time="10:00")
    assert result.acquisition.decay_reference_time == INJECTED
    assert suv_per_activity(result.acquisition) == suv_per_activity(TAGS)
    assert [finding.code for finding in result.findings] == ["reference-from-worksheet"]


def test_an_unknown_reference_of_another_kind_is_not_settled_by_an_injection_time():
    why = Unknown("decay_reference_time", "reference-time-unknown", "No tag tells it.", "Ask.")
    tags = replace(TAGS, decay_reference_time=None, decay_correction="START", unknown=(why,))
    result = applied(tags, injection_time="10:00")
    assert result.acquisition.decay_reference_time is None
    assert result.acquisition.unknown == (why,)


def test_over_midnight_the_injection_was_the_day_before():
    late = datetime(2026, 3, 2, 0, 50, tzinfo=UTC)
    tags = acquired([late], injection=late - timedelta(hours=1))
    result = applied(tags, injection_time="23:10", dose_mbq=210.0, dose_time="23:10", residual_mbq=1.0)
    assert result.acquisition.injection_time == datetime(2026, 3, 1, 23, 10, tzinfo=UTC)
    assert result.acquisition.injected_activity_bq == 209e6


def test_a_dated_time_is_on_the_scans_clock_unless_it_names_its_own():
    zone = timezone(timedelta(hours=1))
    tags = acquired([datetime(2026, 3, 1, 12, 0, tzinfo=zone)], injection=datetime(2026, 3, 1, 10, 0, tzinfo=zone))
    naive = applied(tags, injection_time="2026-03-01T10:30").acquisition.injection_time
    aware = applied(tags, injection_time="2026-03-01 09:30:00+00:00").acquisition.injection_time
    assert naive == aware == datetime(2026, 3, 1, 10, 30, tzinfo=zone)


def test_a_time_with_a_zone_is_not_compared_with_a_clock_that_has_none():
    result = applied(injection_time="2026-03-01T10:30+01:00")
    assert result.acquisition.injection_time is None
    assert result.acquisition.why_unknown("injection_time").code == "worksheet-time-zone"


@pytest.mark.parametrize("time", ["12:01", "2026-03-01T12:01", "2026-02-28T10:00", "0001-01-01T00:00"])
def test_an_injection_after_the_start_or_too_long_before_leaves_it_unknown(time):
    result = applied(injection_time=time)
    assert result.acquisition.injection_time is None
    refusal = result.acquisition.why_unknown("injection_time")
    assert refusal.code == "worksheet-injection-implausible"
    assert "participant 01, session baseline: injection_time" in refusal.reason
    row = entry(result, "injection_time")
    assert (row.value, row.source) == (None, "none")
    assert row.rejected == "worksheet: worksheet-injection-implausible; tag: 2026-03-01T10:00:00+00:00"
    with pytest.raises(Refusal, match="worksheet-injection-implausible"):
        suv_per_activity(result.acquisition)


def test_six_half_lives_before_the_start_are_allowed_to_the_second():
    hours = timedelta(seconds=round(6 * F18_HALF_LIFE_S) - 1)
    assert applied(injection_time=(STARTED - hours).isoformat()).acquisition.injection_time == STARTED - hours


def test_a_residual_that_was_as_much_as_the_dose_leaves_the_dose_unknown():
    result = applied(dose_mbq=200.0, residual_mbq=110.0, residual_time=clock(INJECTED + HALF_LIFE))
    assert result.acquisition.injected_activity_bq is None
    assert result.acquisition.why_unknown("injected_activity_bq").code == "worksheet-residual"


def test_a_dose_at_a_time_needs_the_time_of_the_injection():
    tags = replace(TAGS, injection_time=None)
    assert applied(tags, dose_mbq=200.0).acquisition.injected_activity_bq == 200e6
    result = applied(tags, dose_mbq=200.0, dose_time="09:50")
    assert result.acquisition.why_unknown("injected_activity_bq").code == "worksheet-dose-undated"


def test_a_dose_of_another_day_leaves_it_unknown():
    result = applied(dose_mbq=200.0, dose_time="2026-02-28T09:50")
    assert result.acquisition.why_unknown("injected_activity_bq").code == "worksheet-dose-time"


def test_an_entered_value_settles_what_was_unknown():
    whys = (
        Unknown("weight_kg", "weight-implausible", "PatientWeight (0010,1030) is 0.", "Enter it."),
        Unknown("height_m", "height-implausible", "PatientSize (0010,1020) is 17.5.", "Enter it."),
    )
    result = applied(replace(TAGS, weight_kg=None, height_m=None, unknown=whys), weight_kg=70.0)
    assert result.acquisition.unknown == whys[1:]
    weight, height = entry(result, "weight_kg"), entry(result, "height_m")
    assert weight.rejected == "tag: weight-implausible: PatientWeight (0010,1030) is 0."
    assert (height.value, height.reason) == (None, "height-implausible: PatientSize (0010,1020) is 17.5.")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"weight_kg": 700.0}, "weight_kg is '700'; allowed is from 1 to 500 kg"),
        ({"weight_kg": float("nan")}, "weight_kg is 'nan'"),
        ({"height_cm": 1.75}, "height_cm is '1.75'; allowed is from 30 to 250 cm"),
        ({"dose_mbq": 2e8}, "dose_mbq is '2e+08'; allowed is from 1 to 20000 MBq"),
        ({"residual_mbq": -1.0}, "residual_mbq"),
        ({"dose_mbq": 200.0, "residual_mbq": 200.0}, "allowed is less than the dose of 200 MBq"),
        ({"glucose_mmol_l": 99.0}, "mmol/L (mg/dL divided by 18)"),
        ({"fasting_h": float("inf")}, "fasting_h"),
        ({"sex": "male"}, "sex is 'male'; allowed is M, F or O"),
        ({"injection_time": "25:00"}, "injection_time is '25:00'; allowed is HH:MM"),
        ({"injection_time": "2026-03-01"}, "injection_time"),
        ({"injection_time": "1000"}, "injection_time"),
        ({"dose_time": "10:00"}, "allowed is a time only with dose_mbq"),
    ],
)
def test_a_cell_that_cannot_be_right_is_refused_by_row_column_and_value(cells, words):
    with pytest.raises(Refusal) as refusal:
        applied(**cells)
    assert refusal.value.code == "worksheet-value"
    assert "participant 01, session baseline" in refusal.value.reason
    assert words in refusal.value.reason


def test_what_differs_much_from_the_tag_is_noticed():
    def codes(**cells):
        return [finding.code for finding in applied(**cells).findings]

    assert codes(dose_mbq=209.0, weight_kg=75.0, injection_time="10:10", height_cm=179.0, sex="M") == []
    assert codes(dose_mbq=211.0) == ["worksheet-dose-differs"]
    assert codes(weight_kg=64.9) == ["worksheet-weight-differs"]
    assert codes(height_cm=181.0) == ["worksheet-height-differs"]
    assert codes(sex="F") == ["worksheet-sex-differs"]
    assert codes(injection_time="09:49") == ["worksheet-injection-differs"]


def test_a_volume_carried_as_suv_says_that_dose_and_weight_do_not_enter():
    result = applied(replace(TAGS, unit="g/mL", suv_type="bw"), weight_kg=77.0, dose_mbq=210.0)
    assert suv_per_activity(result.acquisition) == 1.0
    for quantity in ("weight_kg", "injected_activity_bq"):
        assert "Not used: the PET is carried as the SUV by body weight" in entry(result, quantity).reason
    assert entry(result, "injection_time").reason is None


@given(
    weight=st.floats(40, 110),
    height=st.floats(150, 200),
    dose=st.floats(50, 500),
    share=st.floats(0, 0.5),
    variant=st.sampled_from(sorted(VARIANTS)),
)
def test_suv_by_the_worksheet_is_suv_by_tags_that_say_the_same(weight, height, dose, share, variant):
    entered = applied(weight_kg=weight, height_cm=height, dose_mbq=dose, residual_mbq=share * dose, sex="F")
    same = replace(
        TAGS, weight_kg=weight, height_m=height / 100, sex="F", injected_activity_bq=dose * 1e6 - share * dose * 1e6
    )
    assert suv_per_activity(entered.acquisition, variant) == pytest.approx(suv_per_activity(same, variant), rel=1e-12)
