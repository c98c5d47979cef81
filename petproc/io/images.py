"""Volumes and label images as NIfTI, packed by several threads into the same bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.nifti import DATA_OFFSET, nifti_header
from petproc.core.volume import Labels, Unit, Volume

GZIP_LEVEL = 1
GZIP_BLOCK = 1 << 20
"""Bytes of image that one thread packs at a time; blocks of 1 MiB cost no room against packing the whole at once."""
DEFLATE_RATIO_MAX = 1032
"""No packed file unpacks to more than so many times its size: what claims more is not believed."""


def write_volume(path: Path, volume: Volume, *, threads: int = 1) -> None:
    """NIfTI with world space in scanner RAS+ mm; float32 for PET, int16 for HU; the same bytes for any `threads`."""
    dtype = np.int16 if volume.unit == "HU" else np.float32
    _write_nifti(path, np.asarray(volume.data, dtype=dtype), volume.grid, threads)


def read_volume(path: Path, unit: Unit) -> Volume:
    data, grid = _read_nifti(path)
    dtype = np.int16 if unit == "HU" else np.float32
    return Volume(data.astype(dtype, copy=False), grid, unit)


def write_labels(path: Path, labels: Labels) -> None:
    _write_nifti(path, labels.data, labels.grid, threads=1)


def read_labels(path: Path, names: Mapping[int, str]) -> Labels:
    """Label image of whole numbers from 0 to 255, from petproc or any other program."""
    data, grid = _read_nifti(path)
    whole = np.rint(data)
    if not np.array_equal(whole, data) or whole.min() < 0 or whole.max() > 255:
        raise Refusal(
            "labels-not-labels",
            "The label image holds values other than whole numbers from 0 to 255.",
            "Export a label map, not a probability or an image.",
        )
    return Labels(whole.astype(np.uint8), grid, dict(names))


def _write_nifti(path: Path, data: NDArray[Any], grid: Grid, threads: int) -> None:
    """Blocks of the image go to `threads` compressing threads and from there to the file: no second image is made."""
    from isal import igzip_threaded

    path.parent.mkdir(parents=True, exist_ok=True)
    with igzip_threaded.open(path, "wb", GZIP_LEVEL, threads=max(1, threads), block_size=GZIP_BLOCK) as stream:
        stream.write(nifti_header(grid, data.dtype))
        stream.write(_flat(np.asfortranarray(data)))


def _read_nifti(path: Path) -> tuple[NDArray[Any], Grid]:
    from isal.igzip_lib import IsalError
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    # isal's own annotation says instance where it means class
    isal_error: Any = IsalError
    damage = (
        OSError,
        EOFError,
        ValueError,
        OverflowError,
        isal_error,
        HeaderDataError,
        ImageFileError,
        WrapStructError,
    )
    try:
        with _unpacked(path) as stream:
            return _read_image(stream, path)
    except damage:
        raise Refusal(
            "nifti-unreadable", f"{path.name} is not a readable NIfTI file.", "Replace or make it anew."
        ) from None


def _unpacked(path: Path) -> Any:
    """The bytes of a file, packed or not, as a stream; unpacked in a thread of its own."""
    from isal import igzip_threaded

    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return igzip_threaded.open(path, "rb") if packed else path.open("rb")


def _read_image(stream: Any, path: Path) -> tuple[NDArray[Any], Grid]:
    """Straight into the array that is returned. A header that claims more than the file can hold is a ValueError."""
    from nibabel import Nifti1Header
    from nibabel.volumeutils import apply_read_scaling

    header = Nifti1Header(stream.read(Nifti1Header.sizeof_hdr))
    shape = header.get_data_shape()
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        raise Refusal("nifti-not-3d", f"{path.name} has {len(shape)} dimensions.", "Give one three-dimensional image.")
    dtype, size = header.get_data_dtype(), path.stat().st_size
    if min(shape) < 1 or dtype.kind not in "iuf" or math.prod(shape) * dtype.itemsize > size * DEFLATE_RATIO_MAX:
        raise ValueError("no image")
    if header.get_data_offset() < DATA_OFFSET or np.isinf(header["scl_slope"]):
        raise ValueError("an image inside its own header, or without finite values")
    grid = Grid(shape, header.get_best_affine())
    data = np.empty(shape, dtype, order="F")
    _skip(stream, header.get_data_offset() - Nifti1Header.sizeof_hdr)
    _fill(stream, _flat(data))
    _skip(stream, None)
    slope, intercept = header.get_slope_inter()
    scaled = slope not in (None, 1.0) or intercept not in (None, 0.0)
    return (apply_read_scaling(data, slope, intercept) if scaled else data), grid


def _flat(data: NDArray[Any]) -> memoryview:
    """The bytes of a Fortran-ordered array, first axis fastest as NIfTI wants it, without copying them."""
    return data.T.reshape(-1).view(np.uint8).data


def _fill(stream: Any, target: memoryview) -> None:
    """In pieces: the unpacking stream sets aside as much again as it is asked for at once."""
    here = 0
    while here < len(target):
        got = stream.readinto(target[here : here + GZIP_BLOCK])
        if not got:
            raise EOFError
        here += got


def _skip(stream: Any, size: int | None) -> None:
    """Read `size` bytes and forget them, or all that are left, so that the checksum at the end is looked at."""
    while size is None or size > 0:
        got = len(stream.read(GZIP_BLOCK if size is None else min(size, GZIP_BLOCK)))
        if not got and size is None:
            return
        if not got:
            raise EOFError
        size = None if size is None else size - got
