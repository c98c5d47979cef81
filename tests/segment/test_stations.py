"""Centrelines as rows of the stations table."""

import numpy as np
import pytest

from petproc.segment.stations import Tube, make_stations


def straight_down(length: int, score: float | None = None) -> Tube:
    """A tube from (5, 6, 100) downwards, points 1 mm apart, radius growing from 10 mm by 0.1 mm per mm."""
    z = np.arange(length + 1.0)
    points = np.stack([np.full_like(z, 5.0), np.full_like(z, 6.0), 100.0 - z], axis=1)
    scores = None if score is None else np.full(len(z), score)
    return Tube(points, 10.0 + 0.1 * z, scores, scores)


def test_stations_are_two_millimetres_apart_and_count_from_the_landmark():
    rows = make_stations("aorta", straight_down(20), regions=["descending_aorta"] * 21, landmark=(9.0, 6.0, 93.0))
    assert [row.arc_mm for row in rows] == pytest.approx([-7.0 + 2 * n for n in range(11)])
    assert [row.z_mm for row in rows] == pytest.approx([100.0 - 2 * n for n in range(11)])
    assert rows[3].radius_mm == pytest.approx(10.6)
    assert (rows[3].tangent_x, rows[3].tangent_y, rows[3].tangent_z) == pytest.approx((0.0, 0.0, -1.0))


def test_a_station_takes_the_region_of_the_nearest_point():
    regions = ["descending_aorta"] * 11 + ["abdominal_aorta"] * 10
    rows = make_stations("aorta", straight_down(20), regions=regions, landmark=None)
    assert [row.region for row in rows] == ["descending_aorta"] * 6 + ["abdominal_aorta"] * 5


def test_a_backend_without_scores_gives_none():
    rows = make_stations("aorta", straight_down(10), regions=["descending_aorta"] * 11, landmark=None)
    assert {row.ring_score for row in rows} == {None}


def test_a_place_without_a_score_gives_none():
    tube = straight_down(10, score=0.5)
    assert tube.ring_score is not None
    tube.ring_score[4] = np.nan
    rows = make_stations("aorta", tube, regions=["descending_aorta"] * 11, landmark=None)
    assert [row.ring_score for row in rows] == [0.5, 0.5, None, 0.5, 0.5, 0.5]
