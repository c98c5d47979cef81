"""Decay corrections of every kind, and the check of the reference time against the DecayFactor of each slice."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pet_headers import Change, code_of, codes, derived, suv_factors, unknown
from pydicom.dataset import Dataset

from petproc.core.suv import suv_per_activity

ELEVEN = datetime(2025, 1, 1, 11, tzinfo=UTC)
TEN = datetime(2025, 1, 1, 10, tzinfo=UTC)
LAMBDA = math.log(2) / 6586.2
PER_BQ = 70_000 / (350e6 * 2 ** (-3600 / 6586.2))
"""SUV of 1 Bq/mL that is valid at eleven, an hour after the injection."""
NO_TIME = {"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": None}
NOT_CORRECTED = {"DecayCorrection": "NONE", "CorrectedImage": ["ATTN", "NORM"]}


def beds(one: Dataset, k: int) -> None:
    """Slice 0 is acquired five minutes after the others."""
    if k == 0:
        one.AcquisitionTime, one.FrameReferenceTime = "110500", str(89715 + 300000)


def expected_factor(delay_s: float, duration_s: float = 180.0) -> float:
    """Mean activity over a frame -> activity at eleven, by a sum over the frame."""
    steps = 2000
    decayed = sum(math.exp(-LAMBDA * (delay_s + duration_s * (n + 0.5) / steps)) for n in range(steps)) / steps
    return 1 / decayed


def test_without_decay_correction_every_slice_is_corrected_to_the_earliest() -> None:
    known = derived(beds, **NOT_CORRECTED)
    assert known.value_factor == pytest.approx([expected_factor(300), expected_factor(0), expected_factor(0)], rel=1e-8)
    assert known.acquisition.decay_reference_time == ELEVEN
    assert suv_factors(known) == pytest.approx([PER_BQ * factor for factor in known.value_factor])
    assert known.card["suv_factor"]["bw"] == pytest.approx(suv_factors(known))
    assert codes(known) == set()


def test_uncorrected_suv_is_that_of_the_methods_formula() -> None:
    """A * W / D * (lambda T) / (1 - exp(-lambda T)) * exp(lambda (t_acq - t_injection))."""
    known = derived(beds, **NOT_CORRECTED)
    exponent = LAMBDA * 180
    by_formula = 70_000 / 350e6 * exponent / (1 - math.exp(-exponent)) * math.exp(LAMBDA * 3900)
    assert suv_factors(known)[0] == pytest.approx(by_formula, rel=1e-12)


def test_a_decay_factor_contradicts_that_nothing_was_corrected() -> None:
    assert code_of(lambda: derived(DecayFactor="1.0287", **NOT_CORRECTED)) == "decay-correction-contradicted"
    assert codes(derived(DecayFactor="1.0", **NOT_CORRECTED)) == set()


def test_uncorrected_slices_many_half_lives_apart_are_refused() -> None:
    def rubidium(one: Dataset, k: int) -> None:
        beds(one, k)
        item = one.RadiopharmaceuticalInformationSequence[0]
        item.RadionuclideHalfLife = "75.5"
        item.RadionuclideCodeSequence[0].CodeMeaning = "^82^Rubidium"
        one.AcquisitionTime = "110900" if k == 0 else "110000"

    assert code_of(lambda: derived(rubidium, **NOT_CORRECTED)) == "acquisition-times-implausible"


def test_activity_at_an_injection_whose_time_nobody_knows_needs_no_time() -> None:
    known = derived(DecayCorrection="ADMIN", **NO_TIME)
    assert known.acquisition.decay_reference_time is None
    assert suv_factors(known) == pytest.approx([70_000 / 350e6] * 3)
    assert unknown(known) == {"injection_time": "injection-time-missing"}
    assert (known.card["status"], known.card["activity"]) == ("ok", "ok")
    assert known.card["reference_time"] is None


@pytest.mark.parametrize("dated", ["20241231100000", "20250101233000"])
def test_activity_at_an_injection_that_cannot_be_has_no_suv(dated: str) -> None:
    """The scanner may have corrected to the wrong day: by a factor of thousands."""
    known = derived(DecayCorrection="ADMIN", **{**NO_TIME, "RadiopharmaceuticalStartDateTime": dated})
    assert set(unknown(known)) == {"injection_time", "decay_reference_time"}
    assert code_of(lambda: suv_per_activity(known.acquisition)) == "injection-time-implausible"


def test_decay_factors_tell_to_which_injection_the_scanner_corrected() -> None:
    told = factors(f"{expected_factor(3600):.6f}")
    for tags in (NO_TIME, {**NO_TIME, "RadiopharmaceuticalStartDateTime": "20241231100000"}):
        known = derived(told, DecayCorrection="ADMIN", **tags)
        assert known.acquisition.decay_reference_time == pytest.approx(TEN, abs=timedelta(seconds=0.1))
        worksheet = replace(known.acquisition, injection_time=TEN + timedelta(minutes=10))
        dose_bq = 350e6 * 2 ** (600 / 6586.2)
        assert suv_per_activity(worksheet) == pytest.approx(70_000 / dose_bq, rel=2e-5)


def test_a_reference_before_the_injection_is_a_finding() -> None:
    early = derived(
        SeriesTime="104500",
        FrameReferenceTime=str(89715 + 900_000),
        RadiopharmaceuticalStartDateTime="20250101105000",
        RadiopharmaceuticalStartTime=None,
    )
    assert codes(early) == {"reference-before-injection"}
    assert "5 min before the injection" in early.findings[0].message


def test_activity_at_a_known_injection_keeps_its_time() -> None:
    known = derived(DecayCorrection="ADMIN")
    assert known.acquisition.decay_reference_time == TEN
    assert suv_factors(known) == pytest.approx([70_000 / 350e6] * 3)


@pytest.mark.parametrize("decay", [None, "", "YES", "start"])
def test_an_untold_decay_correction_is_refused(decay: str | None) -> None:
    def told(one: Dataset, _: int) -> None:
        if decay is None:
            del one.DecayCorrection
        else:
            one.DecayCorrection = decay

    assert code_of(lambda: derived(told)) == "decay-correction-not-supported"


@pytest.mark.parametrize("decay", ["START", "ADMIN"])
def test_corrected_values_must_be_listed_as_such(decay: str) -> None:
    refused = code_of(lambda: derived(DecayCorrection=decay, CorrectedImage=["ATTN", "NORM"]))
    assert refused == "decay-correction-contradicted"


def enhanced(corrected: str, reference: str | None = None) -> Change:
    """What enhanced PET says in place of DecayCorrection and CorrectedImage."""

    def change(one: Dataset, _: int) -> None:
        del one.DecayCorrection, one.CorrectedImage
        one.AttenuationCorrected, one.DecayCorrected = "YES", corrected
        if reference:
            one.DecayCorrectionDateTime = reference

    return change


def test_the_words_of_enhanced_pet_are_understood() -> None:
    corrected = derived(enhanced("YES", "20250101110000"))
    assert (corrected.acquisition.decay_correction, corrected.value_factor) == ("START", (1.0,) * 3)
    uncorrected = derived(enhanced("NO"))
    assert uncorrected.acquisition.decay_correction == "NONE"
    assert uncorrected.value_factor == pytest.approx([expected_factor(0)] * 3, rel=1e-8)


def test_the_decay_correction_time_of_enhanced_pet_is_believed() -> None:
    known = derived(enhanced("YES", "20250101104500"))
    assert known.acquisition.decay_reference_time == ELEVEN - timedelta(minutes=15)
    assert known.reference is not None
    assert known.reference.rule == "decay_datetime"
    assert codes(known) == {"reference-time-sources-differ"}
    at_injection = derived(enhanced("YES", "20250101100000"))
    assert suv_factors(at_injection) == pytest.approx([70_000 / 350e6] * 3)


@pytest.mark.parametrize("moved", ["19000101104500", "20240101110000", "22001231235959"])
def test_a_decay_correction_time_of_another_date_is_not_believed(moved: str) -> None:
    known = derived(enhanced("YES", moved))
    assert known.acquisition.decay_reference_time == ELEVEN
    assert codes(known) == {"reference-time-sources-differ"}


def test_a_decay_correction_time_after_the_scan_is_not_believed() -> None:
    known = derived(enhanced("YES", "20250101120000"))
    assert known.acquisition.decay_reference_time == ELEVEN
    assert codes(known) == {"reference-time-sources-differ"}


def factors(*printed: str) -> Change:
    def change(one: Dataset, k: int) -> None:
        one.DecayFactor = printed[min(k, len(printed) - 1)]

    return change


BED_0, BED_5 = f"{expected_factor(0):.5f}", f"{expected_factor(300):.5f}"


def test_decay_factors_that_the_reference_predicts_are_no_finding() -> None:
    assert codes(derived(beds, factors(BED_5, BED_0))) == set()
    assert codes(derived(beds, factors(f"{expected_factor(300):.2f}", f"{expected_factor(0):.2f}"))) == set()


def test_slices_at_a_seam_may_carry_the_factor_of_the_other_bed() -> None:
    def two_beds(one: Dataset, k: int) -> None:
        if k < 10:
            beds(one, 0)
        one.DecayFactor = BED_5 if k < 9 else BED_0

    assert codes(derived(two_beds, slices=20)) == set()


def test_decay_factors_of_another_time_are_a_finding_that_names_the_worst() -> None:
    known = derived(beds, factors("1.25", BED_0, BED_0), slices=12, DecayCorrection="START")
    (finding,) = known.findings
    assert finding.code == "decay-factor-disagrees"
    assert "1 of 12 slices" in finding.message
    assert f"slice 0 with 1.25 where {BED_5}" in finding.message


def own_start(one: Dataset, k: int) -> None:
    """Each bed tells the mean count time and the decay of its own frame alone."""
    beds(one, k)
    one.FrameReferenceTime, one.DecayFactor = "89715", BED_0


def test_beds_that_were_each_corrected_to_their_own_start_are_brought_to_one_time() -> None:
    known = derived(own_start)
    assert known.value_factor == pytest.approx([2 ** (300 / 6586.2), 1.0, 1.0])
    assert known.acquisition.decay_reference_time == ELEVEN
    assert codes(known) == {"beds-corrected-separately"}
    assert suv_factors(known) == pytest.approx([PER_BQ * 2 ** (300 / 6586.2), PER_BQ, PER_BQ])


def test_frame_times_that_begin_anew_in_every_bed_are_a_finding() -> None:
    def anew(one: Dataset, k: int) -> None:
        beds(one, k)
        one.FrameReferenceTime = "89715"

    known = derived(anew)
    assert known.acquisition.decay_reference_time == ELEVEN
    assert codes(known) == {"beds-may-be-corrected-separately"}
    assert f"{2 ** (300 / 6586.2) - 1:.1%} too low" in known.findings[0].message
    assert codes(derived(anew, factors(BED_5, BED_0))) == set()


def test_frame_times_that_count_from_one_time_contradict_beds_of_their_own() -> None:
    refused = code_of(lambda: derived(beds, factors(BED_0)))
    assert refused == "reference-time-disagrees"


def test_decay_factors_are_checked_where_the_values_are_valid_at_the_injection() -> None:
    right = f"{expected_factor(3600):.5f}"
    assert codes(derived(factors(right), DecayCorrection="ADMIN")) == set()
    assert codes(derived(factors(BED_0), DecayCorrection="ADMIN")) == {"decay-factor-disagrees"}


def test_a_decay_factor_that_nobody_filled_in_is_a_remark() -> None:
    (finding,) = derived(factors("1.0"), DecayCorrection="ADMIN").findings
    assert (finding.code, finding.severity) == ("decay-factor-not-filled-in", "info")


@settings(max_examples=15, deadline=None)
@given(st.floats(0.2, 5.0), st.sampled_from(["START", "ADMIN", "NONE"]))
def test_more_dose_and_steeper_slopes_leave_the_suv(times: float, decay: str) -> None:
    corrected = ["ATTN"] if decay == "NONE" else ["ATTN", "DECY"]
    tags = {"DecayCorrection": decay, "CorrectedImage": corrected}
    usual = suv_factors(derived(beds, **tags))
    more = suv_factors(derived(beds, RadionuclideTotalDose=f"{350e6 * times:.9g}", **tags))
    assert [factor * times for factor in more] == pytest.approx(usual, rel=1e-7)


@settings(max_examples=15, deadline=None)
@given(st.integers(-20_000, 20_000), st.sampled_from(["START", "ADMIN", "NONE"]))
def test_other_days_leave_all_but_the_absolute_times(days: int, decay: str) -> None:
    def moved(one: Dataset, _: int) -> None:
        day = (ELEVEN + timedelta(days=days)).strftime("%Y%m%d")
        one.SeriesDate = one.AcquisitionDate = one.StudyDate = day
        one.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime = f"{day}100000"

    corrected = ["ATTN"] if decay == "NONE" else ["ATTN", "DECY"]
    tags = {"DecayCorrection": decay, "CorrectedImage": corrected}
    here, there = derived(beds, **tags), derived(beds, moved, **tags)
    assert suv_factors(there) == suv_factors(here)
    assert there.findings == here.findings == ()
    assert there.acquisition.injection_time == TEN + timedelta(days=days)
    assert there.acquisition.decay_reference_time == (TEN if decay == "ADMIN" else ELEVEN) + timedelta(days=days)
    assert [there.acquisition.uptake_min(k) for k in range(3)] == [here.acquisition.uptake_min(k) for k in range(3)]
