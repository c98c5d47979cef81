"""Times without dates, moved dates, midnight and time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pet_headers import Change, code_of, codes, derived, suv_factors, unknown
from pydicom.dataset import Dataset

from petproc.dicom.moments import before, moment_of, near, suffix_of, zone_of

ELEVEN = datetime(2025, 1, 1, 11, tzinfo=UTC)
TEN = datetime(2025, 1, 1, 10, tzinfo=UTC)
PER_BQ = 70_000 / (350e6 * 2 ** (-3600 / 6586.2))
DATED, CLOCK = "RadiopharmaceuticalStartDateTime", "RadiopharmaceuticalStartTime"


def without(*keywords: str) -> Change:
    def change(one: Dataset, _: int) -> None:
        for keyword in keywords:
            delattr(one, keyword)

    return change


def clocks(*times: str, frame_reference: bool = True) -> Change:
    """AcquisitionTime of the slices; FrameReferenceTime no longer fits and goes."""

    def change(one: Dataset, k: int) -> None:
        one.AcquisitionTime = times[min(k, len(times) - 1)]
        if not frame_reference:
            del one.FrameReferenceTime

    return change


# time zones


def test_the_zone_of_a_time_counts_only_where_the_header_names_one() -> None:
    two = zone_of("+0200")
    assert moment_of("20250101110000+0100", None) == ELEVEN
    assert moment_of("20250101110000+0100", UTC) == TEN
    assert moment_of("20250101110000+01:00", UTC) == TEN
    assert moment_of("20250101120000", two) == TEN
    assert suffix_of("20250101110000.5-0330") == "-0330"
    assert suffix_of("20250101110000") is None


@pytest.mark.parametrize("suffix", ["+0100", "+01:00", "-0800", "+0000"])
def test_a_suffix_does_not_shift_the_injection_against_naive_times(suffix: str) -> None:
    known = derived(**{DATED: f"20250101100000{suffix}", CLOCK: "100000"})
    assert known.acquisition.uptake_min(0) == 60.0
    assert codes(known) == set()
    alone = derived(**{DATED: f"20250101100000{suffix}", CLOCK: None})
    assert alone.acquisition.uptake_min(0) == 60.0
    assert codes(alone) == {"time-zone-not-used"}


def test_a_suffix_is_converted_where_the_header_names_its_zone() -> None:
    for zone in ("+0100", "+01:00"):
        known = derived(TimezoneOffsetFromUTC=zone, **{DATED: "20250101090000+0000", CLOCK: None})
        assert known.acquisition.uptake_min(0) == 60.0
        assert known.acquisition.injection_time == TEN - timedelta(hours=1)
        assert codes(known) == set()


def test_a_clock_is_read_in_the_zone_of_the_header() -> None:
    known = derived(TimezoneOffsetFromUTC="+0900", **{DATED: None})
    assert known.acquisition.uptake_min(0) == 60.0
    assert suv_factors(known) == pytest.approx([PER_BQ] * 3)


# midnight


def test_before_and_near_cross_midnight() -> None:
    half_past = datetime(2025, 1, 2, 0, 30, tzinfo=UTC)
    assert before("233000", half_past) == half_past - timedelta(hours=1)
    assert before("003000", half_past) == half_past
    assert near("235900", half_past) == half_past - timedelta(minutes=31)
    assert near("001000", datetime(2025, 1, 1, 23, 50, tzinfo=UTC)) == datetime(2025, 1, 2, 0, 10, tzinfo=UTC)
    assert before("nonsense", half_past) is None


def late(one: Dataset, k: int) -> None:
    """The scan begins at 23:50 and ends after midnight; injection an hour before."""
    one.SeriesTime, one.AcquisitionTime = "235000", "235000" if k else "000800"
    one.AcquisitionDate = "20250101" if k else "20250102"
    one.FrameReferenceTime = str(89715 + (0 if k else 18 * 60_000))
    item = one.RadiopharmaceuticalInformationSequence[0]
    item.RadiopharmaceuticalStartDateTime, item.RadiopharmaceuticalStartTime = "20250101225000", "225000"


def test_a_scan_over_midnight_is_one_scan() -> None:
    known = derived(late)
    assert [known.acquisition.uptake_min(k) for k in range(3)] == [78.0, 60.0, 60.0]
    assert suv_factors(known) == pytest.approx([PER_BQ] * 3)


@pytest.mark.parametrize("lost", [["AcquisitionDate"], ["AcquisitionDate", "SeriesDate"]])
def test_without_acquisition_dates_a_scan_over_midnight_is_put_together_by_another_date(lost: list[str]) -> None:
    known = derived(late, without(*lost), StudyTime="234000")
    assert [known.acquisition.uptake_min(k) for k in range(3)] == [78.0, 60.0, 60.0]
    assert codes(known) == {"acquisition-date-missing"}


def test_a_copied_injection_date_over_midnight_is_not_believed() -> None:
    """A scan at half past midnight, injected at half past eleven by the clock, and dated to the day of the scan."""
    known = derived(SeriesTime="003000", AcquisitionTime="003000", **{DATED: "20250101233000", CLOCK: "233000"})
    assert unknown(known) == {"injection_time": "injection-time-implausible"}


def test_a_dynamic_scan_may_begin_before_the_injection() -> None:
    def dynamic(one: Dataset, k: int) -> None:
        one.SeriesType = ["DYNAMIC", "IMAGE"]
        one.AcquisitionTime, one.FrameReferenceTime = f"11{10 * k:02d}00", str(89715 + 600_000 * k)

    for tags in ({CLOCK: "110030", DATED: "20250101110030"}, {CLOCK: "110030", DATED: None}):
        known = derived(dynamic, **tags)
        assert [known.acquisition.uptake_min(k) for k in range(3)] == [-0.5, 9.5, 19.5]
        assert codes(known) == set()


# dates that are missing


def test_the_acquisition_date_is_told_by_the_series() -> None:
    known = derived(without("AcquisitionDate"))
    assert known.acquisition.slice_acquisition_time == (ELEVEN,) * 3
    assert suv_factors(known) == pytest.approx([PER_BQ] * 3)
    assert codes(known) == {"acquisition-date-missing"}
    assert codes(derived(AcquisitionDate="00010101")) == {"acquisition-date-missing"}


def test_a_date_alone_tells_the_day() -> None:
    def bare(one: Dataset, _: int) -> None:
        del one.AcquisitionDate, one.SeriesTime, one.SeriesDate, one.StudyTime
        one.StudyDate = "20250103"

    known = derived(bare, **{DATED: None})
    assert known.acquisition.slice_acquisition_time[0] == ELEVEN + timedelta(days=2)
    assert known.acquisition.uptake_min(0) == 60.0


def test_one_element_may_hold_date_and_time() -> None:
    def dated(one: Dataset, _: int) -> None:
        del one.AcquisitionDate, one.AcquisitionTime
        one.AcquisitionDateTime = "20250101110000.000000"

    known = derived(dated)
    assert known.acquisition.slice_acquisition_time == (ELEVEN,) * 3
    assert codes(known) == set()


def no_dates(one: Dataset, _: int) -> None:
    del one.AcquisitionDate, one.SeriesDate, one.StudyDate


def test_without_any_date_all_times_are_of_one_nominal_day() -> None:
    known = derived(no_dates, **{DATED: None})
    assert suv_factors(known) == pytest.approx([PER_BQ] * 3)
    assert known.acquisition.uptake_min(0) == 60.0
    assert codes(known) == {"dates-missing"}


def test_without_any_date_a_scan_over_midnight_is_refused() -> None:
    assert code_of(lambda: derived(no_dates, clocks("235900", "000500"))) == "acquisition-times-implausible"


@pytest.mark.parametrize("tags", [{"AcquisitionTime": None}, {"AcquisitionTime": "noon"}, {"ActualFrameDuration": "0"}])
def test_a_slice_without_time_or_duration_is_refused(tags: dict[str, Any]) -> None:
    assert code_of(lambda: derived(**tags)) == "tag-missing"


def test_slices_of_different_days_are_no_scan() -> None:
    def other_day(one: Dataset, k: int) -> None:
        one.AcquisitionDate = "20250101" if k else "19910101"

    assert code_of(lambda: derived(other_day)) == "acquisition-times-implausible"


# dates that were moved


@pytest.mark.parametrize("day", ["20250103", "20241230", "19000101", "20991231"])
def test_an_injection_date_that_was_left_behind_is_replaced(day: str) -> None:
    known = derived(**{DATED: f"{day}100000"})
    assert known.acquisition.injection_time == TEN
    assert suv_factors(known) == pytest.approx([PER_BQ] * 3)
    assert codes(known) == {"injection-date-replaced"}


@pytest.mark.parametrize(
    ("dated", "clock"), [("20241231100000", "100000"), ("20250102100000", "100000"), ("20250101113000", None)]
)
def test_an_injection_a_day_off_or_after_the_scan_is_unknown(dated: str, clock: str | None) -> None:
    known = derived(**{DATED: dated, CLOCK: clock})
    assert unknown(known) == {"injection_time": "injection-time-implausible"}
    assert codes(known) == {"injection-time-implausible"}


def test_a_moved_date_whose_clock_gives_no_uptake_time_is_not_replaced() -> None:
    known = derived(**{DATED: "20200101223000", CLOCK: None})
    assert unknown(known) == {"injection_time": "injection-time-implausible"}


@pytest.mark.parametrize(("scan", "injected"), [("000000", "000000"), ("110000", "110000"), ("093000", "000000")])
def test_times_that_were_blanked_are_no_injection(scan: str, injected: str) -> None:
    known = derived(SeriesTime=scan, AcquisitionTime=scan, **{CLOCK: injected, DATED: f"20250101{injected}"})
    assert unknown(known) == {"injection_time": "injection-time-implausible"}


def test_an_injection_at_midnight_may_be_real() -> None:
    known = derived(SeriesTime="010000", AcquisitionTime="010000", **{CLOCK: "000000", DATED: None})
    assert known.acquisition.uptake_min(0) == 60.0


def of_copper(one: Dataset, _: int) -> None:
    item = one.RadiopharmaceuticalInformationSequence[0]
    item.RadionuclideHalfLife = "45724"
    item.RadionuclideCodeSequence[0].CodeMeaning = "^64^Copper"


def test_of_a_long_lived_nuclide_a_clock_tells_no_day() -> None:
    assert unknown(derived(of_copper, **{DATED: None})) == {"injection_time": "injection-date-missing"}
    assert derived(of_copper, **{DATED: "20241231100000"}).acquisition.uptake_min(0) == 25 * 60
    assert unknown(derived(of_copper, **{DATED: "20200101100000"})) == {"injection_time": "injection-time-implausible"}


def test_a_series_that_was_dated_anew_is_no_reference() -> None:
    for day in ("20250109", "20241220"):
        known = derived(SeriesDate=day)
        assert known.acquisition.decay_reference_time == pytest.approx(ELEVEN, abs=timedelta(seconds=0.2))
        assert codes(known) == {"reference-time-sources-differ"}


def test_the_date_of_a_private_time_that_was_left_behind_is_replaced() -> None:
    def private(one: Dataset, _: int) -> None:
        one.Manufacturer, one.SeriesTime = "GE MEDICAL SYSTEMS", "113000"
        one.add_new(0x00090010, "LO", "GEMS_PETD_01")
        one.add_new(0x0009100D, "DT", "20190307105955")

    known = derived(private)
    assert known.acquisition.decay_reference_time == ELEVEN - timedelta(seconds=5)
