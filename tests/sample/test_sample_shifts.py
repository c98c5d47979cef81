"""Depths as if the vessels lay elsewhere, against vessels that were moved there and sampled again."""

import numpy as np
import pytest
from tubes import CandyCane, StraightTube, centres, grid_around

from petproc.core.grid import Grid
from petproc.core.tables import SHIFT_MM, SHIFTS
from petproc.sample.place import axes_of, stretches_of
from petproc.sample.rows import rows_of
from petproc.sample.wall import fit_tube

LEANING = np.array([0.30, 0.20, 0.93]) / np.linalg.norm([0.30, 0.20, 0.93])
AORTA = StraightTube(np.array([3.0, -5.0, 2.0]), LEANING, 44.0, 12.0)
CAROTID = StraightTube(np.array([3.0, -5.0, 2.0]), LEANING, 44.0, 4.0)
CONE = StraightTube(np.array([3.0, -5.0, 2.0]), LEANING, 44.0, 5.0, 0.1)
ARCH = CandyCane(radius=12.0, bend=24.0, rise=10.0, foot=0.0)
LOOP = CandyCane(radius=4.0, bend=15.0, rise=10.0, foot=0.0)
"""A carotid that turns back within 30 mm."""
CT_MM = (1.0, 1.0, 3.0)


@pytest.fixture(scope="module")
def tubes():
    """The wall of every shape as it is fitted to its mask, made once."""
    ct = grid_around([-60.0, -60.0, -20.0], [40.0, 40.0, 70.0], CT_MM, (0.3, 0.4, 0.1))
    made = {}

    def tube(shape):
        if id(shape) not in made:
            made[id(shape)] = fit_tube(axes_of(shape.stations())[0], shape.inside(centres(ct)), ct)
        return made[id(shape)]

    return tube


def rows(tube, pet, shift=(0.0, 0.0, 0.0)):
    """Of every stretch; vessels further by `shift` mm are a PET that lies so much less far."""
    affine = pet.affine.copy()
    affine[:3, 3] -= shift
    pet = Grid(pet.shape, affine)
    return [rows_of(tube, stretch, pet, reach_mm=12.0, threads=1) for stretch in stretches_of(tube.axis)]


def both(here, there, grid):
    """Where the voxels that have a row in both stand in either."""
    keys = [np.ravel_multi_index(tuple(one.index.T), grid.shape) for one in (here, there)]
    _, first, second = np.intersect1d(*keys, return_indices=True)
    return first, second


@pytest.mark.parametrize("pet_mm", [(4.0, 4.0, 3.0), (2.0, 2.0, 3.0), (5.47, 5.47, 3.27)])
@pytest.mark.parametrize("shape", [AORTA, CAROTID, CONE, ARCH, LOOP])
def test_the_depths_stored_are_those_of_vessels_moved_and_sampled_again(tubes, shape, pet_mm):
    """On average over a region within 0.06 mm (0.05 on voxels up to 4 mm), never by more than a quarter of the shift
    where it matters, at or inside the wall."""
    pet = grid_around([-62.0, -62.0, -30.0], [42.0, 42.0, 80.0], pet_mm)
    found = []
    stored = rows(tubes(shape), pet)
    for n, shift in enumerate(SHIFTS.values()):
        for here, there in zip(stored, rows(tubes(shape), pet, shift), strict=True):
            a, b = both(here, there, pet)
            assert len(a) > 0.6 * len(here)  # ends and cuts move with the vessel
            found.append(np.stack([here.shifted[a, n] - there.median_depth[b], there.median_depth[b]]))
    error, depth = np.concatenate(found, axis=1)
    assert np.sqrt((error**2).mean()) <= (0.05 if max(pet_mm) <= 4 else 0.06)
    assert np.abs(error[depth >= -1.0]).max() <= SHIFT_MM / 4
    assert np.sqrt((error[depth >= -1.0] ** 2).mean()) <= 0.05


def test_no_shift_of_the_stored_depth_alone_would_do(tubes):
    """The yardstick can tell: depth less the distance moved is wrong by more than half a millimetre in a carotid."""
    pet = grid_around([-62.0, -62.0, -30.0], [42.0, 42.0, 80.0], (4.0, 4.0, 3.0))
    (here,), (there,) = rows(tubes(CAROTID), pet), rows(tubes(CAROTID), pet, SHIFTS["left"])
    a, b = both(here, there, pet)
    to_left = here.mm[a, 0] > CAROTID.start[0] + CAROTID.along(here.mm[a]) * LEANING[0]
    naive = here.median_depth[a] + np.where(to_left, -SHIFT_MM, SHIFT_MM)
    assert np.sqrt(((naive - there.median_depth[b]) ** 2).mean()) > 0.5


def test_vessels_further_to_the_left_are_deeper_on_their_left_side(tubes):
    """The patient's left is -x: the voxel 8 mm to the left of the axis lies 2 mm deeper, that to the right less."""
    straight = StraightTube(np.zeros(3), np.array([0.0, 0.0, 1.0]), 40.0, 12.0)
    pet = grid_around([-24.0, -24.0, -3.0], [24.0, 24.0, 45.0], (4.0, 4.0, 3.0))
    (found,) = rows(tubes(straight), pet)
    names = list(SHIFTS)
    for place, deeper, less, same in (
        ((-8.0, 0.0, 21.0), "left", "right", "up"),
        ((8.0, 0.0, 21.0), "right", "left", "down"),
        ((0.0, 8.0, 21.0), "front", "back", "up"),
        ((0.0, -8.0, 21.0), "back", "front", "down"),
    ):
        (at,) = np.flatnonzero(np.linalg.norm(found.mm - place, axis=1) < 0.1)
        moved = dict(zip(names, found.shifted[at] - found.median_depth[at], strict=True))
        assert moved[deeper] == pytest.approx(2.0, abs=0.15)
        assert moved[less] == pytest.approx(-2.0, abs=0.15)
        assert moved[same] == pytest.approx(0.0, abs=0.05)
