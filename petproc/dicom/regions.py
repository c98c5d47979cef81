"""Bytes by offset: a stretch of a file on disk, or of the temporary file that holds archives taken out of archives.

Reading is by `pread`, from many threads at once and without a position to share.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

OPEN_FILES_MAX = 128
"""So many archives stay open; a delivery of a thousand zips must not use up what the system allows."""


class Source(Protocol):
    """Something that bytes are read from by offset."""

    def pread(self, count: int, offset: int) -> bytes: ...


@dataclass(frozen=True)
class Region:
    """`size` bytes of a source from `start` on."""

    source: Source
    start: int
    size: int

    def read(self, count: int, offset: int = 0) -> bytes:
        """At most `count` bytes, never beyond the region. Raises `OSError`."""
        count = min(count, self.size - offset)
        return self.source.pread(count, self.start + offset) if count > 0 and offset >= 0 else b""

    def part(self, offset: int, size: int) -> Region:
        return Region(self.source, self.start + offset, max(0, min(size, self.size - offset)))


class OpenFiles:
    """Descriptors of files by path, opened once and kept while there is room."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, int] = OrderedDict()
        self._users: dict[str, int] = {}
        self._lock = Lock()

    def region(self, path: str) -> Region:
        """The whole of an ordinary file. Raises `OSError`."""
        with self._descriptor(path) as descriptor:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(0, "not an ordinary file")
            return Region(_OnDisk(self, path), 0, status.st_size)

    def pread(self, path: str, count: int, offset: int) -> bytes:
        with self._descriptor(path) as descriptor:
            return os.pread(descriptor, count, offset)

    def close(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])

    @contextmanager
    def _descriptor(self, path: str) -> Iterator[int]:
        with self._lock:
            if path not in self._open:
                self._open[path] = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            self._open.move_to_end(path)
            self._users[path] = self._users.get(path, 0) + 1
            descriptor = self._open[path]
        try:
            yield descriptor
        finally:
            with self._lock:
                self._users[path] -= 1
                idle = (
                    [name for name in self._open if not self._users[name]] if len(self._open) > OPEN_FILES_MAX else []
                )
                for name in idle[: len(self._open) - OPEN_FILES_MAX]:
                    os.close(self._open.pop(name))


@dataclass(frozen=True)
class _OnDisk:
    files: OpenFiles
    path: str

    def pread(self, count: int, offset: int) -> bytes:
        return self.files.pread(self.path, count, offset)


class Spool:
    """One temporary file without a name, which goes with the process; whoever writes has it alone."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="petproc-")  # noqa: SIM115  # closed by `close`
        self.size = 0

    def pread(self, count: int, offset: int) -> bytes:
        return os.pread(self._file.fileno(), count, offset)

    def append(self, data: bytes) -> None:
        """Raises `OSError` where the disk is full."""
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file.fileno(), view, self.size)
            self.size += written
            view = view[written:]

    def cut(self, size: int) -> None:
        """Forget what was written behind `size`."""
        os.ftruncate(self._file.fileno(), size)
        self.size = size

    def close(self) -> None:
        self._file.close()
