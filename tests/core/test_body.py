"""A body of two boxes of lung, whose masks can be counted by hand."""

import numpy as np
import pytest

from petproc.core.body import body_of, lungs_of
from petproc.core.grid import Grid

MM = 4.0


def grid_of(hu):
    return Grid(hu.shape, np.diag([MM, MM, MM, 1.0]))


def masks(hu, grid=None):
    grid = grid or grid_of(hu)
    body = body_of(hu, grid)
    return body, lungs_of(hu, body, grid)


@pytest.fixture
def person():
    """A body of 50 x 40 voxels all the way up with two lungs of 14 x 24 x 30 voxels (645 mL) and air around it."""
    hu = np.full((60, 50, 40), -1000, np.int16)
    body, lungs = np.zeros(hu.shape, bool), np.zeros(hu.shape, bool)
    body[5:55, 5:45] = True
    lungs[8:22, 13:37, 6:36] = lungs[38:52, 13:37, 6:36] = True
    hu[body] = 40
    hu[lungs] = -850
    return hu, body, lungs


def without_edges(box_shape):
    """A box whose twelve edges are missing: what is left of it after the cross of seven voxels has been everywhere."""
    at_end = sum(
        np.isin(np.arange(n), (0, n - 1)).astype(int).reshape([-1 if axis == own else 1 for own in range(3)])
        for axis, n in enumerate(box_shape)
    )
    return at_end < 2


def test_the_body_holds_its_lungs_and_a_lung_is_all_but_its_edges(person):
    hu, outline, drawn = person
    body, lungs = masks(hu)
    assert (body & ~outline).sum() == 0
    assert body[6:54, 6:44].all()
    left = lungs[8:22, 13:37, 6:36]
    np.testing.assert_array_equal(left, without_edges(left.shape))
    assert not (lungs & ~drawn).any()


def test_gas_is_no_lung_and_an_airway_is_too_small_for_one(person):
    hu, _, _ = person
    hu[8:22, 13:37, 6:36] = -990
    hu[29:32, 24:27, 6:36] = -900
    _, lungs = masks(hu)
    assert not lungs[:35].any()
    assert lungs[45, 25, 20]


def test_a_couch_beside_the_body_is_no_body(person):
    hu, _, _ = person
    hu[:, 1:3] = 100
    body, _ = masks(hu)
    assert not body[:, 1:3].any()
    assert body[30, 25, 20]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flip", [(1, 1, 1), (-1, 1, -1)])
def test_the_order_and_direction_of_the_axes_do_not_matter(person, order, flip):
    hu, _, _ = person
    body, lungs = masks(hu)
    steps = tuple(slice(None, None, step) for step in flip)
    affine = np.eye(4)
    affine[:3, :3] = (np.diag(flip) * MM)[:, order]
    turned = hu[steps].transpose(order)
    turned_body, turned_lungs = masks(turned, Grid(turned.shape, affine))
    np.testing.assert_array_equal(turned_body, body[steps].transpose(order))
    np.testing.assert_array_equal(turned_lungs, lungs[steps].transpose(order))


def test_where_there_is_nothing_there_is_neither_body_nor_lung():
    body, lungs = masks(np.full((8, 8, 8), -1000, np.int16))
    assert not body.any()
    assert not lungs.any()
