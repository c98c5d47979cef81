"""Organs as rows: depth against an exact ball and box, and against the plain distance on a fine grid."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from tubes import centres, grid_around, lattice_of

from petproc.core.regions import LABEL_NAMES, REGIONS
from petproc.core.tables import DEPTH_QUANTILES
from petproc.core.volume import Labels
from petproc.sample.organs import organ_rows

LIVER = REGIONS["liver"].value
RANKS = [512 * q // 100 for q in DEPTH_QUANTILES]


def liver(mask, grid):
    return Labels((LIVER * mask).astype(np.uint8), grid, LABEL_NAMES)


def ball(radius, spacing):
    grid = grid_around([-radius - 3.0] * 3, [radius + 3.0] * 3, spacing, (0.3, -0.2, 0.4))
    return liver(np.linalg.norm(centres(grid), axis=-1) <= radius, grid)


@pytest.fixture
def pet():
    return grid_around([-60.0, -60.0, -60.0], [60.0, 60.0, 60.0], (4.0, 4.0, 3.0))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.98, 0.98, 3.27)])
def test_depth_in_a_ball_is_the_way_to_its_surface(pet, spacing):
    rows = organ_rows(ball(40.0, spacing), "liver", pet, threads=1)
    exact = np.sort(40.0 - np.linalg.norm(rows.mm[::5, None] + lattice_of(pet), axis=-1), axis=1)[:, RANKS]
    off = rows.depth[::5] - exact
    assert np.abs(off.mean(axis=0)).max() < 0.5
    assert np.sqrt((off**2).mean(axis=0)).max() < 0.8


def test_the_rows_are_the_voxels_of_which_at_least_half_lies_in_the_organ(pet):
    rows = organ_rows(ball(40.0, (1.0, 1.0, 1.0)), "liver", pet, threads=1)
    index = np.argwhere(np.ones(pet.shape, bool))
    share = (np.linalg.norm(pet.to_mm(index)[:, None] + lattice_of(pet, 4), axis=-1) <= 40.0).mean(axis=1)
    found = np.zeros(pet.shape, bool)
    found[tuple(rows.index.T)] = True
    inside = found[tuple(index.T)]
    assert inside[share > 0.65].all()
    assert not inside[share < 0.35].any()
    assert len(rows) * pet.voxel_ml == pytest.approx(4 / 3 * np.pi * 4.0**3, rel=0.02)


def test_rows_are_sorted_and_have_neither_station_nor_angle(pet):
    rows = organ_rows(ball(20.0, (2.0, 2.0, 2.0)), "liver", pet, threads=1)
    k, j, i = rows.index.T[::-1]
    key = (k * 1000 + j) * 1000 + i
    assert (np.diff(key) > 0).all()
    assert (rows.station == -1).all()
    assert not rows.angle_deg.any()


def test_where_the_ct_ends_the_organ_ends(pet):
    """A block that fills the grid up to its lower edge, 40 mm in x and y and 30 mm high above z = 0."""
    grid = grid_around([-39.0, -39.0, 1.0], [39.0, 39.0, 49.0], (2.0, 2.0, 2.0))
    mm = centres(grid)
    block = (np.abs(mm[..., 0]) < 20) & (np.abs(mm[..., 1]) < 20) & (mm[..., 2] < 30)
    rows = organ_rows(liver(block, grid), "liver", pet, threads=1)
    middle = (np.abs(rows.mm[:, :2]) < 3).all(axis=1)
    expected = np.minimum(rows.mm[middle, 2], 30 - rows.mm[middle, 2])
    np.testing.assert_allclose(rows.median_depth[middle], expected, atol=1.3)  # half a voxel of the mask, and the kink in the middle


def test_several_pieces_are_one_organ_each_with_its_own_surface(pet):
    """Two vertebrae with a disc between them: as deep as the plain distance transform on the same grid."""
    grid = grid_around([-30.0] * 3, [30.0] * 3, (1.0, 1.0, 1.0))
    mm = centres(grid)
    bodies = (np.hypot(mm[..., 0], mm[..., 1]) <= 18) & (np.abs(np.abs(mm[..., 2]) - 14.0) <= 10.0)
    rows = organ_rows(liver(bodies, grid), "liver", pet, threads=1)
    plain = distance_transform_edt(bodies)
    at = plain[tuple(np.rint(grid.to_index(rows.mm)).astype(int).T)]
    deep = rows.median_depth > 5
    assert deep.sum() > 50
    assert np.abs(rows.median_depth - at)[deep].max() < 1.0
    assert not (np.abs(rows.mm[:, 2]) < 2).any()


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing(pet, threads):
    labels = ball(35.0, (1.0, 1.0, 3.0))
    one, other = (organ_rows(labels, "liver", pet, threads=n) for n in (1, threads))
    np.testing.assert_array_equal(one.depth, other.depth)
    np.testing.assert_array_equal(one.index, other.index)
