"""The 2 mm image of a CT: what it averages, and that the cut of the work never shows in it."""

import numpy as np
import pytest

from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.segment import torso
from petproc.segment.torso import STEP_MM, cubes

SPACING = (0.9, 1.1, 2.7)


@pytest.fixture(scope="module")
def ct() -> Volume:
    """53 slices of noise, rows from back to front and from right to left, some values beyond what a CT can hold."""
    data = np.random.default_rng(8).normal(0.0, 900.0, (60, 70, 53)).astype(np.int16)
    return Volume(np.asfortranarray(data), Grid(data.shape, np.diag([-SPACING[0], -SPACING[1], SPACING[2], 1.0])), "HU")


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("slices", [1, 7, 16, 53, 1000])
def test_any_cut_and_any_number_of_threads_give_the_same_bits(ct, slices, threads, monkeypatch):
    whole = cubes(ct)
    monkeypatch.setattr(torso, "SLICES", slices)
    again = cubes(ct, threads=threads)
    assert again.data.tobytes() == whole.data.tobytes()
    np.testing.assert_array_equal(again.grid.affine, whole.grid.affine)


def test_every_cube_is_the_triangle_mean_of_the_voxels_around_its_centre(ct):
    """By plain sums over three cubes: voxels turned to right and front, clipped, weighted by distance on each axis."""
    found = cubes(ct)
    hu = np.clip(ct.data[::-1, ::-1].astype(np.float64), -1024.0, 3071.0)
    for cube in [(0, 0, 0), (5, 11, 23), (26, 37, 70)]:
        weights = []
        for at, count, step in zip(cube, hu.shape, SPACING, strict=True):
            away = np.abs((np.arange(-4, count + 4) + 0.5) * step - (at + 0.5) * STEP_MM)
            weight = np.clip(1.0 - away / max(step, STEP_MM), 0.0, None)
            inside = weight[4:-4].copy()
            inside[0] += weight[:4].sum()
            inside[-1] += weight[-4:].sum()
            weights.append(inside / inside.sum())
        expected = np.einsum("ijk,i,j,k->", hu, *weights)
        assert found.data[cube] == pytest.approx(expected, abs=0.01)
