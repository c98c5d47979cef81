"""Bytes of files and of zip members, read in place: nothing is ever unpacked to disk.

A member's name is only ever looked up in its own archive, so that a name which climbs out (`../../etc`) leads
nowhere. What a file or archive claims about its size is checked before memory is given to it.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from threading import Lock
from types import TracebackType

from isal import isal_zlib

MAX_FILE_BYTES = 1 << 30
"""A single DICOM file or zip member larger than 1 GiB is not read: one CT slice is half a megabyte."""
MAX_MEMBERS = 500_000
"""An archive that lists more members than this is not read."""

_LOCAL_HEADER = 30
_DAMAGE: tuple[type[Exception], ...] = (  # type: ignore[assignment]  # isal types its error as an instance
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    struct.error,
    zlib.error,
    isal_zlib.error,
    zipfile.BadZipFile,
)
_ENCRYPTED = 0x1


class BadFile(Exception):
    """A file that cannot be used, with a stable code and the reason in plain words, without its name."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Files:
    """Reads files and zip members from many threads; each archive is opened once and closed at the end."""

    def __init__(self) -> None:
        self._archives: dict[str, zipfile.ZipFile] = {}
        self._lock = Lock()

    def __enter__(self) -> Files:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for archive in self._archives.values():
            archive.close()

    def members(self, path: str) -> list[tuple[str, int]]:
        """Name and size of every file in an archive, in the order of its directory; of equal names the last."""
        archive = self._archive(path)
        return [(name, info.file_size) for name, info in archive.NameToInfo.items() if not info.is_dir()]

    def read(self, path: str, member: str | None = None, *, limit: int | None = None) -> bytes:
        """The content, or at most its first `limit` bytes. Raises `BadFile`."""
        return self._read_file(path, limit) if member is None else self._read_member(path, member, limit)

    def _read_file(self, path: str, limit: int | None) -> bytes:
        try:
            with Path(path).open("rb") as stream:
                status = os.fstat(stream.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise BadFile("file-unreadable", "It is not an ordinary file.")
                _check_size(status.st_size)
                return stream.read(status.st_size if limit is None else limit)
        except FileNotFoundError:
            raise BadFile("file-missing", "It is no longer where the inventory saw it.") from None
        except OSError as error:
            raise BadFile("file-unreadable", f"It cannot be read ({error.strerror}).") from None

    def _archive(self, path: str) -> zipfile.ZipFile:
        with self._lock:
            if path not in self._archives:
                self._archives[path] = _opened(path)
            return self._archives[path]

    def _read_member(self, path: str, member: str, limit: int | None) -> bytes:
        archive = self._archive(path)
        info = archive.NameToInfo.get(member)
        if info is None:
            raise BadFile("file-missing", "It is no longer in the archive in which the inventory saw it.")
        _check_size(info.file_size)
        if info.flag_bits & _ENCRYPTED:
            raise BadFile("file-encrypted", "It is protected by a password.")
        wanted = info.file_size if limit is None else min(limit, info.file_size)
        try:
            content = _inflated(archive, info, wanted)
        except _DAMAGE:
            raise BadFile("file-damaged", "It cannot be unpacked from its archive.") from None
        if len(content) != wanted or (wanted == info.file_size and isal_zlib.crc32(content) != info.CRC):
            raise BadFile("file-damaged", "Its content does not match the checksum in its archive.")
        return content


def _opened(path: str) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise BadFile("file-missing", "The archive is no longer where the inventory saw it.") from None
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        raise BadFile("archive-unreadable", "The zip archive is damaged or incomplete.") from None
    if len(archive.NameToInfo) > MAX_MEMBERS:
        archive.close()
        raise BadFile("archive-too-large", f"The zip archive lists more than {MAX_MEMBERS} files.")
    return archive


def _inflated(archive: zipfile.ZipFile, info: zipfile.ZipInfo, wanted: int) -> bytes:
    """The first `wanted` bytes; deflate goes through isal, twice as fast as zlib and, like it, outside the GIL."""
    if info.compress_type != zipfile.ZIP_DEFLATED or archive.fp is None:
        with archive.open(info) as stream:
            return stream.read(wanted)
    descriptor = archive.fp.fileno()
    head = os.pread(descriptor, _LOCAL_HEADER, info.header_offset)
    name_length, extra_length = struct.unpack("<HH", head[26:30])
    start = info.header_offset + _LOCAL_HEADER + name_length + extra_length
    # deflate grows data by 5 bytes in 65,535 at worst: no claim about the packed size is believed beyond that
    packed = os.pread(descriptor, min(info.compress_size, wanted + wanted // 1000 + 1024), start)
    return bytes(isal_zlib.decompressobj(wbits=-15).decompress(packed, max_length=max(wanted, 1)))[:wanted]


def _check_size(size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise BadFile("file-too-large", f"It claims {size} bytes; more than {MAX_FILE_BYTES} are not read.")
