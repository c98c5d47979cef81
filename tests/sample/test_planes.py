"""What lies where in a picture, however the voxels are stored."""

import itertools

import numpy as np
import pytest

from petproc.core.grid import Grid
from petproc.sample.planes import Box, Plane, letters, seen


def marked(order=(0, 1, 2), backwards=()):
    """40 mm cube of 2 mm voxels around the origin with a light 10 mm to the left, 6 mm to the front and 4 mm up."""
    data = np.zeros((20, 20, 20), dtype=np.float32)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -20.0
    data[5, 13, 12] = 1.0
    data, affine = data.transpose(order), affine[:, [*order, 3]]
    for axis in backwards:
        affine[:3, 3] += affine[:3, axis] * (data.shape[axis] - 1)
        affine[:3, axis] *= -1
        data = np.flip(data, axis)
    return data, Grid(data.shape, affine)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("backwards", [(), (0, 1), (2,)])
def test_left_is_on_the_right_and_front_is_up_for_every_order_of_the_axes(order, backwards):
    data, grid = marked(order, backwards)
    plane = Plane.axial((0.0, 0.0, 4.0), 40.0, 1.0)
    picture = seen(data, grid, plane, 0.0)
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    assert (row, column) == (20 - 6, 20 + 10)
    assert picture[row, column] == pytest.approx(1.0)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_the_body_stands_upright_seen_from_the_front_and_from_the_left(order):
    data, grid = marked(order, (0,))
    box = Box(np.array([-20.0, -20.0, -20.0]), np.array([18.0, 18.0, 18.0]), 2.0)
    upright = box.upright(np.ascontiguousarray(data), grid)
    front, left = box.picture(upright.max(axis=1)), box.picture(upright.max(axis=0))
    # 20 steps: top row and first column are at +18 mm, the patient's right or front
    assert np.unravel_index(front.argmax(), front.shape) == ((18 - 4) / 2, (18 + 10) / 2)
    assert np.unravel_index(left.argmax(), left.shape) == ((18 - 4) / 2, (18 - 6) / 2)
    assert box.extent(0) == (19.0, -21.0, -21.0, 19.0)


def test_a_plane_across_a_level_vessel_has_the_head_up_and_the_left_on_the_right():
    plane = Plane.across((0.0, 0.0, 0.0), (0.0, -1.0, 0.0), 80.0, 0.5)
    np.testing.assert_allclose(plane.up, [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(plane.right, [-1, 0, 0], atol=1e-12)
    assert (letters(plane.up), letters(plane.right), letters(-plane.right)) == ("H", "L", "R")


@pytest.mark.parametrize("tangent", [(0.0, 0.0, 1.0), (-0.6, -0.8, 0.0), (0.36, -0.48, 0.8), (1.0, 0.0, 0.0)])
def test_a_plane_across_a_vessel_is_square_to_it(tangent):
    plane = Plane.across((1.0, 2.0, 3.0), tangent, 80.0, 0.5)
    frame = np.array([plane.right, plane.up, tangent])
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-9)
    assert plane.right[0] <= 1e-9 or plane.right[1] < 0  # towards the left, or else to the back


def test_oblique_directions_have_two_letters_the_nearer_first():
    assert letters(np.array([-0.6, 0.8, 0.0])) == "AL"
    assert letters(np.array([-0.99, 0.1, 0.1])) == "L"


def test_a_shadow_has_no_holes_between_thick_slices():
    box = Box(np.zeros(3), np.full(3, 60.0), 3.0)
    x, y, z = (
        part.ravel() for part in np.meshgrid(np.arange(20, 40, 1.0), np.arange(10, 20, 1.0), np.arange(10, 50, 5.0))
    )
    front, side = box.silhouettes(np.stack([x, y, z], axis=1))
    assert front[8:13, 4:14].all()
    assert front.sum() < 7 * 15 + 60
    assert side[:, 10].sum() < front[:, 10].sum()
