"""The header of a NIfTI-1 file (nifti.nimh.nih.gov/nifti-1): the grid in scanner RAS+ mm as sform and as qform.

nibabel reads and writes NIfTI, and with it pydicom starts, which takes as long as a whole scan takes to ingest. What is
written is this one kind of header; a test holds it to nibabel's, byte by byte.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petproc.core.grid import Grid

DATA_OFFSET = 352
"""Where the image begins: behind the header and the mark that says that no extensions follow."""
_TYPES = {np.dtype(np.uint8): 2, np.dtype(np.int16): 4, np.dtype(np.float32): 16}
_SCANNER, _MM = 1, 2
_HEADER = np.dtype(
    [
        ("sizeof_hdr", "<i4"),
        ("unused_1", "V36"),
        ("dim", "<i2", 8),
        ("unused_2", "V14"),
        ("datatype", "<i2"),
        ("bitpix", "<i2"),
        ("slice_start", "<i2"),
        ("pixdim", "<f4", 8),
        ("vox_offset", "<f4"),
        ("scl_slope", "<f4"),
        ("scl_inter", "<f4"),
        ("slice_end", "<i2"),
        ("slice_code", "u1"),
        ("xyzt_units", "u1"),
        ("unused_3", "V128"),
        ("qform_code", "<i2"),
        ("sform_code", "<i2"),
        ("quaternion", "<f4", 3),
        ("qoffset", "<f4", 3),
        ("srow", "<f4", (3, 4)),
        ("intent_name", "S16"),
        ("magic", "S4"),
    ]
)


def nifti_header(grid: Grid, dtype: np.dtype[np.generic]) -> bytes:
    """352 bytes for an image of uint8, int16 or float32 on `grid`, first axis fastest, without extensions."""
    header = np.zeros((), _HEADER)
    spacing, rotation = grid.spacing, grid.affine[:3, :3] / grid.spacing
    mirrored = np.linalg.det(rotation) < 0
    if mirrored:
        rotation = rotation * [1.0, 1.0, -1.0]
    header["sizeof_hdr"] = _HEADER.itemsize
    header["dim"] = (3, *grid.shape, 1, 1, 1, 1)
    header["datatype"], header["bitpix"] = _TYPES[np.dtype(dtype)], np.dtype(dtype).itemsize * 8
    header["pixdim"] = (-1.0 if mirrored else 1.0, *spacing, 1.0, 1.0, 1.0, 1.0)
    header["vox_offset"], header["scl_slope"] = DATA_OFFSET, 1.0
    header["xyzt_units"] = _MM
    header["qform_code"] = header["sform_code"] = _SCANNER
    header["quaternion"] = _quaternion(rotation)[1:]
    header["qoffset"], header["srow"] = grid.affine[:3, 3], grid.affine[:3]
    header["magic"] = b"n+1"
    return header.tobytes().ljust(DATA_OFFSET, b"\0")


def _quaternion(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """(a, b, c, d) with a >= 0 of the rotation nearest to a matrix (Bar-Itzhack 2000, doi:10.2514/2.4654)."""
    left, _, right = np.linalg.svd(rotation)
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = left @ right
    symmetric = np.array(
        [
            [xx - yy - zz, 0.0, 0.0, 0.0],
            [yx + xy, yy - xx - zz, 0.0, 0.0],
            [zx + xz, zy + yz, zz - xx - yy, 0.0],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    vectors = np.linalg.eigh(symmetric / 3.0)[1]
    quaternion = vectors[[3, 0, 1, 2], -1]
    return np.asarray(-quaternion if quaternion[0] < 0 else quaternion)
