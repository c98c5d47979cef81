"""The drawn torso: every tissue where it should be, and vessels as they were meant."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from petproc.core.regions import LABEL_NAMES, REGIONS
from petproc.phantom import CHEST, PhantomGrid, PhantomScan, make_scan
from petproc.phantom.anatomy import draw
from petproc.phantom.organs import CARINA
from petproc.phantom.person import draw_person, draw_visit

WHOLE = PhantomGrid((84, 84, 100), (6.0, 6.0, 6.0), (64, 64, 100), (8.0, 8.0, 6.0), 180.0, 3.0)
PLACES = {
    "lung, right": ((80, 0, -40), -830, 60),
    "lung, left, behind the heart": ((-70, -50, -100), -830, 60),
    "trachea": ((3, -18, 45), -900, 60),
    "left main bronchus": ((-30, -15, -14), -800, 200),
    "mediastinal fat": ((0, 52, 5), -100, 25),
    "fat under the skin": ((0, 106, -280), -100, 30),
    "ascending aorta": ((14, 25, -15), 42, 8),
    "descending aorta": ((-27, -37, -60), 42, 8),
    "superior vena cava": ((37.5, 6, -12), 42, 15),
    "pulmonary trunk": ((-20, 38, -47), 42, 12),
    "inferior vena cava": ((22, -6, -262), 42, 15),
    "left ventricle": ((-45, 22, -106), 42, 12),
    "oesophagus": ((-8, -29, -90), 38, 12),
    "liver": ((70, 10, -170), 58, 8),
    "spleen": ((-100, -38, -175), 50, 12),
    "kidney": ((62, -38, -240), 34, 10),
    "psoas": ((44, -28, -300), 55, 12),
    "vertebral marrow": ((0, -56, -12), 190, 60),
    "spinal cord": ((0, -78, 3), 35, 30),
    "sternum": ((0, 78, -3), 330, 120),
    "iliac wing": ((-107, -30, -350), 330, 150),
    "air": ((160, 100, 150), -1000, 30),
}


@pytest.fixture(scope="module")
def chest() -> PhantomScan:
    return make_scan(seed=1, participant=1, grid=CHEST, noise=0.0)


@pytest.fixture(scope="module")
def whole():
    person = draw_person(1, 1)
    return draw(person, draw_visit(person, "baseline", 1), WHOLE, seed=1)


@pytest.mark.parametrize("place", PLACES)
def test_every_tissue_is_where_it_should_be(whole, place: str):
    body, hu, tolerance = PLACES[place]
    lattice = whole.canvas.lattice
    i, j, k = np.rint(lattice.grid.to_index(lattice.pose.to_world(body))).astype(int)
    found = np.median(whole.canvas.hu[i - 1 : i + 2, j - 1 : j + 2, k - 1 : k + 2])
    assert abs(found - hu) <= tolerance


def test_the_aorta_runs_through_its_four_regions_with_the_flow(whole):
    names = [name for name in whole.vessels["aorta"].region if name]
    assert list(dict.fromkeys(names)) == ["ascending_aorta", "aortic_arch", "descending_aorta", "abdominal_aorta"]


def test_the_arch_lies_five_millimetres_above_the_carina(chest: PhantomScan):
    aorta = chest.vessels["aorta"]
    heights = aorta.points_mm[aorta.region == "aortic_arch", 2] - chest.landmarks["carina"][2]
    assert heights.min() == pytest.approx(5.0, abs=0.6)
    assert 12 < heights.max() < 70


def test_arc_length_counts_from_the_descending_limb_at_the_carina(chest: PhantomScan):
    aorta = chest.vessels["aorta"]
    at_zero = int(np.abs(aorta.arc_mm).argmin())
    assert aorta.region[at_zero] == "descending_aorta"
    assert aorta.points_mm[at_zero, 2] == pytest.approx(chest.landmarks["carina"][2], abs=0.6)


def test_labels_hold_what_the_radius_says(chest: PhantomScan):
    """Volume of the descending aorta in view from its labels and from its centreline."""
    aorta, labels = chest.vessels["aorta"], chest.labels
    low = labels.grid.to_mm([0, 0, 0])[2] - labels.grid.spacing[2] / 2
    here = (aorta.region == "descending_aorta") & (aorta.points_mm[:, 2] >= low)
    step = np.median(np.diff(aorta.arc_mm))
    volume_ml = (np.pi * aorta.radius_mm[here] ** 2).sum() * step / 1000.0
    assert labels.mask("descending_aorta").sum() * labels.grid.voxel_ml == pytest.approx(volume_ml, rel=0.03)
    assert labels.names == LABEL_NAMES


@pytest.mark.parametrize("region", ["ascending_aorta", "descending_aorta", "superior_vena_cava"])
def test_vessels_are_blood_within_a_dark_border_on_the_ct(chest: PhantomScan, region: str):
    mask = chest.labels.data == REGIONS[region].value
    core = ndimage.binary_erosion(mask, iterations=1)
    shell = ndimage.binary_dilation(mask, iterations=2) & (chest.labels.data == 0)
    assert np.median(chest.ct.data[core]) == pytest.approx(42, abs=4)
    assert np.median(chest.ct.data[shell]) < -20


def test_the_wall_is_hotter_than_the_lumen_and_the_lumen_than_the_fat(chest: PhantomScan):
    aorta = chest.vessels["aorta"]
    at = int(np.flatnonzero(aorta.region == "ascending_aorta")[60])
    centre, radius = aorta.points_mm[at], aorta.radius_mm[at]
    right = centre[None] + np.array([[0, 0, 0], [0, radius - 1.0, 0], [0, radius + 12.0, 0]])
    i, j, k = np.rint(chest.pet.grid.to_index(right)).astype(int).T
    lumen, wall, fat = chest.pet_noise_free.data[i, j, k]
    assert wall > 1.4 * lumen > 1.4 * 1.5 * fat


def test_the_carina_is_where_the_airway_divides(chest: PhantomScan):
    grid, carina = chest.ct.grid, np.array(chest.landmarks["carina"])
    above, below = (np.rint(grid.to_index(carina + np.array([0, 0, dz]))).astype(int) for dz in (6.0, -6.0))
    assert chest.ct.data[tuple(above)] < -700
    assert chest.ct.data[tuple(below)] > -300


def test_a_scan_follows_from_its_seed(chest: PhantomScan):
    again = make_scan(seed=1, participant=1, grid=CHEST, noise=0.0)
    other = make_scan(seed=2, participant=1, grid=CHEST, noise=0.0)
    assert np.array_equal(again.pet.data, chest.pet.data)
    assert np.array_equal(again.ct.data, chest.ct.data)
    assert not np.array_equal(other.ct.data, chest.ct.data)


def test_hot_and_cold_hearts_take_turns():
    assert [draw_person(5, number).myocardium for number in (1, 2, 3)] == ["hot", "patchy", "cold"]
    assert CARINA[2] == 0.0
