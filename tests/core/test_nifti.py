"""The header of our images is the one that nibabel would write."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from petproc.core.grid import Grid
from petproc.core.nifti import nifti_header

SPACING = st.tuples(*[st.floats(0.3, 8.0)] * 3)
ANGLES = st.tuples(*[st.floats(-179.0, 179.0)] * 3)


def by_nibabel(grid: Grid, dtype: type) -> nib.Nifti1Header:
    header = nib.Nifti1Image(np.zeros(grid.shape, dtype), grid.affine).header
    header.set_xyzt_units("mm")
    header.set_sform(grid.affine, code="scanner")
    header.set_qform(grid.affine, code="scanner")
    header.set_slope_inter(1, 0)
    header.set_data_offset(352)
    return header


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("signs", [(-1, -1, 1), (1, 1, 1), (-1, 1, 1), (1, -1, -1)])
def test_every_byte_is_that_of_nibabel(dtype: type, signs: tuple[int, int, int]) -> None:
    affine = np.diag([*(np.array(signs) * (0.9765625, 0.9765625, 3.27)), 1.0])
    affine[:3, 3] = (249.5, 239.5, -671.25)
    grid = Grid((5, 4, 3), affine)
    assert nifti_header(grid, np.dtype(dtype)) == by_nibabel(grid, dtype).binaryblock.ljust(352, b"\0")


@example((1.0, 1.0, 1.0), (0.0, 173.0, 179.0), False)
@given(SPACING, ANGLES, st.booleans())
def test_turned_grids_have_the_form_that_nibabel_gives_them(
    spacing: tuple[float, float, float], angles: tuple[float, float, float], mirrored: bool
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing
    affine[:3, 2] *= -1 if mirrored else 1
    affine[:3, 3] = (-12.5, 30.0, 7.0)
    grid = Grid((3, 4, 5), affine)
    # A qform stores three of a quaternion's four numbers in single precision (a unit in the last place: 2^-23); the
    # fourth is the root of what they leave of 1. Three squares and their sum are off by 2.5 units at the most, near
    # half a turn the root by the root of that, and an entry of the matrix by twice as much: 1.1e-3, as in nibabel's.
    near = 2 * np.sqrt(2.5 * 2.0**-23) * max(spacing)
    ours = nib.Nifti1Header(nifti_header(grid, np.dtype(np.int16))[:348])
    theirs = by_nibabel(grid, np.int16)
    assert np.allclose(ours.get_qform(), theirs.get_qform(), atol=near)
    assert np.allclose(ours.get_qform(), affine, atol=near)
    assert np.array_equal(ours.get_sform(), theirs.get_sform())
