"""Walking a delivery: folders of any depth and zip archives, each file's header read once, nothing unpacked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from petproc.core.errors import Refusal
from petproc.dicom.files import BadFile, Files
from petproc.dicom.header import Header
from petproc.dicom.instance import check_length, parse

HEADER_BYTES = 1 << 16
"""So much of a file is read first; the whole file only where its header is longer."""
THREADS = 8
"""Headers are waited for more than worked on, on network storage above all."""


@dataclass(frozen=True)
class Place:
    """A file or zip member; `name` is its path relative to the delivery, for people to find it again."""

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


def read_headers(deliveries: Sequence[Path], *, progress: Callable[[int, int], None] | None = None) -> Iterator[Seen]:
    """Every file of the deliveries in a fixed order. A `Refusal` only where a delivery is not there at all."""
    with Files() as files, ThreadPoolExecutor(THREADS) as pool:
        places, bad = _places(deliveries, files)
        yield from bad
        for done, seen in enumerate(pool.map(lambda place: _look(files, place), places), start=1):
            if seen:
                yield seen
            if progress:
                progress(done, len(places))


def _places(deliveries: Sequence[Path], files: Files) -> tuple[list[Place], list[Seen]]:
    places: dict[tuple[str, str | None], Place] = {}
    bad = []
    for delivery in deliveries:
        if not delivery.exists():
            raise Refusal(
                "delivery-missing", f"There is no {delivery.name}.", "Give the folder or zip of the delivery."
            )
        root = delivery.resolve()
        paths, closed = _walk(root) if root.is_dir() else ([root], [])
        for path in (*paths, *closed):
            name = path.relative_to(root.parent).as_posix().encode(errors="replace").decode()
            try:
                found = _inside(path, name, files)
            except BadFile as error:
                bad.append(Seen(Place(str(path), None, 0, name), None, error))
            else:
                places.update({(place.path, place.member): place for place in found})
    return sorted(places.values(), key=lambda place: (place.name, place.path)), bad


def _walk(root: Path) -> tuple[list[Path], list[Path]]:
    """Ordinary files and links to such, and folders that may not be read.

    Linked folders are not entered, so that no circle can be walked.
    """
    closed: list[OSError] = []
    paths = [Path(folder, name) for folder, _, names in os.walk(root, onerror=closed.append) for name in names]
    return sorted(path for path in paths if path.is_file()), [Path(error.filename) for error in closed]


def _inside(path: Path, name: str, files: Files) -> list[Place]:
    """The file itself, or the members of a zip archive."""
    try:
        str(path).encode()
        with path.open("rb") as stream:
            start = stream.read(4)
    except UnicodeEncodeError:
        raise BadFile("file-name-unreadable", "Its name is not UTF-8; rename it.") from None
    except OSError as error:
        raise BadFile("file-unreadable", f"It cannot be read ({error.strerror}).") from None
    if start not in (b"PK\x03\x04", b"PK\x05\x06"):
        return [Place(str(path), None, path.stat().st_size, name)]
    return [Place(str(path), member, size, f"{name}/{member}") for member, size in files.members(str(path))]


def _look(files: Files, place: Place) -> Seen | None:
    """None for what belongs to a delivery without being an image of it (DICOMDIR)."""
    header = None
    try:
        content = files.read(place.path, place.member, limit=HEADER_BYTES)
        try:
            header, offset = parse(content, place.size)
        except BadFile as bad:
            if bad.code != "header-incomplete":
                raise
            content = files.read(place.path, place.member)
            header, offset = parse(content, place.size)
        check_length(header, content, offset, place.size)
    except BadFile as bad:
        if bad.code == "not-dicom" and Path(place.member or place.path).name.upper() == "DICOMDIR":
            return None
        return Seen(place, header, bad)
    return Seen(place, header, None)
