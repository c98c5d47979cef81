"""One DICOM file taken apart: header, where its pixels begin, and its stored pixel values, frame by frame."""

from __future__ import annotations

import re
import struct

import numpy as np
from numpy.typing import NDArray

from petproc.dicom.codecs import decoded, frame_places
from petproc.dicom.codestreams import ALWAYS_LOSSY, PERHAPS_LOSSY, Unreadable, claim
from petproc.dicom.files import BadFile
from petproc.dicom.header import Header
from petproc.dicom.pixels import check_layout, frame_count, matrix, plane_bytes, significant_bits, stored_type
from petproc.dicom.rewritten import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, inflated, read_generally
from petproc.dicom.walk import Cut, Odd, TooMany, walk

PLAIN = (EXPLICIT, IMPLICIT, BIG_ENDIAN)
"""Transfer syntaxes whose pixels stand in the file as numbers."""
UNDEFINED_LENGTH = 0xFFFFFFFF
MAX_HEADER_BYTES = 1 << 27
"""A header does not go on beyond 128 MiB: four thousand frames of a legacy conversion have 30."""

_UID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{0,127}")
"""Digits and dots by the standard; letters of some de-identifiers; never anything that means a place in a file name."""
_DIRECTORY = "1.2.840.10008.1.3.10"
_STARTS = (b"\x02\x00", b"\x04\x00", b"\x08\x00")
"""Groups that a file without preamble may begin with."""
_FLOAT, _DOUBLE, _PIXEL_DATA, _PIXEL_GROUP = 0x7FE00008, 0x7FE00009, 0x7FE00010, 0x7FE0


def parse(content: bytes, size: int | None = None) -> tuple[Header, int]:
    """Header of a DICOM file and the offset of its pixel data element (the end where there is none).

    `content` may be only the beginning of a file of `size` bytes; a header that does not end within it raises
    `BadFile` with code `header-incomplete`. Files without preamble are read too. A directory (DICOMDIR), which is part
    of a delivery and no image, raises with code `dicomdir`. In a deflated file the offset is that in its inflated form.
    """
    partial = size is not None and len(content) < size
    try:
        header = _read(content, partial)
    except TooMany:
        raise BadFile("file-damaged", "Its DICOM header has more elements than any real one.") from None
    except Cut:
        raise _cut(partial) from None
    if not all(_UID.fullmatch(header.text(name) or "") for name in ("SOPInstanceUID", "SeriesInstanceUID")):
        raise BadFile("not-dicom", "It names no DICOM instance or series.")
    _note_loss(header, content)
    return header, header.stop


def _read(content: bytes, partial: bool) -> Header:
    start = 132 if content[128:132] == b"DICM" else 0
    if not start and content[:2] not in _STARTS:
        raise BadFile("not-dicom", "It is not a DICOM file.")
    named, at = _meta(content, start)
    if named == DEFLATED:
        return _deflated(content, at, partial)
    syntax = named or (EXPLICIT if content[at + 4 : at + 6].isalpha() else IMPLICIT)
    try:
        if syntax == BIG_ENDIAN:
            raise Odd
        elements = walk(content, at, implicit=syntax == IMPLICIT)
    except Odd:
        if partial:
            raise _cut(True) from None
        return read_generally(content, at, syntax)
    if partial and not _at_pixels(content, elements.stop):
        raise _cut(True)
    return Header(elements, syntax)


def _cut(partial: bool) -> BadFile:
    """A new error each time: one kept in the module would hold on to every file that it was ever raised for."""
    if partial:
        return BadFile("header-incomplete", "Its DICOM header does not end within the part that was read.")
    return BadFile("file-truncated", "It ends inside its header.")


def _directory() -> BadFile:
    return BadFile("dicomdir", "It is the directory of a delivery (DICOMDIR).")


def _meta(content: bytes, start: int) -> tuple[str | None, int]:
    """The transfer syntax that the file meta information names, and where the dataset begins."""
    group = content[start : start + 2]
    if group == b"\x04\x00":
        raise _directory()
    if group != b"\x02\x00":
        return None, start
    for implicit in (False, True):  # some writers keep this group without types
        try:
            meta = Header(walk(content, start, implicit=implicit, only_group=0x0002))
        except Odd:
            continue
        if meta.text("MediaStorageSOPClassUID") == _DIRECTORY:
            raise _directory()
        return meta.text("TransferSyntaxUID"), meta.stop
    raise BadFile("file-damaged", "Its DICOM header is damaged.")


def _deflated(content: bytes, at: int, partial: bool) -> Header:
    """The header of a deflated file, inflated no further than it takes to see it end."""
    for most in (16 * len(content),) if partial else (1 << 20, 1 << 24, MAX_HEADER_BYTES):
        plain = inflated(content, at, most)
        try:
            try:
                elements = walk(plain, at, implicit=False)
            except Odd:
                elements = read_generally(plain, at, EXPLICIT).elements
        except Cut:
            continue
        if _at_pixels(plain, elements.stop) or (not partial and len(plain) - at < most):
            return Header(elements, DEFLATED)
    raise Cut


def _at_pixels(content: bytes, stop: int) -> bool:
    """Whether the bytes go on behind a header that ends at `stop`, so that it is known to end there."""
    return stop + 12 <= len(content) and struct.unpack_from("<H", content, stop)[0] >= _PIXEL_GROUP


def _note_loss(header: Header, content: bytes) -> None:
    """Ask the compressed pixels whether they are exact, as far as their beginning was read."""
    syntax = header.transfer_syntax
    if syntax in ALWAYS_LOSSY:
        header.irreversible = True
    elif syntax in PERHAPS_LOSSY:
        begin = content.find(b"\xff\x4f\xff\x51" if ".4.81" not in syntax else b"\xff\xd8\xff", header.stop)
        try:
            exact = begin >= 0 and claim(syntax, content[begin : begin + (1 << 16)]).exact
        except Unreadable:
            exact = header.text("LossyImageCompression") == "00"
        header.irreversible = not exact


def check_length(header: Header, content: bytes, offset: int, size: int) -> None:
    """Raise `BadFile` where a file of `size` bytes is too short for the pixels that its header promises."""
    if header.transfer_syntax in PLAIN and header.integer("Rows") is not None:
        _pixels_begin(header, content, offset, size)


def stored_values(header: Header, content: bytes, offset: int, *, frame: int = 0) -> NDArray[np.integer]:
    """Pixel values of one frame as stored, before any rescaling, shape (rows, columns). Raises `BadFile`."""
    check_layout(header)
    if not 0 <= frame < frame_count(header):
        raise BadFile("frames-inconsistent", f"It has no frame {frame + 1}.")
    if header.transfer_syntax == DEFLATED:
        _, at = _meta(content, 132 if content[128:132] == b"DICM" else 0)
        content = inflated(content, at, offset - at + 12 + plane_bytes(header) * frame_count(header))
    elif header.transfer_syntax not in PLAIN:
        return significant_bits(header, _decompressed(header, content, offset, frame))
    start = _pixels_begin(header, content, offset, len(content))
    (rows, columns), dtype = matrix(header), stored_type(header)
    if header.transfer_syntax == BIG_ENDIAN:
        content, start = _turned(header, content, offset, start), 0
    values = np.frombuffer(content, dtype, rows * columns, start + frame * plane_bytes(header))
    return significant_bits(header, values.reshape(rows, columns))


def _pixels_begin(header: Header, content: bytes, offset: int, size: int) -> int:
    """Where the first pixel stands, after the check that all of them are there."""
    start, length = _pixel_element(header, content, offset)
    if length == UNDEFINED_LENGTH:
        raise BadFile("file-damaged", "Its pixels are packed though its header says they are not.")
    if start + length > size or length < plane_bytes(header) * frame_count(header):
        raise BadFile("file-truncated", "It ends before its pixels do.")
    return start


def _pixel_element(header: Header, content: bytes, offset: int) -> tuple[int, int]:
    """Where the pixel bytes start and how many the element claims."""
    order = ">" if header.transfer_syntax == BIG_ENDIAN else "<"
    implicit = header.transfer_syntax == IMPLICIT
    head = content[offset : offset + (8 if implicit else 12)]
    group, element = struct.unpack_from(f"{order}HH", head) if len(head) >= 8 else (0, 0)
    tag = group << 16 | element
    if tag in (_FLOAT, _DOUBLE):
        raise BadFile("float-pixels-not-supported", "Its pixels are floating-point numbers, not stored whole numbers.")
    if tag != _PIXEL_DATA or len(head) < (8 if implicit else 12):
        raise BadFile("pixels-missing", "It holds no pixels.")
    return offset + len(head), struct.unpack(f"{order}I", head[-4:])[0]


def _turned(header: Header, content: bytes, offset: int, start: int) -> bytes:
    """The pixels of a big-endian file in little-endian order; bytes kept as words (OW) change places in pairs."""
    count = plane_bytes(header) * frame_count(header)
    width = max(stored_type(header).itemsize, 2 if content[offset + 4 : offset + 6] == b"OW" else 1)
    words = np.frombuffer(content, f">u{width}", -(-count // width), start)
    return words.astype(f"<u{width}").tobytes()


def _decompressed(header: Header, content: bytes, offset: int, frame: int) -> NDArray[np.integer]:
    start, length = _pixel_element(header, content, offset)
    if length != UNDEFINED_LENGTH:
        raise BadFile("file-damaged", "Its pixels are not packed though its header says they are.")
    if not header.places:
        header.places[:] = frame_places(content, start, frame_count(header))
    codestream = b"".join(content[place] for place in header.places[frame])
    bits = header.integer("BitsStored") or header.integer("BitsAllocated") or 16
    dtype = stored_type(header)
    return decoded(header.transfer_syntax, codestream, shape=matrix(header), dtype=dtype, bits=bits)
