"""Walking a delivery: folders of any depth and archives in archives, each file's header read once, nothing unpacked."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from petproc.core.errors import Refusal
from petproc.dicom.archives import kind_of, parted
from petproc.dicom.bad import BadFile
from petproc.dicom.files import Files
from petproc.dicom.header import Header
from petproc.dicom.instance import MAX_HEADER_BYTES, check_length, parse
from petproc.dicom.unpacking import check_size

HEADER_BYTES = 1 << 16
"""So much of a file is read first."""
LONG_HEADER_BYTES = 1 << 18
"""So much where its header is longer. What is longer still is read by one thread alone, so that memory is bounded."""
THREADS = 8
"""Headers are waited for more than worked on, on network storage above all."""
AHEAD = 32
"""So many files are read ahead of the one that is handed out."""


@dataclass(frozen=True)
class Place:
    """A file or archive member; `name` is its path relative to the delivery, for people to find it again."""

    path: str
    member: str | None
    size: int
    name: str


@dataclass(frozen=True)
class Seen:
    """What was found at a place: a header, or what is wrong with it, or both where only the pixels are."""

    place: Place
    header: Header | None
    bad: BadFile | None

    def __post_init__(self) -> None:
        if self.bad:  # what it was raised from holds the bytes of the file
            self.bad.__traceback__ = self.bad.__context__ = None


@dataclass(frozen=True)
class _Archive:
    """A place that is an archive."""

    place: Place


@dataclass(frozen=True)
class _Opened:
    """What is in an archive, and what of that is not read."""

    inside: list[Place]
    bad: list[Seen]


@dataclass(frozen=True)
class _Long:
    """A place whose header is longer than most."""

    place: Place


_Found = Seen | _Archive | _Long | None


def read_headers(deliveries: Sequence[Path], *, progress: Callable[[int, int], None] | None = None) -> Iterator[Seen]:
    """Every file of the deliveries in a fixed order. A `Refusal` only where a delivery is not there at all.

    `progress` is called with the number of files done and known so far; an archive adds what it holds when it is met.
    """
    places, bad = _places(deliveries)
    yield from bad
    with Files() as files, ThreadPoolExecutor(THREADS) as pool:
        yield from _Walk(files, pool, progress).through(places)


class _Walk:
    """One run over a delivery; counts what is done and known."""

    def __init__(self, files: Files, pool: ThreadPoolExecutor, progress: Callable[[int, int], None] | None) -> None:
        self._files, self._pool, self._progress = files, pool, progress
        self._done = self._known = 0

    def through(self, places: Sequence[Place]) -> Iterator[Seen]:
        """What is at the places, in their order; what an archive holds comes where the archive stands."""
        self._known += len(places)
        waiting: deque[Future[_Found]] = deque()
        rest = iter(places)
        for place in rest:
            waiting.append(self._pool.submit(_look, self._files, place))
            if len(waiting) >= AHEAD:
                yield from self._at(waiting.popleft().result())
        while waiting:
            yield from self._at(waiting.popleft().result())

    def _at(self, found: _Found) -> Iterator[Seen]:
        if isinstance(found, _Archive):  # opened here and not ahead, so that limits strike the same one every time
            opened = _opened(self._files, found.place)
            if isinstance(opened, _Opened):
                self._known -= 1
                yield from opened.bad
                yield from self.through(opened.inside)
                return
            found = opened
        elif isinstance(found, _Long):
            found = _header(self._files, found.place, MAX_HEADER_BYTES)
        if found:
            yield found
        self._done += 1
        if self._progress:
            self._progress(self._done, self._known)


def _places(deliveries: Sequence[Path]) -> tuple[list[Place], list[Seen]]:
    places: dict[str, Place] = {}
    bad = []
    for number, delivery in enumerate(deliveries, start=1):
        if not delivery.exists():
            raise Refusal(
                "delivery-missing",
                f"Delivery {number} of {len(deliveries)} is not there.",
                "Give the folder or archive of the delivery.",
            )
        root = delivery.resolve()
        paths, closed = _walk(root) if root.is_dir() else ([root], [])
        for path in (*paths, *closed):
            name = path.relative_to(root.parent).as_posix().encode(errors="replace").decode()
            try:
                places[str(path)] = _place(path, name)
            except BadFile as error:
                bad.append(Seen(Place(str(path), None, 0, name), None, error))
    return sorted(places.values(), key=lambda place: (place.name, place.path)), bad


def _walk(root: Path) -> tuple[list[Path], list[Path]]:
    """Ordinary files and links to such, and folders that may not be read.

    Linked folders are not entered, so that no circle can be walked.
    """
    closed: list[OSError] = []
    paths = [Path(folder, name) for folder, _, names in os.walk(root, onerror=closed.append) for name in names]
    return sorted(path for path in paths if path.is_file()), [Path(error.filename) for error in closed]


def _place(path: Path, name: str) -> Place:
    try:
        str(path).encode()
        size = path.stat().st_size
        if not path.is_file():
            raise PermissionError(0, "it may not be read")
    except UnicodeEncodeError:
        raise BadFile("file-name-unreadable", "Its name is not UTF-8; rename it.") from None
    except OSError as error:
        raise BadFile("file-unreadable", f"It cannot be read ({error.strerror}).") from None
    return Place(str(path), None, size, name)


def _look(files: Files, place: Place) -> _Found:
    """None for what belongs to a delivery without being an image of it (DICOMDIR)."""
    try:
        start = files.read(place.path, place.member, limit=HEADER_BYTES)
        if kind_of(start[:512]):
            return _Archive(place)
        check_size(place.size)
    except BadFile as bad:
        return _unless_directory(place, bad)
    found = _parsed(place, start)
    if _is_incomplete(found):
        found = _header(files, place, LONG_HEADER_BYTES)
    return _Long(place) if _is_incomplete(found) else found


def _opened(files: Files, place: Place) -> _Opened | Seen | None:
    """The members of an archive under names for people: inner archives read as folders."""
    try:
        members, refused = files.members(place.path, place.member)
    except BadFile as error:
        return _unless_directory(place, error)
    inside = [Place(place.path, member, size, f"{place.name}/{_own(member)}") for member, size in members]
    bad = [
        Seen(Place(place.path, member, 0, f"{place.name}/{_own(member)}" if member else place.name), None, error)
        for member, error in refused
    ]
    return _Opened(sorted(inside, key=lambda one: one.name), bad)


def _own(member: str) -> str:
    """A member's name in its own archive."""
    return parted(member)[-1] if "!" in member else member


def _header(files: Files, place: Place, most: int) -> Seen | None:
    """The header within the first `most` bytes."""
    try:
        found = _parsed(place, files.read(place.path, place.member, limit=most))
    except BadFile as bad:
        return Seen(place, None, bad)
    if most == MAX_HEADER_BYTES and _is_incomplete(found):
        words = f"Its header goes on beyond {MAX_HEADER_BYTES} bytes."
        return Seen(place, None, BadFile("header-too-long", words))
    return found


def _parsed(place: Place, content: bytes) -> Seen | None:
    header = None
    try:
        header, offset = parse(content, place.size)
        check_length(header, content, offset, place.size)
    except BadFile as bad:
        return _unless_directory(place, bad, header)
    return Seen(place, header, None)


def _unless_directory(place: Place, bad: BadFile, header: Header | None = None) -> Seen | None:
    name = PurePosixPath(place.member or place.path).name.upper()
    if bad.code == "dicomdir" or (bad.code == "not-dicom" and name.split(".")[0].split(";")[0] == "DICOMDIR"):
        return None
    return Seen(place, header, bad)


def _is_incomplete(found: Seen | None) -> bool:
    return found is not None and found.bad is not None and found.bad.code == "header-incomplete"
