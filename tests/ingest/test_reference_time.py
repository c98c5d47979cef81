"""To which time is a PET decay-corrected? What each source says, and who is believed."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from petproc.core.errors import Refusal
from petproc.ingest.reference_time import Frame, ReferenceTime, candidates, choose, mean_count_s

HALF_LIFE = 6586.2
START = datetime(2025, 1, 1, 11, 0, tzinfo=UTC)
DURATION = 180.0
BED_STEP = 182.0


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def decay_factor(delay: float) -> float:
    """Printed like a scanner: decay over the frame, and from the reference to its start."""
    decay = math.log(2) / HALF_LIFE
    exponent = decay * DURATION
    return round(exponent / (1 - math.exp(-exponent)) * math.exp(decay * delay), 5)


def beds(count: int = 4, *, first: int = 0, meaning: str | None = "mean", factor: bool = False) -> list[Frame]:
    """Beds of a scan that began at START, from bed `first` on, ten slices each."""
    frames = []
    for bed in range(first, first + count):
        delay = bed * BED_STEP
        reference = {"mean": delay + mean_count_s(DURATION, math.log(2) / HALF_LIFE), "start": delay, None: None}[
            meaning
        ]
        frames += [Frame(after(delay), DURATION, reference, decay_factor(delay) if factor else None)] * 10
    return frames


def decide(
    frames: list[Frame], *, series: datetime | None = None, vendor: datetime | None = None, ge: bool = False
) -> ReferenceTime:
    return choose(candidates(frames, half_life_s=HALF_LIFE, series=series, vendor=vendor), frame_start_vendor=ge)


def codes(chosen: ReferenceTime) -> list[str]:
    return [finding.code for finding in chosen.findings]


def test_mean_count_time_is_where_the_decay_curve_equals_its_mean() -> None:
    decay = math.log(2) / HALF_LIFE
    steps = 200_000
    mean = sum(math.exp(-decay * 600 * (n + 0.5) / steps) for n in range(steps)) / steps
    assert math.exp(-decay * mean_count_s(600, decay)) == pytest.approx(mean, rel=1e-9)


@pytest.mark.parametrize("meaning", ["mean", "start", None])
def test_series_time_is_taken_whichever_way_frame_reference_time_is_meant(meaning: str | None) -> None:
    chosen = decide(beds(meaning=meaning), series=START)
    assert chosen.time == START
    assert codes(chosen) == []


@pytest.mark.parametrize("meaning", ["mean", "start"])
def test_a_cropped_scan_keeps_its_reference(meaning: str) -> None:
    """The first two beds were cut off: the earliest acquisition is six minutes late, the series time is not."""
    chosen = decide(beds(first=2, meaning=meaning), series=START)
    assert chosen.time == START


def test_a_series_time_after_the_acquisition_is_post_processing() -> None:
    chosen = decide(beds(), series=after(1800))
    assert chosen.time == pytest.approx(START, abs=timedelta(seconds=0.01))
    assert chosen.rule == "frame_reference_mean alone"
    assert codes(chosen) == ["reference-time-sources-differ"]
    assert "series by 1800 s" in chosen.findings[0].message


def test_frame_reference_time_of_zero_can_only_be_the_start_of_the_frame() -> None:
    chosen = decide(beds(meaning="start"), series=None)
    assert chosen.time == START


def test_a_series_time_of_one_against_frame_reference_time_is_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        decide(beds(), series=after(-1200))
    assert refusal.value.code == "reference-time-disagrees"
    assert "series 2025-01-01T10:40:00" in refusal.value.reason


def test_two_sources_outvote_the_third() -> None:
    chosen = decide(beds(), series=after(-1200), vendor=START)
    assert chosen.time == START
    assert codes(chosen) == ["reference-time-sources-differ"]
    late = [Frame(after(1800), DURATION, 90.0, None)] * 10
    assert decide(late, series=START, vendor=START).time == START
    assert decide(beds(), series=START, vendor=after(-1200)).time == START


def test_three_sources_that_all_differ_are_refused() -> None:
    with pytest.raises(Refusal):
        decide(beds(), series=after(-1200), vendor=after(-600))


def test_small_differences_are_a_finding_and_tiny_ones_none() -> None:
    assert codes(decide(beds(), series=after(-30))) == ["reference-time-sources-differ"]
    assert codes(decide(beds(), series=after(-5))) == []


def test_the_decay_factor_decides() -> None:
    chosen = decide(beds(factor=True), series=after(-1200))
    assert chosen.time == pytest.approx(START, abs=timedelta(seconds=0.2))
    assert codes(chosen) == ["reference-time-sources-differ"]
    confirmed = decide(beds(factor=True, meaning="start"), series=START)
    assert confirmed.time == START
    assert confirmed.rule == "series, confirmed by decay_factor"


def test_the_decay_factor_against_two_others_is_refused() -> None:
    with pytest.raises(Refusal):
        decide(beds(factor=True, meaning=None), series=after(-1200), vendor=after(-1200))


def test_seam_slices_with_the_factor_of_the_next_bed_do_not_matter() -> None:
    frames = beds(factor=True)
    for seam in (9, 19, 29):
        frames[seam] = Frame(frames[seam].acquired, DURATION, None, frames[seam + 1].decay_factor)
    chosen = decide(frames, series=START)
    assert chosen.time == START


def test_a_decay_factor_that_was_never_filled_in_is_no_source() -> None:
    frames = [Frame(after(0), DURATION, None, 1.0)] * 10
    assert decide(frames, series=START).rule == "series, with 1 of 1 sources"


def test_without_any_source_it_is_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        decide(beds(meaning=None), series=after(600))
    assert refusal.value.code == "reference-time-unknown"


def test_of_a_maker_who_writes_the_frame_start_an_ambiguous_time_is_refused() -> None:
    cropped = beds(first=2, meaning="start")
    with pytest.raises(Refusal):
        decide(cropped, series=after(3600), ge=True)


def test_every_candidate_is_kept_with_its_fate() -> None:
    told = decide(beds(meaning="start"), series=START).to_json()
    assert told["chosen"] == "2025-01-01T11:00:00+00:00"
    fates = {entry["source"]: entry["admissible"] for entry in told["candidates"]}
    assert fates == {
        "series": True,
        "frame_reference_mean": False,
        "frame_reference_start": True,
        "earliest_acquisition": False,
    }


def test_a_decay_correction_time_that_is_stated_outright_is_believed() -> None:
    found = candidates(beds(), half_life_s=HALF_LIFE, series=START, vendor=None, decay_datetime=after(-900))
    chosen = choose(found, frame_start_vendor=False)
    assert (chosen.time, chosen.rule) == (after(-900), "decay_datetime")
    assert codes(chosen) == ["reference-time-sources-differ"]
    assert "series by 900 s" in chosen.findings[0].message


def test_half_a_day_before_the_scan_is_a_date_that_was_moved() -> None:
    for hours in (13, 24 * 9):
        chosen = decide(beds(), series=after(-3600 * hours), vendor=after(-3600 * hours))
        assert chosen.time == pytest.approx(START, abs=timedelta(seconds=0.01))
        assert {one.note for one in chosen.candidates if one.source == "series"} == {"more than 12 h before the scan"}
    injected = candidates(beds(), half_life_s=282240.0, series=None, vendor=None, decay_datetime=after(-3600 * 100))
    assert choose(injected, frame_start_vendor=False).rule == "decay_datetime"


def test_the_source_nearest_to_the_decay_factor_is_taken() -> None:
    assert decide(beds(factor=True), series=START, vendor=after(-8)).time == START
