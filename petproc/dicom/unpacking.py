"""The bytes of one archive entry: stored, deflated or bzip2, within the size that its archive claims."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from typing import Any

from isal import igzip_lib, isal_zlib

from petproc.dicom.bad import BadFile
from petproc.dicom.listings import BZIP2, DEFLATED, STORED, Entry, Listing
from petproc.dicom.regions import Region

MAX_FILE_BYTES = 1 << 30
"""A single DICOM file or archive member larger than 1 GiB is not read: one CT slice is half a megabyte."""
DAMAGE: tuple[type[Exception], ...] = (  # type: ignore[assignment]  # isal types its errors as instances
    OSError,
    EOFError,
    ValueError,
    struct.error,
    zlib.error,
    isal_zlib.error,
    igzip_lib.error,
    lzma.LZMAError,
)
_BZIP2_BLOCK = 1 << 20
_CHUNK = 1 << 20
_LOCAL_HEADER, _LOCAL = 30, b"PK\x03\x04"


def check_size(size: int) -> None:
    """Raise `BadFile` for what claims to be larger than any DICOM file."""
    if size > MAX_FILE_BYTES:
        raise BadFile("file-too-large", f"It claims {size} bytes; more than {MAX_FILE_BYTES} are not read.")


def unpacker(method: int) -> Any:
    """What unpacks a zip entry of this method piece by piece."""
    if method == DEFLATED:
        return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_DEFLATE)
    return bz2.BZ2Decompressor()


def packed_region(listing: Listing, entry: Entry) -> Region:
    """Where an entry's bytes lie, packed as they are. Raises `BadFile`."""
    if entry.encrypted:
        raise BadFile("file-encrypted", "It is protected by a password.")
    if entry.method not in (STORED, DEFLATED, BZIP2):
        words = f"It is packed in a way (method {entry.method}) that is not read."
        raise BadFile("archive-method-not-supported", words)
    start = entry.start
    if listing.is_zip:
        head = listing.region.read(_LOCAL_HEADER, start)
        if len(head) < _LOCAL_HEADER or head[:4] != _LOCAL:
            raise BadFile("file-damaged", "It cannot be unpacked from its archive.")
        name_length, extra_length = struct.unpack("<HH", head[26:30])
        start += _LOCAL_HEADER + name_length + extra_length
    return listing.region.part(start, entry.packed)


def check_sum(region: Region, entry: Entry) -> None:
    """Raise `BadFile` unless an inner archive, taken out of its own, is the one that went in."""
    total = 0
    for offset in range(0, region.size, _CHUNK):
        total = isal_zlib.crc32(region.read(_CHUNK, offset), total)
    if region.size != entry.size or (entry.crc is not None and total != entry.crc):
        raise BadFile("file-damaged", "Its content does not match the checksum in its archive.")


def content_of(listing: Listing, entry: Entry, limit: int | None) -> bytes:
    """The first `limit` bytes of an entry, or all of them after a check of size and checksum. Raises `BadFile`."""
    wanted = entry.size if limit is None else min(limit, entry.size)
    check_size(wanted)
    try:
        content = _unpacked(packed_region(listing, entry), entry.method, wanted)
    except DAMAGE:
        raise BadFile("file-damaged", "It cannot be unpacked from its archive.") from None
    whole = wanted == entry.size and entry.crc is not None
    if len(content) != wanted or (whole and isal_zlib.crc32(content) != entry.crc):
        raise BadFile("file-damaged", "Its content does not match the checksum in its archive.")
    return content


def _unpacked(region: Region, method: int, wanted: int) -> bytes:
    """Deflate goes through isal, twice as fast as zlib and, like it, outside the GIL."""
    if method == STORED:
        return region.read(wanted)
    if method == BZIP2:
        packed = region.read(wanted + wanted // 50 + _BZIP2_BLOCK)
        return bz2.BZ2Decompressor().decompress(packed, max(wanted, 1))[:wanted]
    # deflate grows data by 5 bytes in 65,535 at worst: no claim about the packed size is believed beyond that
    packed = region.read(wanted + wanted // 1000 + 1024)
    return bytes(isal_zlib.decompressobj(wbits=-15).decompress(packed, max_length=max(wanted, 1)))[:wanted]
