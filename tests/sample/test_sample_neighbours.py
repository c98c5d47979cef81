"""Distances to other vessels, hot myocardium and lung; what counts as lung and as hot myocardium."""

import numpy as np
import pytest
from scipy import ndimage
from tubes import CandyCane, StraightTube, centres, grid_around

from petproc.core.grid import Grid
from petproc.core.tables import FAR_MM
from petproc.core.volume import Volume
from petproc.sample.heart import hot_myocardium, lungs
from petproc.sample.neighbours import Neighbour, distance_to_other_part
from petproc.sample.spill import blood_level
from petproc.sample.tree import trees_of


@pytest.fixture
def one_voxel():
    """The voxel centred on (10, 20, 30) mm, edges 2 x 2 x 4 mm, on a grid whose i and j run to the left and back."""
    affine = np.diag([-2.0, -2.0, 4.0, 1.0])
    affine[:3, 3] = [20.0, 30.0, 10.0]
    mask = np.zeros((11, 11, 11), dtype=bool)
    mask[5, 5, 5] = True
    return Neighbour(mask, Grid(mask.shape, affine))


@pytest.mark.parametrize(
    ("place", "distance"),
    [
        ((10.0, 20.0, 30.0), 0.0),
        ((10.9, 20.9, 31.9), 0.0),
        ((14.0, 20.0, 30.0), 3.0),
        ((10.0, 20.0, 22.0), 6.0),
        ((14.0, 25.0, 30.0), 5.0),
        ((90.0, 20.0, 30.0), 79.0),
        ((300.0, 20.0, 30.0), FAR_MM),
    ],
)
def test_distance_is_to_the_nearest_face_of_a_voxel(one_voxel, place, distance):
    assert one_voxel.distance(np.array([place]), threads=1)[0] == pytest.approx(distance, abs=1e-5)


def test_deep_inside_a_neighbour_the_distance_is_nothing():
    grid = grid_around([-20.0] * 3, [20.0] * 3, (2.0, 2.0, 2.0))
    ball = np.linalg.norm(centres(grid), axis=-1) <= 15
    assert Neighbour(ball, grid).distance(np.zeros((1, 3)), threads=1)[0] == 0.0


def test_without_a_neighbour_all_is_far():
    nothing = Neighbour(np.zeros((4, 4, 4), dtype=bool), Grid((4, 4, 4), np.eye(4)))
    np.testing.assert_array_equal(nothing.distance(np.zeros((3, 3)), threads=1), FAR_MM)


def test_the_descending_aorta_is_a_neighbour_of_the_ascending_one():
    """Legs 70 mm apart, radius 12: from the axis of the one to the wall of the other 58 mm."""
    cane = CandyCane()
    stations = cane.stations()
    own = next(s for s in stations if s.region == "ascending_aorta" and s.arc_mm == 20.0)
    there = np.array([[own.x_mm, own.y_mm, own.z_mm]])
    (tree,) = trees_of(stations)
    distance = distance_to_other_part(tree, "aorta", np.array([own.station]), there, threads=1)
    assert distance[0] == pytest.approx(58.0, abs=0.1)


def test_the_next_stretch_of_a_straight_vessel_is_no_neighbour():
    tube = StraightTube(np.zeros(3), np.array([0.0, 0.0, -1.0]), 200.0, 12.0)
    (tree,) = trees_of(tube.stations())
    distance = distance_to_other_part(tree, "aorta", np.array([50]), np.array([[0.0, 0.0, -100.0]]), threads=1)
    assert distance[0] == FAR_MM


def branch(vessel, start, direction=(0.0, 0.0, 1.0), radius=3.5):
    direction = np.array(direction) / np.linalg.norm(direction)
    return StraightTube(np.array(start, float), direction, 60.0, radius).stations(vessel, vessel)


@pytest.fixture
def level_aorta():
    """An arch without its bend: level from front to back, radius 12, its upper wall at z = 12."""
    return StraightTube(np.array([0.0, 50.0, 0.0]), np.array([0.0, -1.0, 0.0]), 120.0, 12.0).stations(
        region="aortic_arch"
    )


def test_branches_belong_to_the_vessel_that_they_spring_from_and_veins_to_none(level_aorta):
    stations = (
        *level_aorta,
        *branch("left_common_carotid", (0.0, 20.0, 13.0)),
        *branch("brachiocephalic_trunk", (0.0, 40.0, 13.0), radius=6.0),
        *branch("right_common_carotid", (0.0, 40.0, 78.0)),
        *branch("superior_vena_cava", (16.0, 30.0, 13.0), radius=8.0),
        *branch("left_iliac", (0.0, -120.0, 0.0)),
    )
    vessels = [tree.vessels for tree in trees_of(stations)]
    arch = {"aorta", "left_common_carotid", "brachiocephalic_trunk", "right_common_carotid"}
    assert vessels == [arch, {"superior_vena_cava"}, {"left_iliac"}]


def test_the_way_along_a_branch_runs_through_its_origin(level_aorta):
    """From 20 mm up the carotid down to its origin, 13 mm to the aorta's middle, and 30 mm along it."""
    (tree,) = trees_of((*level_aorta, *branch("left_common_carotid", (0.0, 20.0, 13.0))))
    own = [n for n, s in enumerate(tree.stations) if s.vessel == "left_common_carotid" and s.station == 10]
    there = [n for n, s in enumerate(tree.stations) if s.vessel == "aorta" and s.y_mm == -10.0]
    assert tree.along[own[0], there[0]] == pytest.approx(20 + 13 + 30)


def test_a_branch_is_no_neighbour_where_it_leaves_its_parent_but_its_sister_is(level_aorta):
    """On the carotid's axis at its origin and 30 mm up it; its sister's wall is 12 - 3.5 mm away there."""
    carotid = branch("left_common_carotid", (0.0, 20.0, 13.0))
    alone = trees_of((*level_aorta, *carotid))[0]
    sisters = trees_of((*level_aorta, *carotid, *branch("left_subclavian", (0.0, 8.0, 13.0))))[0]
    numbers, places = np.array([0, 15]), np.array([[0.0, 20.0, 13.0], [0.0, 20.0, 43.0]])
    one = distance_to_other_part(alone, "left_common_carotid", numbers, places, threads=1)
    two = distance_to_other_part(sisters, "left_common_carotid", numbers, places, threads=1)
    assert one[0] > 6.0
    assert one[1] > 20.0
    assert two[1] == pytest.approx(12.0 - 3.5, abs=0.01)
    on_the_aorta = distance_to_other_part(alone, "aorta", np.array([15]), np.array([[0.0, 20.0, 8.0]]), threads=1)
    assert on_the_aorta[0] > 20.0


@pytest.fixture
def chest():
    """A body 300 x 200 mm in air with two lungs 60 mm wide from z = -60 to 100, and gas bubbles in one and outside."""
    grid = grid_around([-180.0, -130.0, -100.0], [180.0, 130.0, 120.0], (4.0, 4.0, 4.0))
    mm = centres(grid)
    x, y, z = np.moveaxis(mm, -1, 0)
    ct = np.full(grid.shape, -1000, np.int16)
    ct[(np.abs(x) < 150) & (np.abs(y) < 100)] = 40
    lung = (np.abs(np.abs(x) - 90) < 30) & (np.abs(y) < 60) & (z > -60) & (z < 100)
    ct[lung] = -850
    bubble = np.linalg.norm(mm - [0.0, 0.0, -85.0], axis=-1) < 12
    ct[bubble] = -1000
    return Volume(ct, grid, "HU"), lung


def test_lungs_are_large_air_inside_the_body(chest):
    ct, lung = chest
    found, grid = lungs(ct)
    assert grid.matches(ct.grid)
    assert not (found & ~lung).any()
    assert found[ndimage.binary_erosion(lung)].all()


def test_lungs_are_found_on_a_coarser_grid_that_lies_on_the_same_places(chest):
    ct, _ = chest
    fine = Grid(tuple(2 * n for n in ct.grid.shape), ct.grid.affine @ np.diag([0.5, 0.5, 0.5, 1.0]))
    doubled = Volume(np.repeat(np.repeat(np.repeat(ct.data, 2, 0), 2, 1), 2, 2), fine, "HU")
    found, grid = lungs(doubled)
    assert grid.spacing == pytest.approx([4.0, 4.0, 4.0])
    np.testing.assert_array_equal(found, lungs(ct)[0])


def pet_with(balls, grid):
    """Blood 1000 everywhere and `balls` of (centre, radius, activity)."""
    data = np.full(grid.shape, 1000, np.float32)
    for centre, radius, activity in balls:
        data[np.linalg.norm(centres(grid) - centre, axis=-1) <= radius] = activity
    return Volume(data, grid, "Bq/mL")


def hot(chest, *balls, vessels=None, top_mm=40.0):
    ct, lung = chest
    pet = pet_with(balls, ct.grid)
    vessels = np.zeros(ct.grid.shape, dtype=bool) if vessels is None else vessels
    found = hot_myocardium(pet, blood=1000.0, vessels=vessels, lung=(lung, ct.grid), top_mm=top_mm)
    return found, ct.grid


HEART = ([-30.0, 20.0, -20.0], 20.0, 9000.0)


def test_hot_myocardium_is_what_is_three_times_blood_between_the_lungs(chest):
    found, grid = hot(chest, HEART)
    np.testing.assert_array_equal(found, np.linalg.norm(centres(grid) - HEART[0], axis=-1) <= 20)


@pytest.mark.parametrize(
    "ball",
    [
        pytest.param(([-30.0, 20.0, -20.0], 20.0, 2900.0), id="below three times blood"),
        pytest.param(([-30.0, 20.0, -20.0], 9.0, 9000.0), id="smaller than 5 mL"),
        pytest.param(([0.0, 20.0, 70.0], 20.0, 9000.0), id="above the carina"),
        pytest.param(([-30.0, 20.0, -85.0], 12.0, 9000.0), id="below the lungs"),
        pytest.param(([0.0, 85.0, -20.0], 12.0, 9000.0), id="in front of the lungs"),
    ],
)
def test_other_hot_places_are_no_myocardium(chest, ball):
    assert not hot(chest, ball)[0].any()


def test_a_hot_vessel_wall_is_no_myocardium(chest):
    ct, _ = chest
    wall = np.linalg.norm(centres(ct.grid) - HEART[0], axis=-1) <= 21
    assert not hot(chest, HEART, vessels=wall)[0].any()


def test_of_two_hot_places_the_larger_is_the_myocardium(chest):
    found, grid = hot(chest, HEART, ([30.0, 20.0, -20.0], 14.0, 9000.0))
    assert (grid.to_mm(np.argwhere(found))[:, 0] < 0).all()


class DeepRows:
    """As much of `Rows` as the blood level looks at: voxels along i, as deep as given."""

    def __init__(self, depth):
        self.median_depth = np.asarray(depth, np.float32)
        self.index = np.array([[n, 0, 0] for n in range(len(depth))])


@pytest.fixture
def row_of_voxels():
    """Voxels of 0.5 mL of activity 1, 2, 3 ... Bq/mL."""
    grid = Grid((8, 1, 1), np.diag([10.0, 10.0, 5.0, 1.0]))
    return Volume(np.arange(1, 9, dtype=np.float32).reshape(8, 1, 1), grid, "Bq/mL")


def test_the_blood_level_is_the_median_of_the_deepest_voxels_of_the_vena_cava(row_of_voxels):
    """1.5 mL are the three deepest: activities 2, 5 and 8."""
    cava = DeepRows([3.1, 6.0, 3.2, 3.3, 7.0, -2.0, 3.0, 5.0])
    rows = {"ascending_aorta": DeepRows([9.0] * 8), "superior_vena_cava": cava}
    assert blood_level(rows, row_of_voxels) == 5.0


def test_without_a_vena_cava_deep_enough_the_aorta_tells_the_blood_level(row_of_voxels):
    rows = {"ascending_aorta": DeepRows([8.0, 1, 1, 1]), "superior_vena_cava": DeepRows([2.9] * 8)}
    assert blood_level(rows, row_of_voxels) == 1.0
    assert blood_level({"superior_vena_cava": DeepRows([2.9] * 8)}, row_of_voxels) is None
