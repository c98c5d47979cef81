"""The elements of one DICOM header by keyword, as delivered: nothing is converted until somebody asks for it.

Values are read straight from their bytes, so that a malformed element reads as None and never raises.
"""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from datetime import datetime, tzinfo
from functools import cache

from petproc.dicom.keywords import KEYWORDS
from petproc.dicom.moments import moment, zone_of
from petproc.dicom.walk import Cut, Elements, Odd, TooMany, items

WORDS_MAX = 64
"""Characters of a delivered text that may stand in a result; the longest that DICOM allows a line (VR LO)."""

_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}


@cache
def _entry(keyword: str) -> tuple[int, str | None]:
    """Tag, and the binary form of its values where they are not text."""
    tag, kind = KEYWORDS.get(keyword) or _by_pydicom(keyword)
    return tag, _BINARY.get(kind)


def _by_pydicom(keyword: str) -> tuple[int, str]:
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(f"{keyword} is not a DICOM keyword")
    return tag, dictionary_VR(tag)


def tag_of(keyword: str) -> int:
    return _entry(keyword)[0]


class Header:
    """A dataset, or an item of a sequence, without pixels."""

    def __init__(self, elements: Elements, transfer_syntax: str = "") -> None:
        self._elements = elements
        self._numbers: dict[str, tuple[float, ...] | None] = {}
        self.transfer_syntax = transfer_syntax
        self.irreversible = False
        """Whether the compressed pixels say of themselves that they do not give the original back."""
        self.places: list[list[slice]] = []
        """Where the compressed frames of the file lie, once somebody asked; its frames' headers share it."""

    def with_values(self, values: dict[int, bytes]) -> Header:
        """The header of a frame of this file."""
        frame = Header(replace(self._elements, values=values), self.transfer_syntax)
        frame.irreversible, frame.places = self.irreversible, self.places
        return frame

    @property
    def lossy(self) -> bool:
        """Whether the pixels were compressed at a loss, and so are no measurement: (0028,2110) or the pixels say so."""
        return self.irreversible or self.text("LossyImageCompression") == "01"

    @property
    def elements(self) -> Elements:
        """The values as they stand in the file."""
        return self._elements

    @property
    def stop(self) -> int:
        """Where the header ends in its file: at the pixels or at the end."""
        return self._elements.stop

    def texts(self, keyword: str) -> tuple[str, ...]:
        """The values of a text element without padding; none where it is absent or empty."""
        return self._texts(tag_of(keyword))

    def text(self, keyword: str) -> str | None:
        """The first value of a text element."""
        return next(iter(self.texts(keyword)), None)

    def words(self, keyword: str) -> str | None:
        """The first value as it may stand in a result: one line of printable characters, not longer than WORDS_MAX."""
        printable = "".join(one if one.isprintable() else " " for one in self.text(keyword) or "")
        return " ".join(printable.split())[:WORDS_MAX].strip() or None

    def numbers(self, keyword: str) -> tuple[float, ...] | None:
        """All values of a numeric element, binary or decimal text; None unless every one is a finite number."""
        if keyword not in self._numbers:
            self._numbers[keyword] = self._read_numbers(*_entry(keyword))
        return self._numbers[keyword]

    def _read_numbers(self, tag: int, form: str | None) -> tuple[float, ...] | None:
        if form is None:
            return _floats(self._texts(tag))
        raw = self._elements.values.get(tag, b"")
        size = struct.calcsize(form)
        if not raw or len(raw) % size:
            return None
        values = tuple(map(float, struct.unpack(f"<{len(raw) // size}{form}", raw)))
        return values if all(map(math.isfinite, values)) else None

    def number(self, keyword: str) -> float | None:
        values = self.numbers(keyword)
        return values[0] if values else None

    def integer(self, keyword: str) -> int | None:
        value = self.number(keyword)
        return None if value is None else int(value)

    def items(self, keyword: str) -> tuple[Header, ...]:
        """The items of a sequence; none where it is absent or unreadable."""
        raw = self._elements.values.get(tag_of(keyword), b"")
        for implicit in (self._elements.implicit, True):  # what is inside a sequence of unknown kind (UN) is implicit
            try:
                return tuple(map(Header, items(raw, implicit=implicit)))
            except (Cut, Odd, TooMany):
                continue
        return ()

    def private(self, group: int, creator: str, element: int) -> str | None:
        """Text of private element (group, xx`element`) in the block reserved by `creator`, wherever that block is."""
        for block in range(0x10, 0x100):
            owner = self._texts(group << 16 | block)
            if owner and owner[0] == creator:
                return next(iter(self._texts(group << 16 | block << 8 | element)), None)
        return None

    def orphan(self, group: int, element: int) -> str | None:
        """Text of (group, 10`element`) where no creator has reserved block 10."""
        if self._texts(group << 16 | 0x10):
            return None
        return next(iter(self._texts(group << 16 | 0x1000 | element)), None)

    @property
    def zone(self) -> tzinfo:
        return zone_of(self.text("TimezoneOffsetFromUTC"))

    def moment(self, name: str) -> datetime | None:
        """The instant of `<name>Date` and `<name>Time`, such as `Acquisition` or `Series`."""
        return moment(self.text(f"{name}Date"), self.text(f"{name}Time"), self.zone)

    def _texts(self, tag: int) -> tuple[str, ...]:
        raw = self._elements.values.get(tag)
        if not raw:
            return ()
        values = tuple(value.strip(" \0\r\n\t") for value in _decoded(raw).split("\\"))
        return values if any(values) else ()


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _floats(texts: tuple[str, ...]) -> tuple[float, ...] | None:
    try:
        values = tuple(map(float, texts))
    except ValueError:
        return None
    return values if values and all(map(math.isfinite, values)) else None
