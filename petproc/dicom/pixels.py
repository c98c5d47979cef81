"""How the pixels of a file are stored: matrix, type, significant bits, and the value that stands for none."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from petproc.dicom.files import BadFile
from petproc.dicom.frames import MAX_FRAMES, is_multi_frame
from petproc.dicom.header import Header, tag_of

MAX_MATRIX = 4096
"""Rows and columns above this are not believed."""
MAX_PIXELS = 1 << 30
"""Pixels of all frames of a file: a CT of 4,096 slices."""

_PADDING = tuple(map(tag_of, ("PixelPaddingValue", "PixelPaddingRangeLimit")))


def matrix(header: Header) -> tuple[int, int]:
    """Rows and columns. Raises `BadFile` where they cannot be right."""
    rows, columns = header.integer("Rows"), header.integer("Columns")
    if not rows or not columns or not (0 < rows <= MAX_MATRIX and 0 < columns <= MAX_MATRIX):
        raise BadFile("matrix-invalid", f"Its matrix of {rows} x {columns} cannot be right.")
    return rows, columns


def frame_count(header: Header) -> int:
    """NumberOfFrames (0028,0008), 1 where it is absent."""
    frames = header.number("NumberOfFrames")
    if frames is not None and not 1 <= frames <= MAX_FRAMES:
        raise BadFile("matrix-invalid", f"Its number of frames of {frames:g} cannot be right.")
    return int(frames or 1)


def plane_bytes(header: Header) -> int:
    """Bytes of one uncompressed frame."""
    rows, columns = matrix(header)
    return rows * columns * (header.integer("BitsAllocated") or 16) // 8


def stored_type(header: Header) -> np.dtype[np.integer]:
    """Type of the stored values in memory, little-endian."""
    signed = "i" if header.integer("PixelRepresentation") == 1 else "u"
    return np.dtype(f"<{signed}{(header.integer('BitsAllocated') or 16) // 8}")


def check_layout(header: Header) -> None:
    """Raise `BadFile` unless the file holds planes of whole grey values, which is all that is read."""
    rows, columns = matrix(header)
    frames = frame_count(header)
    if frames > 1 and not is_multi_frame(header):
        raise BadFile("multi-frame-not-supported", "It holds more than one image and is no enhanced PET or CT.")
    if rows * columns * frames > MAX_PIXELS:
        raise BadFile("matrix-invalid", f"{frames} frames of {rows} x {columns} are more than are read.")
    if (header.integer("SamplesPerPixel") or 1) != 1:
        raise BadFile("colour-not-supported", "It is a colour picture, not a measurement.")
    allocated = header.integer("BitsAllocated")
    stored = header.integer("BitsStored") or allocated
    high = header.integer("HighBit")
    if allocated not in (8, 16, 32) or not stored or stored > allocated or high not in (None, stored - 1):
        raise BadFile("pixel-format-not-supported", f"Its pixels ({stored} of {allocated} bits) cannot be read.")


def padding(header: Header) -> tuple[int, int] | None:
    """Lowest and highest stored value that stands for no measurement, both included; None where there is none.

    PixelPaddingValue (0028,0120) up to PixelPaddingRangeLimit (0028,0121), in either order; signed where the pixels
    are, whatever kind of value the file calls it. Pixels that hold such a value keep it in `stored_values` even where
    it needs more bits than BitsStored.
    """
    signed = header.integer("PixelRepresentation") == 1
    given = [raw for tag in _PADDING if len(raw := header.elements.values.get(tag, b"")) == 2]
    if not header.elements.values.get(_PADDING[0]) or not given:
        return None
    values = [struct.unpack("<h" if signed else "<H", raw)[0] for raw in given]
    return min(values), max(values)


def significant_bits(header: Header, values: NDArray[np.integer]) -> NDArray[np.integer]:
    """Without what older scanners kept in the bits above BitsStored; the sign is carried on, padding is kept."""
    unused = values.dtype.itemsize * 8 - (header.integer("BitsStored") or values.dtype.itemsize * 8)
    if not unused:
        return values
    shifted: NDArray[np.integer] = np.right_shift(np.left_shift(values, unused), unused)
    if pad := padding(header):
        np.copyto(shifted, values, where=(values >= pad[0]) & (values <= pad[1]))
    return shifted
