"""Places along and around a vessel."""

import numpy as np
import pytest
from tubes import CandyCane, StraightTube, station

from petproc.sample.place import Locator, angle_deg, axes_of, stretches_of

UP, DOWN = np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])
LEFT, FRONT, RIGHT, BACK = np.array([[-1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0], [0, -1.0, 0]])


@pytest.mark.parametrize("flow", [UP, DOWN])
def test_angles_start_at_the_patients_left_and_turn_to_the_front_whichever_way_the_blood_flows(flow):
    around = np.array([LEFT, LEFT + FRONT, FRONT, RIGHT, BACK])
    np.testing.assert_allclose(angle_deg(around, np.tile(flow, (5, 1))), [0, 45, 90, 180, 270], atol=1e-9)


def test_in_a_tilted_vessel_the_left_is_projected_across_its_direction():
    """Flow to the left and up at 45 degrees: what is left of 'left' across it points left and down."""
    tangent = (LEFT + UP) / np.sqrt(2)
    around = np.array([LEFT - UP, FRONT, UP - LEFT, BACK])
    np.testing.assert_allclose(angle_deg(around, np.tile(tangent, (4, 1))), [0, 90, 180, 270], atol=1e-9)


def test_where_the_vessel_runs_straight_to_the_back_the_front_is_taken_as_up():
    np.testing.assert_allclose(angle_deg(np.array([LEFT, UP]), np.tile(BACK, (2, 1))), [0, 90], atol=1e-9)


def test_an_angle_is_below_360():
    just_below = np.array([[-1.0, -1e-18, 0.0]])
    assert 0.0 <= angle_deg(just_below, UP[None])[0] < 360.0


@pytest.fixture
def two_regions():
    """40 mm upwards; stations 0-9 (to 18 mm) ascending, 10-20 (from 20 mm) arch."""
    tube = StraightTube(np.array([5.0, 0.0, 0.0]), UP, 40.0, 10.0)
    return axes_of(tube.stations(region=lambda arc: "ascending_aorta" if arc < 19 else "aortic_arch"))[0]


def test_a_cut_lies_halfway_between_the_stations_of_two_regions(two_regions):
    first, second = stretches_of(two_regions)
    assert (first.region, second.region) == ("ascending_aorta", "aortic_arch")
    assert first.start_mm == 0.0
    assert first.stop_mm == second.start_mm == pytest.approx(19.0)
    assert second.stop_mm == pytest.approx(40.0)


def test_a_foot_on_the_cut_belongs_to_the_later_region_and_those_on_the_ends_to_the_vessel(two_regions):
    first, second = stretches_of(two_regions)
    arc = np.array([-0.5, 0.0, 18.9, first.stop_mm, 40.0, 40.5])
    assert first.holds(arc).tolist() == [False, True, True, False, False, False]
    assert second.holds(arc).tolist() == [False, False, False, True, True, False]


def test_the_foot_of_a_point_is_its_perpendicular_and_goes_on_beyond_the_ends(two_regions):
    foot = Locator(two_regions).foot([[8.0, 4.0, 13.3], [5.0, 0.0, -7.0], [5.0, 2.0, 43.0]])
    np.testing.assert_allclose(foot.arc, [13.3, -7.0, 43.0], atol=1e-9)
    np.testing.assert_allclose(foot.offset, [[3, 4, 0], [0, 0, 0], [0, 2, 0]], atol=1e-9)


def test_feet_around_an_arch_lie_along_its_half_circle():
    cane = CandyCane()
    axis = axes_of(cane.stations())[0]
    arcs = np.array([20.0, 70.0, 105.0, 150.0, 200.0])
    points, tangents = cane.curve(arcs)
    sideways = np.cross(tangents, [[0.3, -0.2, 0.1]] * 5)
    foot = Locator(axis).foot(points + 10 * sideways / np.linalg.norm(sideways, axis=1, keepdims=True))
    from_stations = np.interp(arcs, [s.arc_mm for s in axis.stations], axis.station_arc)
    np.testing.assert_allclose(foot.arc, from_stations, atol=0.1)
    np.testing.assert_allclose(foot.arc, arcs, atol=1.0)
    np.testing.assert_allclose(np.linalg.norm(foot.offset, axis=1), 10.0, atol=0.3)


def test_straight_centrelines_stay_where_they_are_and_restless_ones_are_calmed():
    calm = StraightTube(np.zeros(3), UP, 60.0, 10.0).stations()
    np.testing.assert_allclose(axes_of(calm)[0].points[:, :2], 0.0, atol=1e-9)
    rng = np.random.default_rng(3)
    restless = [
        station("aorta", n, "aortic_arch", 2.0 * n, [*rng.normal(0, 1, 2), 2.0 * n], UP, 10.0) for n in range(31)
    ]
    assert axes_of(restless)[0].points[:, :2].std() < 0.6


def test_a_gap_parts_a_vessel_and_a_piece_too_short_to_follow_is_left_out():
    stations = StraightTube(np.zeros(3), UP, 60.0, 10.0).stations()
    pieces = axes_of([*stations[:8], *stations[14:20], *stations[28:30]])
    assert [[s.station for s in axis.stations] for axis in pieces] == [list(range(8)), list(range(14, 20))]


def test_directions_across_the_axis_stay_perpendicular_and_do_not_turn_about_it():
    axis = axes_of(CandyCane().stations())[0]
    frame = np.stack([axis.tangents, axis.first, axis.second], axis=1)
    np.testing.assert_allclose(frame @ frame.transpose(0, 2, 1), np.broadcast_to(np.eye(3), frame.shape), atol=1e-9)
    turn = (np.diff(axis.first, axis=0) * axis.second[:-1]).sum(axis=1)
    assert np.abs(turn).max() < 1e-3
