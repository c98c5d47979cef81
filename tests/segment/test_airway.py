"""Body, lungs and carina on a chest drawn by formula."""

import numpy as np
import pytest

from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.segment.airway import find_carina
from petproc.segment.torso import cubes, find_torso

RIDGE = -20.0


def chest(*, trachea: bool = True) -> Volume:
    """Body, two lungs and an airway whose one lumen (radius 8) becomes two at z = -20, at the middle (3, -10)."""
    spacing = np.array([3.0, 3.0, 3.0])
    shape = (110, 90, 60)
    affine = np.diag([-3.0, -3.0, 3.0, 1.0])
    affine[:3, 3] = [3.0 * 54.5, 3.0 * 44.5, -3.0 * 29.5]
    grid = Grid(shape, affine)
    x, y, z = np.moveaxis(grid.to_mm(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)), 3, 0)
    hu = np.where(np.hypot(x / 150, y / 110) < 1, 40.0, -1000.0)
    for side in (-1, 1):
        hu[np.sqrt(((x - 75 * side) / 45) ** 2 + (y / 75) ** 2 + ((z + 20) / 75) ** 2) < 1] = -850.0
    if trachea:
        hu[(np.hypot(x - 3, y + 10) < 8) & (z > RIDGE)] = -950.0
        for side in (-1, 1):
            middle = 3 + side * (7 + 0.7 * (RIDGE - z))
            hu[(np.hypot(x - middle, y + 10) < 6) & (z <= RIDGE) & (z > RIDGE - 30)] = -950.0
    assert spacing.tolist() == grid.spacing.tolist()
    return Volume(hu.astype(np.int16), grid, "HU")


def test_the_carina_is_where_the_trachea_becomes_two():
    airway = find_carina(find_torso(chest()))
    assert airway is not None
    assert airway.carina == pytest.approx((3.0, -10.0, RIDGE), abs=4.0)


def test_without_a_trachea_there_is_no_carina():
    assert find_carina(find_torso(chest(trachea=False))) is None


def test_the_carina_does_not_depend_on_the_direction_of_the_axes():
    ct = chest()
    affine = ct.grid.affine.copy()
    affine[:3, 3] += affine[:3, 1] * (ct.grid.shape[1] - 1)
    affine[:3, 1] *= -1
    turned = Volume(np.flip(ct.data, 1).transpose(2, 0, 1), Grid((60, 110, 90), affine[:, [2, 0, 1, 3]]), "HU")
    here, there = find_carina(find_torso(ct)), find_carina(find_torso(turned))
    assert here is not None
    assert there is not None
    assert there.carina == pytest.approx(here.carina, abs=1e-6)


def test_cubes_keep_places_and_averages():
    ct = chest()
    small = cubes(ct)
    assert small.grid.spacing == pytest.approx(2.0)
    for place in ([0.0, 0.0, 0.0], [75.0, 0.0, -20.0], [3.0, -10.0, 40.0]):
        i, j, k = np.rint(small.grid.to_index(place)).astype(int)
        a, b, c = np.rint(ct.grid.to_index(place)).astype(int)
        assert small.data[i, j, k] == pytest.approx(float(ct.data[a, b, c]), abs=1.0)


def test_lung_is_beside_the_middle_of_the_chest_and_not_beside_its_bottom():
    torso = find_torso(chest())
    assert torso.lung_beside([[30.0, 0.0, -20.0], [0.0, 0.0, -89.0]]).tolist() == [True, False]


def test_an_empty_image_has_neither_body_nor_lungs():
    torso = find_torso(
        Volume(np.full((20, 20, 20), -1000, np.int16), Grid((20, 20, 20), np.diag([3.0, 3, 3, 1])), "HU")
    )
    assert not torso.body.any()
    assert find_carina(torso) is None


def upper_end_at(ct: Volume, z_mm: float) -> Volume:
    kept = int(np.floor(ct.grid.to_index([0.0, 0.0, z_mm])[2])) + 1
    data = ct.data[:, :, :kept]
    return Volume(data, Grid(data.shape, ct.grid.affine), "HU")


def test_a_short_trachea_will_do_where_the_ct_cuts_it():
    airway = find_carina(find_torso(upper_end_at(chest(), RIDGE + 18.0)))
    assert airway is not None
    assert airway.carina[2] == pytest.approx(RIDGE, abs=4.0)


def test_air_that_divides_without_lung_on_both_sides_is_no_carina():
    ct = chest()
    x = ct.grid.to_mm(np.outer(np.arange(ct.grid.shape[0]), [1, 0, 0]))[:, 0]
    hu = ct.data.copy()
    right = hu[x > 25]
    hu[x > 25] = np.where((right > -900) & (right < -800), 40, right)
    assert find_carina(find_torso(Volume(hu, ct.grid, "HU"))) is None
