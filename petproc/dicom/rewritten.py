"""Headers that do not stand in their file as they stand in memory: deflated, big-endian, or oddly written."""

from __future__ import annotations

import io
from threading import Lock

import pydicom
from isal import isal_zlib
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from petproc.dicom.files import BadFile
from petproc.dicom.header import Header
from petproc.dicom.walk import walk

GENERAL_READER_BYTES = 1 << 22
"""No more of a file than 4 MiB is given to the general reader, which takes about a hundred bytes for each of them."""
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_DEFLATE_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # isal types it as an instance
_one_at_a_time = Lock()


def inflated(content: bytes, start: int, most: int) -> bytes:
    """A deflated file with what follows `start` as it was before, up to `most` bytes of it (PS3.5 A.5)."""
    try:
        body = isal_zlib.decompressobj(wbits=-15).decompress(memoryview(content)[start:], max_length=max(most, 1))
    except _DEFLATE_ERROR:
        raise BadFile("file-damaged", "Its deflated dataset is damaged.") from None
    return content[:start] + bytes(body)


def read_generally(content: bytes) -> Header:
    """The header as pydicom reads it, turned into a plain little-endian one; its pixels stay where and as they are."""
    stream = io.BytesIO(content[:GENERAL_READER_BYTES])
    try:
        with _one_at_a_time:
            dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
            syntax = str(dataset.file_meta.get("TransferSyntaxUID", "")) or _EXPLICIT_LITTLE
            plain = DicomBytesIO()
            plain.is_little_endian, plain.is_implicit_VR = True, False
            write_dataset(plain, dataset)
            elements = walk(plain.getvalue(), implicit=False)
    except Exception:  # pydicom raises a dozen kinds on damaged files; all of them mean this
        raise BadFile("file-damaged", "Its DICOM header is damaged.") from None
    return Header(elements.ending(stream.tell()), syntax)
