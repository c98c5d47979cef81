"""Bytes of files and of archive members, read in place: nothing is ever unpacked beside them.

A member's name is only ever looked up in its own archive, so that a name which climbs out (`../../etc`) leads
nowhere. What a file or archive claims about its size is checked before memory is given to it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType

from petproc.dicom.archives import Archives, joined, parted
from petproc.dicom.bad import BadFile as BadFile
from petproc.dicom.regions import OpenFiles
from petproc.dicom.unpacking import check_size, content_of


class Files:
    """Reads files and archive members from many threads; each archive is listed once, all is closed at the end."""

    def __init__(self) -> None:
        self._open = OpenFiles()
        self._archives = Archives(self._open)

    def __enter__(self) -> Files:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archives.close()
        self._open.close()

    def members(
        self, path: str, member: str | None = None
    ) -> tuple[list[tuple[str, int]], list[tuple[str | None, BadFile]]]:
        """Name and size of every file in an archive, or in the archive that is its `member`; and what is not read.

        A name in an inner archive is that archive's, `!/` and its own: `inner.zip!/a/b.dcm`. What is wrong with the
        archive as a whole has no name. Raises `BadFile`.
        """
        chain = parted(member) if member is not None else ()
        listing = self._archives.listing(path, chain)
        names = [(joined((*chain, name)), entry.size) for name, entry in listing.entries.items()]
        return names, [(joined((*chain, name)) if name else None, bad) for name, bad in listing.bad]

    def read(self, path: str, member: str | None = None, *, limit: int | None = None) -> bytes:
        """The content, or at most its first `limit` bytes. Raises `BadFile`."""
        if member is None:
            return _read_file(path, limit)
        *chain, name = parted(member) if "!" in member else (member,)
        listing = self._archives.listing(path, tuple(chain))
        entry = listing.entries.get(name)
        if entry is None:
            raise BadFile("file-missing", "It is no longer in the archive in which the inventory saw it.")
        return content_of(listing, entry, limit)


def _read_file(path: str, limit: int | None) -> bytes:
    try:
        with Path(path).open("rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BadFile("file-unreadable", "It is not an ordinary file.")
            wanted = status.st_size if limit is None else min(limit, status.st_size)
            check_size(wanted)
            return stream.read(wanted)
    except FileNotFoundError:
        raise BadFile("file-missing", "It is no longer where the inventory saw it.") from None
    except OSError as error:
        raise BadFile("file-unreadable", f"It cannot be read ({error.strerror}).") from None
