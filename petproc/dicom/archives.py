"""Archives and the archives in them: zip, tar, and tar packed by gzip, bzip2 or xz, told by their first bytes.

Each is listed once; one that lies packed in another is unpacked once, into a temporary file without a name. Nothing is
written beside the delivery.
"""

from __future__ import annotations

import bz2
import lzma
import re
import tarfile
from threading import RLock
from typing import Any

from isal import igzip_lib

from petproc.dicom.bad import BadFile
from petproc.dicom.listings import MAX_MEMBERS, STORED, Listing, tar_listing, zip_listing
from petproc.dicom.regions import OpenFiles, Region, Spool
from petproc.dicom.unpacking import DAMAGE, check_sum, packed_region, unpacker

MAX_NESTED = 4
"""Archives in one another below the outermost; deeper ones are not opened."""
MAX_SPOOL_BYTES = 64 << 30
"""All archives taken out of others, and all packed tars, together: 64 GiB of temporary disk."""
MAX_RATIO = 200
RATIO_FROM_BYTES = 256 << 20
"""An archive that grows beyond 200 times its size is a bomb, once it has reached 256 MiB."""
KEPT_MEMBERS = 500_000
"""Listings of more members than this together are forgotten, oldest first, and read again when needed."""

_CHUNK = 1 << 20
_BLOCK = 512
_XZ_MEMORY = 128 << 20
_PACKED = {"gzip": b"\x1f\x8b\x08", "bzip2": b"BZh", "xz": b"\xfd7zXZ\x00"}


def kind_of(start: bytes) -> str | None:
    """zip, tar, gzip, bzip2 or xz by the first 512 bytes; None for what is no archive."""
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip"
    for kind, magic in _PACKED.items():
        if start.startswith(magic):
            return kind
    if start[128:132] == b"DICM" or len(start) < _BLOCK or not start[0]:
        return None
    try:
        tarfile.TarInfo.frombuf(start[:_BLOCK], "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, OverflowError):
        return None
    return "tar"


def joined(chain: tuple[str, ...]) -> str:
    """Names from the outermost archive's member inwards as one: `inner.zip!/a/b.dcm`.

    Exclamation marks that stand before a slash or at the end of a name are doubled, so that no name is mistaken.
    """
    return "!/".join(re.sub(r"!+(?=/|$)", lambda bangs: bangs[0] * 2, name) for name in chain)


def parted(member: str) -> tuple[str, ...]:
    """The names that `joined` made one."""
    names = re.split(r"(?<!!)((?:!!)*)!/", member)
    parts = [before + bangs for before, bangs in zip(names[::2], [*names[1::2], ""], strict=True)]
    return tuple(re.sub(r"(?:!!)+(?=/|$)", lambda bangs: bangs[0][::2], part) for part in parts)


class Archives:
    """The archives of a delivery, for many threads; closed at the end."""

    def __init__(self, files: OpenFiles) -> None:
        self._files = files
        self._listings: dict[tuple[str, ...], Listing] = {}
        self._regions: dict[tuple[str, ...], Region] = {}
        self._members: dict[tuple[str, ...], int] = {}
        self._spool: Spool | None = None
        self._lock = RLock()

    def close(self) -> None:
        if self._spool:
            self._spool.close()

    def listing(self, path: str, chain: tuple[str, ...] = ()) -> Listing:
        """What the archive at `path`, or the one in it at `chain`, lists. Raises `BadFile`."""
        key = (path, *chain)
        found = self._listings.get(key)
        if found is None:
            with self._lock:
                found = self._listings.get(key) or self._listed(key)
        return found

    def _listed(self, key: tuple[str, ...]) -> Listing:
        region = self._region(key)
        listing = zip_listing(region) if kind_of(region.read(_BLOCK)) == "zip" else tar_listing(region)
        held = len(listing.entries)
        self._members[key] = held
        if sum(count for other, count in self._members.items() if other[0] == key[0]) > MAX_MEMBERS:
            words = f"With the archives in it, the archive lists more than {MAX_MEMBERS} files."
            raise BadFile("archive-too-large", words)
        for other in reversed(list(self._listings)):
            held += len(self._listings[other].entries)
            if held > KEPT_MEMBERS:
                del self._listings[other]
        self._listings[key] = listing
        return listing

    def _region(self, key: tuple[str, ...]) -> Region:
        """Where the archive lies unpacked."""
        if key not in self._regions:
            if len(key) - 1 > MAX_NESTED:
                raise BadFile("archive-too-deep", f"It lies in more than {MAX_NESTED} archives; it is not opened.")
            region = self._outermost(key[0]) if len(key) == 1 else self._taken_out(key)
            kind = kind_of(region.read(_BLOCK))
            if kind in _PACKED:
                region = self._unpacked_tar(region, kind)
            elif kind is None:
                raise BadFile("not-dicom", "It is not a DICOM file.")
            self._regions[key] = region
        return self._regions[key]

    def _outermost(self, path: str) -> Region:
        try:
            return self._files.region(path)
        except FileNotFoundError:
            raise BadFile("file-missing", "The archive is no longer where the inventory saw it.") from None
        except OSError:
            raise BadFile("archive-unreadable", "The archive cannot be read.") from None

    def _taken_out(self, key: tuple[str, ...]) -> Region:
        outer = self.listing(key[0], key[1:-1])
        entry = outer.entries.get(key[-1])
        if entry is None:
            raise BadFile("file-missing", "It is no longer in the archive in which the inventory saw it.")
        region = packed_region(outer, entry)
        if entry.method != STORED:
            region = self._spooled(region, entry.method)
        try:
            check_sum(region, entry)
        except OSError:
            raise BadFile("archive-unreadable", "The archive cannot be read.") from None
        return region

    def _unpacked_tar(self, region: Region, kind: str) -> Region:
        """The tar in it; anything else that is packed alone is no DICOM."""
        try:
            start = _unpacker(kind).decompress(region.read(_CHUNK), _BLOCK)
        except DAMAGE:
            raise BadFile("archive-unreadable", f"It is a damaged {kind} file.") from None
        if kind_of(start) != "tar":
            raise BadFile("not-dicom", "It is not a DICOM file.")
        return self._spooled(region, kind)

    def _spooled(self, region: Region, kind: str | int) -> Region:
        """Unpack into the temporary file, within bounds; what is damaged or a bomb leaves nothing behind."""
        try:
            self._spool = self._spool or Spool()
            start = self._spool.size
            try:
                self._unpack(region, kind, self._spool, start)
            except BaseException:
                self._spool.cut(start)
                raise
        except DAMAGE:
            raise BadFile("archive-unreadable", "The archive is damaged or incomplete.") from None
        return Region(self._spool, start, self._spool.size - start)

    def _unpack(self, region: Region, kind: str | int, spool: Spool, start: int) -> None:
        machine, here = _unpacker(kind), 0
        while here < region.size or not machine.needs_input:
            data = b""
            if machine.needs_input:
                data = region.read(_CHUNK, here)
                here += len(data)
                if not data:
                    break
            spool.append(machine.decompress(data, _CHUNK))
            grown = spool.size - start
            if grown > RATIO_FROM_BYTES and grown > MAX_RATIO * here:
                raise BadFile("archive-bomb", f"Unpacked it grows beyond {MAX_RATIO} times its size; it is not read.")
            if spool.size > MAX_SPOOL_BYTES:
                words = "Unpacked, the archive is larger than is read; unpack it first."
                raise BadFile("archive-too-large", words)
            if machine.eof:
                here -= len(machine.unused_data)
                rest = region.read(_BLOCK, here)
                if isinstance(kind, int) or not rest.startswith(_PACKED[kind]):
                    return
                machine = _unpacker(kind)
        raise EOFError


def _unpacker(kind: str | int) -> Any:
    if isinstance(kind, int):
        return unpacker(kind)
    if kind == "gzip":
        return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return bz2.BZ2Decompressor() if kind == "bzip2" else lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
