"""What a zip or tar archive lists: name -> where its bytes lie, and what in it is not read, with the reason.

Nothing is read yet. A listing is believed no further than the archive is long; links, devices and names that lead out
of the archive are never followed.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import tarfile
import zipfile
from dataclasses import dataclass, field
from typing import NamedTuple

from petproc.dicom.bad import BadFile
from petproc.dicom.regions import Region

MAX_MEMBERS = 500_000
"""An archive that lists more members than this is not read."""
MAX_DIRECTORY_BYTES = 1 << 27
"""Nor one whose directory is longer than 128 MiB."""

STORED, DEFLATED, BZIP2 = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2
_DIRECTORY_ENTRY = b"PK\x01\x02"
_LOCAL_HEADER = 30
_BLOCK = 512
_ENCRYPTED = 0x1
_OUTSIDE = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:[/\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Entry(NamedTuple):
    """A file in an archive: `start` of its bytes (zip: of its local header), and how they are packed."""

    start: int
    packed: int
    size: int
    crc: int | None
    method: int
    encrypted: bool


@dataclass
class Listing:
    """The files of an archive that can be read, and those that are not."""

    region: Region
    is_zip: bool
    entries: dict[str, Entry] = field(default_factory=dict)
    bad: list[tuple[str, BadFile]] = field(default_factory=list)
    """by name; without one what is wrong with the archive as a whole"""
    _twice: set[str] = field(default_factory=set)

    def add(self, name: str, entry: Entry) -> None:
        """An entry under its name; of two different ones with one name neither, for nobody can tell which is meant."""
        if bad := _unusable(name):
            self._leave_out(name, bad)
            return
        known = self.entries.get(name)
        if name in self._twice or (known and (known.size, known.crc) != (entry.size, entry.crc)):
            if name not in self._twice:
                self.refuse(name, "archive-name-twice", "Two different files in the archive have this name.")
            self._twice.add(name)
            self.entries.pop(name, None)
        else:
            self.entries[name] = entry

    def refuse(self, name: str, code: str, reason: str) -> None:
        self._leave_out(name, BadFile(code, reason))

    def _leave_out(self, name: str, bad: BadFile) -> None:
        self.entries.pop(name, None)
        self.bad.append((_CONTROL.sub("?", name), bad))


def _unusable(name: str) -> BadFile | None:
    if _CONTROL.search(name) or not name:
        return BadFile("file-name-unreadable", "Its name in the archive holds characters that no file name should.")
    if _OUTSIDE.search(name):
        return BadFile("archive-name-outside", "Its name leads out of the archive; it is not read.")
    return None


def zip_listing(region: Region) -> Listing:
    """The directory of a zip archive. Raises `BadFile`."""
    try:
        with zipfile.ZipFile(_Window(region)) as archive:
            infos = archive.infolist()
    except (OSError, ValueError, NotImplementedError, EOFError, zipfile.BadZipFile):
        raise BadFile("archive-unreadable", "The zip archive is damaged or incomplete.") from None
    listing = Listing(region, True)
    overlapping = _overlapping(infos)
    for info in infos:
        if info.filename.endswith("/"):
            continue
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.header_offset in overlapping:
            listing.refuse(info.filename, "archive-entries-overlap", "It shares its bytes with another file; not read.")
        elif kind not in (0, stat.S_IFREG):
            listing.refuse(info.filename, "archive-link", "It is a link or device in an archive; it is not followed.")
        else:
            encrypted = bool(info.flag_bits & _ENCRYPTED)
            place = (info.header_offset, info.compress_size, info.file_size, info.CRC)
            listing.add(info.filename, Entry(*place, info.compress_type, encrypted))
    return listing


def _overlapping(infos: list[zipfile.ZipInfo]) -> set[int]:
    """Header offsets of entries that lie in one another's bytes, which is how an archive grows out of proportion."""
    found: set[int] = set()
    furthest, owner = 0, -1
    for start, size, name in sorted((info.header_offset, info.compress_size, len(info.filename)) for info in infos):
        if start < furthest:
            found |= {start, owner}
        end = start + _LOCAL_HEADER + name + size
        if end > furthest:
            furthest, owner = end, start
    return found


def tar_listing(region: Region) -> Listing:
    """The members of a tar, up to where it is damaged. Raises `BadFile` where nothing of it can be read."""
    listing = Listing(region, False)
    try:
        with tarfile.open(fileobj=_Window(region), mode="r:", errorlevel=0) as archive:
            whole = _walk_tar(listing, archive)
    except (tarfile.TarError, OSError, ValueError, EOFError, OverflowError, RecursionError, struct.error, BadFile):
        whole = False
    if not whole:
        words = "The tar archive is damaged, incomplete or too long: what follows the last file of it here is not read."
        listing.bad.append(("", BadFile("archive-unreadable", words)))
    return listing


def _walk_tar(listing: Listing, archive: tarfile.TarFile) -> bool:
    """Whether the archive could be followed to its end: to a block of zeros or the last byte."""
    last = -1
    for _ in range(MAX_MEMBERS):
        info = archive.next()
        if info is None:
            return not listing.region.read(_BLOCK, archive.offset).strip(b"\0")
        if info.offset <= last:  # a negative size leads back, and round and round
            return False
        last = info.offset
        archive.members.clear()  # type: ignore[attr-defined]
        _add_tar(listing, info)
    return False


def _add_tar(listing: Listing, info: tarfile.TarInfo) -> None:
    if info.isdir():
        return
    if info.issym() or info.islnk() or info.isdev():
        listing.refuse(info.name, "archive-link", "It is a link or device in an archive; it is not followed.")
    elif not info.isreg() or info.issparse():
        listing.refuse(info.name, "archive-method-not-supported", "It is kept in a way that is not read (sparse).")
    elif info.size < 0 or info.offset_data + info.size > listing.region.size:
        listing.refuse(info.name, "file-truncated", "The archive ends before this file does.")
    else:
        listing.add(info.name, Entry(info.offset_data, info.size, info.size, None, STORED, False))


class _Window(io.RawIOBase):
    """A region as a file, for the readers of directories; refuses to read more of one than is believed."""

    def __init__(self, region: Region) -> None:
        self._region, self._at = region, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._region.size}[whence]
        if at < 0:
            raise OSError("before the beginning")
        self._at = at
        return at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            size = max(0, self._region.size - self._at)
        if size > MAX_DIRECTORY_BYTES:
            raise BadFile("archive-too-large", f"The archive lists more than {MAX_MEMBERS} files.")
        data = self._region.read(size, self._at)
        self._at += len(data)
        if data.count(_DIRECTORY_ENTRY) > MAX_MEMBERS:
            raise BadFile("archive-too-large", f"The archive lists more than {MAX_MEMBERS} files.")
        return data
