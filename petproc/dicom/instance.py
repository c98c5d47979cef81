"""One DICOM file taken apart: header, where its pixels begin, and its stored pixel values."""

from __future__ import annotations

import io
import re
import struct
import warnings

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from petproc.dicom.files import BadFile
from petproc.dicom.header import Header
from petproc.dicom.walk import Cut, Odd, TooMany, walk

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
warnings.filterwarnings("ignore", module="pydicom")  # they quote values, and a value may be a name

PLAIN = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
"""Transfer syntaxes whose pixels stand in the file as they are."""
REWRITTEN = (str(DeflatedExplicitVRLittleEndian), str(ExplicitVRBigEndian))
"""Uncompressed too, but not as they are in memory."""
UNDEFINED_LENGTH = 0xFFFFFFFF
MAX_MATRIX = 4096
"""Rows and columns above this are not believed."""

_UID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{0,127}")
"""Digits and dots by the standard; letters of some de-identifiers; never anything that means a place in a file name."""
_PIXEL_DATA = b"\xe0\x7f\x10\x00"
_INCOMPLETE = BadFile("header-incomplete", "Its DICOM header does not end within the part that was read.")


def parse(content: bytes, size: int | None = None) -> tuple[Header, int]:
    """Header of a DICOM file and the offset of its pixel data element (the end where there is none).

    `content` may be only the beginning of a file of `size` bytes; a header that does not end within it raises
    `BadFile` with code `header-incomplete`. Files without preamble are read too.
    """
    start = 132 if content[128:132] == b"DICM" else 0
    if not start and content[:2] not in (b"\x08\x00", b"\x02\x00"):
        raise BadFile("not-dicom", "It is not a DICOM file.")
    partial = size is not None and len(content) < size
    try:
        meta = (
            walk(content, start, implicit=False, only_group=0x0002) if content[start : start + 1] == b"\x02" else None
        )
        syntax = Header(meta).text("TransferSyntaxUID") if meta else None
        at = meta.stop if meta else start
        if syntax in REWRITTEN:
            raise Odd
        syntax = syntax or PLAIN[0 if content[at + 4 : at + 6].isalpha() else 1]
        header = Header(walk(content, at, implicit=syntax == PLAIN[1]), syntax)
    except Odd:
        header = _rewritten(content, partial)
    except TooMany:
        raise BadFile("file-damaged", "Its DICOM header has more elements than any real one.") from None
    except Cut:
        raise _INCOMPLETE if partial else BadFile("file-truncated", "It ends inside its header.") from None
    stop = header.stop
    if partial and (content[stop : stop + 4] != _PIXEL_DATA or stop + 12 > len(content)):
        raise _INCOMPLETE
    if not all(_UID.fullmatch(header.text(name) or "") for name in ("SOPInstanceUID", "SeriesInstanceUID")):
        raise BadFile("not-dicom", "It names no DICOM instance or series.")
    return header, stop


def _rewritten(content: bytes, partial: bool) -> Header:
    """The header of a big-endian, deflated or oddly written file, turned into a plain one by pydicom.

    Where its pixels begin stays unknown: they are pydicom's to read too, so the transfer syntax is never a plain one.
    """
    if partial:
        raise _INCOMPLETE
    try:
        dataset = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True, force=True)
        syntax = str(dataset.file_meta.get("TransferSyntaxUID", "")) or "unknown"
        plain = DicomBytesIO()
        plain.is_little_endian, plain.is_implicit_VR = True, False
        write_dataset(plain, dataset)
        elements = walk(plain.getvalue(), implicit=False)
    except Exception:  # pydicom raises a dozen kinds on damaged files; all of them mean this
        raise BadFile("file-damaged", "Its DICOM header is damaged.") from None
    return Header(elements, syntax if syntax not in PLAIN else f"{syntax} (odd)")


def check_length(header: Header, content: bytes, offset: int, size: int) -> None:
    """Raise `BadFile` where a file of `size` bytes is too short for the pixels that its header promises."""
    if header.transfer_syntax not in PLAIN or header.integer("Rows") is None:
        return
    start, length = _pixel_element(header, content, offset)
    if start + length > size or length < _expected_bytes(header):
        raise BadFile("file-truncated", "It ends before its pixels do.")


def stored_values(header: Header, content: bytes, offset: int) -> NDArray[np.integer]:
    """Pixel values as stored, before any rescaling, shape (rows, columns). Raises `BadFile`."""
    check_layout(header)
    if header.transfer_syntax not in PLAIN:
        return _decoded(header, content)
    check_length(header, content, offset, len(content))
    start, _ = _pixel_element(header, content, offset)
    rows, columns = _matrix(header)
    values = np.frombuffer(content, _dtype(header), rows * columns, start).reshape(rows, columns)
    return _significant_bits(header, values)


def _pixel_element(header: Header, content: bytes, offset: int) -> tuple[int, int]:
    """Where the pixel bytes start and how many the element claims."""
    implicit = header.transfer_syntax == str(ImplicitVRLittleEndian)
    head = content[offset : offset + (8 if implicit else 12)]
    if head[:4] != _PIXEL_DATA or len(head) < (8 if implicit else 12):
        raise BadFile("pixels-missing", "It holds no pixels.")
    length = struct.unpack("<I", head[-4:])[0]
    if length == UNDEFINED_LENGTH:
        raise BadFile("file-damaged", "Its pixels are packed though its header says they are not.")
    return offset + len(head), length


def _matrix(header: Header) -> tuple[int, int]:
    rows, columns = header.integer("Rows"), header.integer("Columns")
    if not rows or not columns or not (0 < rows <= MAX_MATRIX and 0 < columns <= MAX_MATRIX):
        raise BadFile("matrix-invalid", f"Its matrix of {rows} x {columns} cannot be right.")
    return rows, columns


def _expected_bytes(header: Header) -> int:
    rows, columns = _matrix(header)
    return rows * columns * (header.integer("BitsAllocated") or 16) // 8


def _dtype(header: Header) -> np.dtype[np.integer]:
    signed = "i" if header.integer("PixelRepresentation") == 1 else "u"
    return np.dtype(f"<{signed}{(header.integer('BitsAllocated') or 16) // 8}")


def check_layout(header: Header) -> None:
    """Raise `BadFile` unless the file holds one plane of whole grey values, which is all that is read."""
    _matrix(header)
    if (header.integer("NumberOfFrames") or 1) > 1:
        raise BadFile("multi-frame-not-supported", "It holds more than one image (enhanced multi-frame).")
    if (header.integer("SamplesPerPixel") or 1) != 1:
        raise BadFile("colour-not-supported", "It is a colour picture, not a measurement.")
    allocated = header.integer("BitsAllocated")
    stored = header.integer("BitsStored") or allocated
    high = header.integer("HighBit")
    if allocated not in (8, 16, 32) or not stored or stored > allocated or high not in (None, stored - 1):
        raise BadFile("pixel-format-not-supported", f"Its pixels ({stored} of {allocated} bits) cannot be read.")


def _significant_bits(header: Header, values: NDArray[np.integer]) -> NDArray[np.integer]:
    """Without what older scanners kept in the bits above BitsStored; the sign is carried on."""
    allocated = values.dtype.itemsize * 8
    unused = allocated - (header.integer("BitsStored") or allocated)
    if not unused:
        return values
    shifted: NDArray[np.integer] = np.right_shift(np.left_shift(values, unused), unused)
    return shifted


def _decoded(header: Header, content: bytes) -> NDArray[np.integer]:
    """Pixels of compressed, deflated and big-endian files, by pydicom's decoders."""
    try:
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
        values = dataset.pixel_array
    except (NotImplementedError, RuntimeError) as error:
        if "missing" in str(error).lower() or "no available" in str(error).lower():
            raise BadFile(
                "transfer-syntax-not-supported",
                f"No decoder for its compression ({header.transfer_syntax}) is installed.",
            ) from None
        raise BadFile("file-damaged", "Its compressed pixels cannot be decoded.") from None
    except Exception:  # the decoders raise whatever they like on damaged data
        raise BadFile("file-damaged", "Its compressed pixels cannot be decoded.") from None
    if values.shape != _matrix(header):
        raise BadFile("file-damaged", "Its compressed pixels are not of the size that its header says.")
    return np.asarray(values)
