"""Headers that do not stand in their file as they stand in memory: deflated, big-endian, or oddly written."""

from __future__ import annotations

import io
from threading import Lock
from typing import Any

from isal import isal_zlib

from petproc.dicom.files import BadFile
from petproc.dicom.header import Header
from petproc.dicom.walk import MAX_DEPTH, PIXELS_FROM, TooMany, walk

GENERAL_READER_BYTES = 1 << 20
"""No more of a file than 1 MiB is given to the general reader: it takes a hundred bytes and 6 microseconds for each."""
GENERAL_READER_ITEMS = 5_000
"""Items of sequences that it may have to build: real headers have hundreds, and each takes 50 microseconds."""
_ITEM_TAGS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
)
_DEFLATE_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # isal types it as an instance
_one_at_a_time = Lock()


def inflated(content: bytes, start: int, most: int) -> bytes:
    """A deflated file with what follows `start` as it was before, up to `most` bytes of it (PS3.5 A.5)."""
    try:
        body = isal_zlib.decompressobj(wbits=-15).decompress(memoryview(content)[start:], max_length=max(most, 1))
    except _DEFLATE_ERROR:
        raise BadFile("file-damaged", "Its deflated dataset is damaged.") from None
    return content[:start] + bytes(body)


def read_generally(content: bytes, start: int, syntax: str) -> Header:
    """The dataset from `start` on as pydicom reads it, turned into a plain little-endian one; its pixels stay in place.

    `syntax` is what the file says of itself; where its elements turn out to have no types, the header is implicit.
    """
    from petproc.dicom.general import DicomBytesIO, read_dataset, write_dataset

    head = content[start : start + GENERAL_READER_BYTES]
    if max(map(head.count, _ITEM_TAGS)) > GENERAL_READER_ITEMS:
        raise TooMany
    stream = io.BytesIO(head)
    big_endian, explicit = syntax == BIG_ENDIAN, content[start + 4 : start + 6].isalpha()
    try:
        with _one_at_a_time:
            dataset = read_dataset(stream, not explicit, not big_endian, stop_when=_is_behind_header)
            _check_depth(dataset)
            plain = DicomBytesIO()
            plain.is_little_endian, plain.is_implicit_VR = True, False
            write_dataset(plain, dataset)
            elements = walk(plain.getvalue(), implicit=False)
    except Exception:  # pydicom raises a dozen kinds on damaged files; all of them mean this
        raise BadFile("file-damaged", "Its DICOM header is damaged.") from None
    stop = start + stream.tell()
    if not big_endian and syntax in (IMPLICIT, EXPLICIT):
        syntax = EXPLICIT if content[stop + 4 : stop + 6].isalpha() else IMPLICIT
    return Header(elements.ending(stop), syntax)


def _check_depth(dataset: Any) -> None:
    """A ValueError for sequences nested too deep: pydicom's writer would quote itself at every level, for gigabytes."""
    level = [dataset]
    for _ in range(MAX_DEPTH):
        level = [item for held in level for element in held if element.VR == "SQ" for item in element.value]
        if not level:
            return
    raise ValueError("sequences too deep")


def _is_behind_header(tag: int, _kind: str | None, _length: int) -> bool:
    return tag >= PIXELS_FROM
