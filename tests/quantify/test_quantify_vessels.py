"""How a segmentation is judged, region by region, with every reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hand_made import AORTA, CAVA

from petproc.quantify import quantify_scan
from petproc.settings import QuantifySettings

DESCENDING, CAVA_NAME = "descending_aorta", "superior_vena_cava"


def judged(tables, *regions):
    result = quantify_scan(tables, QuantifySettings(regions=regions or (DESCENDING,)))
    return {row.region: row for row in result.vessels}


def with_scores(tables, name, change):
    column = tables.stations[name].copy()
    change(column)
    return replace(tables, stations={**tables.stations, name: column})


def test_targets_and_backgrounds_are_judged_once_each(scan):
    assert list(judged(scan, DESCENDING, "aortic_arch")) == [DESCENDING, "aortic_arch", CAVA_NAME]
    assert list(judged(scan, CAVA_NAME)) == [CAVA_NAME]


def test_an_accepted_vessel_has_its_length_and_median_scores(scan):
    # 29 stations, each for 2 mm
    row = judged(scan)[DESCENDING]
    assert (row.status, row.reason) == ("accepted", None)
    assert (row.length_mm, row.accepted_mm) == (58.0, 58.0)
    assert (row.radius_mm, row.ring_score, row.visible_fraction) == (10.0, 0.8, 1.0)


def test_a_vessel_accepted_with_stations_that_are_not_says_how_many_mm_are(scan):
    def hide(column):
        column[2:7] = 0.1

    def leave(column):
        column[27:29] = False

    row = judged(with_scores(with_scores(scan, "visible_fraction", hide), "in_pet", leave))[DESCENDING]
    assert (row.status, row.length_mm, row.accepted_mm) == ("accepted", 58.0, 44.0)
    assert row.reason == "partly-accepted: 44 of 58 mm (wall-not-visible 10, outside-pet 4 mm)."
    assert row.visible_fraction == 1.0


def test_a_vessel_that_fails_needs_review_with_every_reason_and_has_no_accepted_length(make_scan):
    tables = with_scores(
        make_scan(replace(AORTA, radius=19.0, ring_score=0.1, hottest={}), CAVA),
        "visible_fraction",
        lambda column: column.__setitem__(slice(0, 3), 0.1),
    )
    row = judged(tables)[DESCENDING]
    assert (row.status, row.length_mm, row.accepted_mm, row.ring_score) == ("needs_review", 58.0, 0.0, 0.1)
    assert row.reason.startswith("needs-review: ")
    for words in ("median ring score 0.10", "median radius 19.0 mm", "of its stations", "mm not accepted by"):
        assert words in row.reason
    uptake = quantify_scan(tables, QuantifySettings(regions=(DESCENDING,))).uptake
    assert {line.value for line in uptake if line.region == DESCENDING} == {None}


def test_a_vessel_of_which_no_station_is_accepted_is_not_accepted(scan):
    def hide(column):
        column[:29] = 0.1

    row = judged(with_scores(scan, "visible_fraction", hide))[DESCENDING]
    assert (row.status, row.accepted_mm) == ("needs_review", 0.0)


def test_what_is_not_there_is_absent_without_a_length(scan):
    absent = replace(scan, sample={**scan.sample, "absent": {"aortic_arch": "the CT ends below it."}})
    row = judged(absent, "aortic_arch")["aortic_arch"]
    assert (row.status, row.reason) == ("absent", "absent: the CT ends below it.")
    assert (row.length_mm, row.accepted_mm, row.radius_mm) == (None, None, None)


def test_what_the_pet_does_not_reach_is_absent(scan):
    def leave(column):
        column[:29] = False

    row = judged(with_scores(scan, "in_pet", leave))[DESCENDING]
    assert (row.status, row.length_mm, row.accepted_mm) == ("absent", 58.0, 0.0)
    assert row.reason.startswith("outside-pet: ")


def test_every_region_of_a_refused_scan_is_absent_with_its_reason(scan):
    refusal = {"code": "pet-truncated", "reason": "Slice 12 is missing.", "remedy": "Send the series again."}
    found = judged(replace(scan, refusal=refusal, voxels={}, stations={}))
    assert {(row.status, row.reason, row.length_mm) for row in found.values()} == {
        ("absent", "pet-truncated: Slice 12 is missing. Send the series again.", None)
    }


def test_scores_that_a_backend_does_not_give_are_empty(scan):
    def forget(column):
        column[:] = float("nan")

    row = judged(with_scores(with_scores(scan, "ring_score", forget), "visible_fraction", forget))[DESCENDING]
    assert (row.status, row.ring_score, row.visible_fraction) == ("accepted", None, None)
    assert row.radius_mm == pytest.approx(10.0)
