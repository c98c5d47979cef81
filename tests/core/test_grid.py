"""Grids: voxel centres in world space."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petproc.core.grid import Grid


@pytest.fixture
def delivered():
    """As most scanners deliver: i to the left, j to the back, k to the head; 2 x 2 x 3 mm."""
    affine = np.diag([-2.0, -2.0, 3.0, 1.0])
    affine[:3, 3] = [100.0, 80.0, -50.0]
    return Grid((10, 20, 30), affine)


def test_the_index_of_a_voxel_is_its_centre(delivered):
    np.testing.assert_allclose(
        delivered.to_mm([[0, 0, 0], [1, 2, 3], [0.5, 0, 0]]), [[100, 80, -50], [98, 76, -41], [99, 80, -50]]
    )


def test_spacing_and_volume_of_a_voxel_do_not_depend_on_the_axes_signs(delivered):
    np.testing.assert_allclose(delivered.spacing, [2, 2, 3])
    assert delivered.voxel_ml == pytest.approx(0.012)


def test_spacing_and_volume_of_a_turned_grid():
    turn = np.array([[0.6, -0.8, 0, 0], [0.8, 0.6, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    grid = Grid((4, 4, 4), turn @ np.diag([1.5, 2.0, 5.0, 1.0]))
    np.testing.assert_allclose(grid.spacing, [1.5, 2, 5])
    assert grid.voxel_ml == pytest.approx(0.015)


coordinates = st.lists(st.floats(-500, 500), min_size=3, max_size=3)


@given(coordinates, st.floats(-3, 3), coordinates)
def test_from_millimetres_to_indices_and_back_is_the_same_place(place, angle, origin):
    cos, sin = np.cos(angle), np.sin(angle)
    affine = np.array([[cos, -sin, 0, origin[0]], [sin, cos, 0, origin[1]], [0, 0, 1, origin[2]], [0, 0, 0, 1]])
    grid = Grid((5, 6, 7), affine @ np.diag([-1.9, 2.7, 3.3, 1.0]))
    np.testing.assert_allclose(grid.to_mm(grid.to_index(place)), place, atol=1e-9)


def test_many_places_at_once_keep_their_shape(delivered):
    assert delivered.to_mm(np.zeros((4, 5, 3))).shape == (4, 5, 3)
    assert delivered.to_index(np.zeros(3)).shape == (3,)


def test_grids_match_when_their_corners_do(delivered):
    near = np.array(delivered.affine)
    near[:3, 3] += 0.009
    far = np.array(delivered.affine)
    far[2, 2] += 0.001  # 0.029 mm at the far end of 30 slices
    assert delivered.matches(Grid(delivered.shape, near))
    assert not delivered.matches(Grid(delivered.shape, far))
    assert delivered.matches(Grid(delivered.shape, far), tolerance_mm=0.03)
    assert not delivered.matches(Grid((10, 20, 29), delivered.affine))


@pytest.mark.parametrize("affine", [np.eye(3), np.diag([1.0, 1.0, 0.0, 1.0]), np.diag([1.0, np.nan, 1.0, 1.0])])
def test_an_affine_that_cannot_be_inverted_is_an_error(affine):
    with pytest.raises(ValueError, match="affine"):
        Grid((2, 2, 2), affine)


def test_a_grid_cannot_be_changed_from_outside():
    affine = np.eye(4)
    grid = Grid((2, 2, 2), affine)
    affine[0, 3] = 99.0
    assert grid.affine[0, 3] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 3] = 1.0
