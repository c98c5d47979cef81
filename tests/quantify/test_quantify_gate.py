"""Every rule of the gate, alone: what it rejects and what it lets pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from petproc.quantify.gate import judge
from petproc.settings import GateSettings

DEFAULT = GateSettings()


@pytest.fixture
def stations(scan):
    """29 stations of the aorta, then 29 of the vena cava; every score passes."""
    return {name: column.copy() for name, column in scan.stations.items()}


def gate(stations, scores=None, settings=DEFAULT):
    return judge(stations, {"scores": scores or {}, "absent": {}}, settings)


def test_good_scores_pass(stations):
    judged = gate(stations)
    assert judged.accepted.all()
    assert not {"descending_aorta", "superior_vena_cava"} & set(judged.refused)


def test_a_station_whose_wall_is_not_visible_is_rejected_alone(stations):
    stations["visible_fraction"][3] = 0.49
    stations["visible_fraction"][4] = 0.50
    assert gate(stations).reasons[2:6].tolist() == ["", "wall-not-visible", "", ""]


def test_a_station_outside_the_pet_is_rejected(stations):
    stations["in_pet"][5] = False
    assert gate(stations).reasons[5] == "outside-pet"


def test_a_long_low_run_rejects_everything_after_it(stations):
    stations["ring_score"][10:20] = 0.21  # ten stations: 20 mm
    reasons = gate(stations, settings=GateSettings(low_fraction_max=1.0)).reasons
    assert (reasons[:10] == "").all()
    assert (reasons[10:29] == "after-low-run").all()
    assert (reasons[29:] == "").all()


def test_a_short_low_run_rejects_nothing(stations):
    stations["ring_score"][10:19] = 0.21
    assert gate(stations, settings=GateSettings(low_fraction_max=1.0)).accepted.all()


def test_a_low_run_in_the_vena_cava_is_judged_by_the_median_only(stations):
    stations["ring_score"][29:41] = 0.1
    assert gate(stations).accepted.all()


def test_a_low_median_score_needs_review(stations):
    stations["ring_score"][:29] = 0.44
    assert gate(stations).refused["descending_aorta"] == "needs-review: median ring score 0.44 is below 0.45."


def test_too_many_low_stations_need_review(stations):
    stations["ring_score"][:16:2] = 0.2  # 8 of 29
    refused = gate(stations).refused["descending_aorta"]
    assert refused == "needs-review: 28% of its stations score below 0.22, more than 25%."


@pytest.mark.parametrize(("radius", "passes"), [(7.4, False), (7.5, True), (18.0, True), (18.1, False)])
def test_a_radius_outside_its_range_needs_review(stations, radius, passes):
    stations["radius_mm"][:29] = radius
    assert ("descending_aorta" not in gate(stations).refused) is passes


def test_an_ascending_aorta_narrower_than_the_descending_needs_review(make_scan, aorta, cava):
    both = make_scan(replace(aorta, region="ascending_aorta", radius=14.0), replace(aorta, radius=15.0), cava).stations
    refused = gate(both).refused
    assert refused["ascending_aorta"].startswith("needs-review: its radius 14.0 mm is smaller than")
    both["radius_mm"][:29] = 14.25  # 0.95 x 15
    assert "ascending_aorta" not in gate(both).refused


@pytest.mark.parametrize(
    ("scores", "failing"),
    [
        ({"path_cost": 2.0, "path_length_mm": 70.0, "apex_above_carina_mm": 12.0}, None),
        ({"path_cost": 3.1}, "path_cost 3.1 is outside -inf to 3"),
        ({"path_length_mm": 37.0}, "path_length_mm 37.0 is outside 70 to 230"),
        ({"apex_above_carina_mm": 71.0}, "apex_above_carina_mm 71.0 is outside 12 to 70"),
    ],
)
def test_the_arch_is_judged_by_its_path(make_scan, aorta, scores, failing):
    stations = make_scan(replace(aorta, region="aortic_arch", radius=12.0)).stations
    refused = gate(stations, {"aortic_arch": scores}).refused.get("aortic_arch")
    assert refused == (failing and f"needs-review: {failing}.")


@pytest.mark.parametrize(("low", "failing"), [(9, None), (10, "no circle fits it over 20 mm")])
def test_an_arch_whose_path_leaves_the_vessel_part_way_is_sent_to_review(make_scan, aorta, low, failing):
    """Every score of its whole is good: the path cost, the length, most stations."""
    stations = {**make_scan(replace(aorta, region="aortic_arch", radius=12.0)).stations}
    stations["ring_score"] = stations["ring_score"].copy()
    stations["ring_score"][10 : 10 + low] = 0.21
    scores = {"aortic_arch": {"path_cost": 0.8, "path_length_mm": 110.0, "apex_above_carina_mm": 25.0}}
    refused = gate(stations, scores).refused.get("aortic_arch")
    assert refused == (failing and f"needs-review: {failing}.")


def test_masks_without_scores_are_taken_at_their_word_where_the_settings_say_so(stations):
    for name in ("ring_score", "visible_fraction"):
        stations[name] = np.full(58, np.nan)
    assert gate(stations).accepted.all()
    strict = gate(stations, settings=GateSettings(accept_unscored=False))
    assert (strict.reasons == "unscored").all()
    assert strict.refused["descending_aorta"] == "needs-review: the segmentation gives no ring scores."


def test_a_region_that_the_pet_does_not_reach_is_refused(stations):
    stations["in_pet"][:29] = False
    assert gate(stations).refused["descending_aorta"] == "outside-pet: the PET does not reach this region."


LENIENT = GateSettings(low_fraction_max=1.0, low_run_mm=1000.0, region_ring_score_min={})
SEEDED = {"edge": 0.8, "off_mm": 3.0, "strays_mm": 5.0, "shared": 0.1}


@pytest.mark.parametrize(
    ("scores", "failing"),
    [
        ({}, None),
        ({"edge": 0.79}, "mean edge score 0.79 is below 0.8"),
        ({"off_mm": 3.1}, "one of its points lies 3.1 mm outside it"),
        ({"shared": 0.4}, "40% of it is claimed by another vessel too"),
        ({"strays_mm": 20.1}, "followed from one end alone it strays by 20.1 mm"),
    ],
)
def test_a_vessel_through_points_that_left_its_course_needs_review(stations, scores, failing):
    refused = gate(stations, {"descending_aorta": SEEDED | scores}).refused.get("descending_aorta")
    assert refused == (failing and f"needs-review: {failing}.")


@pytest.mark.parametrize(("radius", "strays", "passes"), [(3.5, 5.0, True), (3.5, 5.1, False), (5.8, 5.7, True)])
def test_a_path_from_one_end_may_stray_by_5_mm_or_the_radius(make_scan, aorta, radius, strays, passes):
    stations = make_scan(replace(aorta, region="left_common_carotid", radius=radius)).stations
    refused = gate(stations, {"left_common_carotid": SEEDED | {"strays_mm": strays}}).refused
    assert ("left_common_carotid" not in refused) is passes


def test_a_poor_fit_on_a_path_between_points_is_rejected_alone(stations):
    stations["ring_score"][[4, 40]] = 0.21
    reasons = gate(stations, {"descending_aorta": SEEDED}).reasons
    assert reasons[3:6].tolist() == ["", "poor-fit", ""]
    assert reasons[40] == ""
    assert (gate(stations).reasons == "").all()


def test_a_vessel_through_points_that_hardly_fits_anywhere_goes_to_review_as_a_whole(stations):
    stations["ring_score"][:14] = 0.18
    assert "descending_aorta" not in gate(stations, {"descending_aorta": SEEDED}, LENIENT).refused
    stations["ring_score"][:15] = 0.18
    assert "48% of its stations" in gate(stations, {"descending_aorta": SEEDED}, LENIENT).refused["descending_aorta"]


@pytest.mark.parametrize(("radius", "passes"), [(2.4, False), (2.5, True), (6.0, True), (6.1, False)])
def test_a_carotid_has_its_own_range_of_radii(make_scan, aorta, radius, passes):
    stations = make_scan(replace(aorta, region="left_common_carotid", radius=radius)).stations
    assert ("left_common_carotid" not in gate(stations).refused) is passes


def test_a_region_of_which_less_than_half_is_believed_goes_to_review_as_a_whole(stations):
    rows = np.flatnonzero(stations["region"] == "descending_aorta")
    stations["visible_fraction"][rows[: len(rows) // 2]] = 0.1
    assert "descending_aorta" not in gate(stations).refused
    stations["visible_fraction"][rows[: len(rows) // 2 + 1]] = 0.1
    assert "of its stations are accepted, less than 50%" in gate(stations).refused["descending_aorta"]
    assert "descending_aorta" not in gate(stations, settings=GateSettings(accepted_fraction_min=0.2)).refused


def test_what_the_pet_does_not_reach_does_not_count_against_a_region(stations):
    rows = np.flatnonzero(stations["region"] == "descending_aorta")
    stations["in_pet"][rows[2:]] = False
    assert "descending_aorta" not in gate(stations).refused


@pytest.mark.parametrize(
    ("median", "around_hu", "passes"), [(0.54, -74.0, False), (0.55, -74.0, True), (0.54, -75.0, True)]
)
def test_where_no_fat_is_seen_around_it_a_vessel_must_fit_better(stations, median, around_hu, passes):
    settings = GateSettings(lean_ring_score_min={"descending_aorta": 0.55}, lean_surroundings_hu=-75.0)
    stations["ring_score"][:29] = median
    scores = {"descending_aorta": {"surroundings_hu": around_hu}}
    refused = gate(stations, scores, settings).refused
    assert ("descending_aorta" not in refused) is passes
    if not passes:
        assert "0.54 is below 0.55, and no fat is seen" in refused["descending_aorta"]
