"""What combinations say together, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from petproc.multiverse import Answer, outcomes, specifications, summary
from petproc.multiverse.figure import curve
from petproc.multiverse.page import in_words, page
from petproc.settings import Analysis

VARY = {"quantify.active_tbr": [1.6, 2.0], "quantify.segment_mm": [9.0, 15.0, 21.0]}
CHANGES = {1: (-3.0, -1.0), 2: (-1.0,), 3: (1.0, 1.0), 4: (-2.0, -2.0), 5: (-2.0, -6.0), 6: ()}
"""By combination, of each participant that it measures; (1.6, 9) (1.6, 15) (1.6, 21) (2, 9) (2, 15) (2, 21)."""
COMBINED = specifications(Analysis(), VARY)


def answer(participant: int, specification: int, change: float | None) -> Answer:
    measured = change is not None
    values: tuple[Any, ...] = (4.0, 4.0 + change, change, 25.0 * change) if change is not None else (None,) * 4
    status: Any = "measured" if measured else "refused"
    return Answer(f"P{participant}", specification, "aortic_arch", "mean_tbr_max", "1", *values, status, None)


ANSWERS = [
    answer(n, number, changes[n] if n < len(changes) else None) for number, changes in CHANGES.items() for n in range(2)
]
FOUND = outcomes(COMBINED, ANSWERS)


def test_combinations_run_through_the_last_setting_first() -> None:
    assert [one.number for one in COMBINED] == [1, 2, 3, 4, 5, 6]
    assert [tuple(one.values.values()) for one in COMBINED] == [(a, b) for a in (1.6, 2.0) for b in (9.0, 15.0, 21.0)]
    assert (COMBINED[4].analysis.quantify.active_tbr, COMBINED[4].analysis.quantify.segment_mm) == (2.0, 15.0)
    assert COMBINED[4].analysis.quantify.slab_mm == Analysis().quantify.slab_mm


def test_an_outcome_is_the_mean_over_those_measured() -> None:
    first = FOUND[0]
    assert (first.n_participant, first.n_measured) == (2, 2)
    assert (first.mean_baseline, first.mean_change, first.sd_change) == (4.0, -2.0, pytest.approx(2.0**0.5))
    assert (first.mean_percent_change, first.sd_percent_change) == (-50.0, pytest.approx(25.0 * 2.0**0.5))
    assert (FOUND[1].n_measured, FOUND[1].mean_change, FOUND[1].sd_change) == (1, -1.0, None)
    assert (FOUND[5].n_measured, FOUND[5].mean_change, FOUND[5].mean_percent_change) == (0, None, None)


def test_the_summary_counts_directions_and_gives_the_range() -> None:
    """Means are -2, -1, 1, -2, -4 and none."""
    said = summary(COMBINED, FOUND)
    assert (said["combinations"], said["with_result"], said["agree"]) == (6, 5, 4)
    assert said["direction"] == {"fall": 4, "rise": 1, "none": 0}
    assert (said["lowest"], said["median"], said["highest"]) == (-4.0, -2.0, 1.0)
    assert (said["result"], said["unit"]) == ("mean_change", "1")


def test_the_setting_that_moves_most_is_that_with_the_largest_mean_absolute_difference() -> None:
    """active_tbr: |-2+2| = 0 and |-1+4| = 3, mean 1.5. segment_mm: 9 to 15 |-2+1| = 1 and |-2+4| = 2, mean 1.5; 9 to 21
    |-2-1| = 3 alone; 15 to 21 |-1-1| = 2 alone."""
    said = summary(COMBINED, FOUND)
    segment, active = said["settings"]
    assert said["moves_most"] == "quantify.segment_mm"
    assert (segment["mean_absolute_difference"], segment["between"], segment["comparisons"]) == (3.0, [9.0, 21.0], 1)
    assert (active["mean_absolute_difference"], active["between"], active["comparisons"]) == (1.5, [1.6, 2.0], 2)


def test_combinations_that_measure_different_things_are_compared_in_percent() -> None:
    combined = specifications(Analysis(), {"compare.index_metric": ["mean_tbr_max", "mean_suv_max"]})
    said = summary(combined, outcomes(combined, [answer(0, 1, -1.0), answer(0, 2, -2.0)]))
    assert (said["result"], said["unit"], said["lowest"], said["highest"]) == ("mean_percent_change", "%", -50.0, -25.0)


def test_nothing_measured_is_said_and_gives_no_number() -> None:
    found = outcomes(COMBINED, [answer(0, number, None) for number in CHANGES])
    said = summary(COMBINED, found)
    assert (said["with_result"], said["agree"], said["lowest"], said["moves_most"]) == (0, 0, None, None)
    assert in_words(said) == ["None of the 6 combinations has a result."]
    assert curve(COMBINED, found, said).startswith(b"\x89PNG")


def test_the_page_says_that_it_is_exploratory_and_is_the_same_every_time() -> None:
    said = summary(COMBINED, FOUND)
    made = [page("robust", COMBINED, FOUND, said, curve(COMBINED, FOUND, said)) for _ in range(2)]
    assert made[0] == made[1]
    assert "Exploratory" in made[0]
    assert "4 of 5 combinations show a fall of the index vessel, from -4 to 1 (median -2)." in made[0]
    assert "1 combination has no result" in made[0]
    assert "between 9.0 and 21.0 the result differs by 3 on average" in made[0]
