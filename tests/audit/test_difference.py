"""Two answers side by side, made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from petproc.audit.difference import (
    Answer,
    Explained,
    Flip,
    Moved,
    SettingDiffers,
    changes_moved,
    explained,
    flips,
    scans_moved,
    settings_that_differ,
    with_setting,
)
from petproc.core.tables import ChangeRow, UptakeRow

METRIC = "mean_tbr_max"
SETTINGS = {"quantify": {"active_tbr": 2.0, "background": {"volume_ml": 1.5}}, "backend": "classical"}


def uptake(participant: str, region: str, value: float | None) -> UptakeRow:
    status: Any = "measured" if value is not None else "refused"
    return UptakeRow(
        *(participant, "baseline", region, METRIC, value, "1", 5, 50, 1.0, "superior_vena_cava", 1.0, 120.0),
        status=status,
        reason=None,
    )


def change(participant: str, before: float, after: float, region: str = "index_vessel") -> ChangeRow:
    values = (before, after, after - before, 100 * (after - before) / before)
    return ChangeRow(participant, region, METRIC, "1", *values, True, 50.0, 0.0, "measured", None, None)


def answer(*rows: UptakeRow, **others: Any) -> Answer:
    return replace(Answer("a", SETTINGS, rows, (), {}), **others)


def test_settings_that_differ_are_named_by_their_place() -> None:
    other = {"quantify": {"active_tbr": 1.6, "background": {"volume_ml": 1.5}, "suv": "bw"}, "backend": "classical"}
    assert settings_that_differ(SETTINGS, other) == [
        SettingDiffers("quantify.active_tbr", 2.0, 1.6),
        SettingDiffers("quantify.suv", None, "bw"),
    ]


def test_the_same_settings_in_another_order_do_not_differ() -> None:
    other = {"backend": "classical", "quantify": {"background": {"volume_ml": 1.5}, "active_tbr": 2.0}}
    assert settings_that_differ(SETTINGS, other) == []


@pytest.mark.parametrize("path", ["quantify.background.volume_ml", "backend", "quantify.new"])
def test_a_setting_put_in_is_the_only_one_that_differs(path: str) -> None:
    changed = with_setting(SETTINGS, path, "x")
    assert [one.path for one in settings_that_differ(SETTINGS, changed)] == [path]
    assert SETTINGS["quantify"] == {"active_tbr": 2.0, "background": {"volume_ml": 1.5}}


def test_numbers_that_moved_are_counted_by_region_and_the_largest_is_named() -> None:
    a = answer(*(uptake(name, "aortic_arch", value) for name, value in (("1", 2.0), ("2", 2.0), ("3", 2.0))))
    b = answer(*(uptake(name, "aortic_arch", value) for name, value in (("1", 2.0), ("2", 2.1), ("3", 1.5))))
    (moved,) = scans_moved(a, b, METRIC)
    assert (moved.n_both, moved.n_moved, moved.median_difference) == (3, 2, 0.0)
    assert (moved.largest_difference, moved.largest_at) == (-0.5, "3 baseline")


def test_what_one_answer_alone_measured_is_listed_and_is_no_number() -> None:
    a = answer(uptake("1", "aortic_arch", 2.0), uptake("2", "aortic_arch", None))
    b = answer(uptake("1", "aortic_arch", None), uptake("2", "aortic_arch", 2.0))
    assert scans_moved(a, b, METRIC) == [
        Moved("aortic_arch", METRIC, 0, 0, 0.0, 0.0, "", ("1 baseline",), ("2 baseline",))
    ]


def test_equal_answers_have_moved_nothing() -> None:
    a = answer(uptake("1", "aortic_arch", 2.0), change=[change("1", 2.0, 1.8)])
    assert scans_moved(a, a, METRIC) == []
    assert changes_moved(a, a, METRIC) == []
    assert flips(a, a, METRIC) == []


def test_changes_move_in_percent() -> None:
    a, b = answer(change=[change("1", 2.0, 1.8)]), answer(change=[change("1", 2.0, 1.9)])
    (moved,) = changes_moved(a, b, METRIC)
    assert moved.largest_difference == pytest.approx(5.0)


def test_another_index_vessel_and_another_direction_are_flips() -> None:
    a = answer(index={"1": "ascending_aorta", "2": None}, change=[change("1", 2.0, 1.8)])
    b = answer(index={"1": "left_common_carotid", "2": None}, change=[change("1", 2.0, 2.2)])
    assert flips(a, b, METRIC) == [
        Flip("1", "index vessel", "ascending_aorta", "left_common_carotid"),
        Flip("1", "direction", "down", "up"),
    ]


def test_the_setting_that_makes_the_difference_explains_it() -> None:
    """The number is 2 times the volume and does not know the cut-off."""

    def answered(settings: Any) -> Answer:
        volume = settings["quantify"]["background"]["volume_ml"]
        return answer(uptake("1", "aortic_arch", 2 * volume), settings=settings)

    other = {"quantify": {"active_tbr": 1.6, "background": {"volume_ml": 3.0}}, "backend": "classical"}
    shares = explained(answered(SETTINGS), answered(other), METRIC, answered)
    assert shares == [Explained("quantify.background.volume_ml", 1.0), Explained("quantify.active_tbr", 0.0)]


def test_a_setting_by_which_a_number_appears_explains_its_appearance() -> None:
    def answered(settings: Any) -> Answer:
        gated = settings["quantify"]["active_tbr"] > 1.8
        return answer(uptake("1", "a", None if gated else 2.0), uptake("2", "a", 2.0), settings=settings)

    other = {**SETTINGS, "quantify": {**SETTINGS["quantify"], "active_tbr": 1.6}}  # type: ignore[dict-item]
    assert explained(answered(SETTINGS), answered(other), METRIC, answered) == [Explained("quantify.active_tbr", 1.0)]


def test_equal_numbers_leave_nothing_to_explain() -> None:
    a = answer(uptake("1", "aortic_arch", 2.0))
    b = replace(a, settings={**SETTINGS, "backend": "imported"})

    def never(settings: Any) -> Answer:
        raise AssertionError(settings)

    assert explained(a, b, METRIC, never) == []
