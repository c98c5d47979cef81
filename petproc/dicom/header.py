"""The elements of one DICOM header by keyword, as delivered: nothing is converted until somebody asks for it.

Values are read straight from their bytes, so that a malformed element reads as None and never raises.
"""

from __future__ import annotations

import math
import struct
from datetime import datetime, tzinfo
from functools import cache
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

from petproc.dicom.moments import moment, zone_of

_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}


@cache
def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(f"{keyword} is not a DICOM keyword")
    return tag


class Header:
    """A dataset without its pixels."""

    def __init__(self, dataset: Dataset, transfer_syntax: str = "") -> None:
        self._dataset = dataset
        self.transfer_syntax = transfer_syntax

    def texts(self, keyword: str) -> tuple[str, ...]:
        """The values of a text element without padding; none where it is absent or empty."""
        return self._texts(_tag(keyword))

    def text(self, keyword: str) -> str | None:
        """The first value of a text element."""
        return next(iter(self.texts(keyword)), None)

    def numbers(self, keyword: str) -> tuple[float, ...] | None:
        """All values of a numeric element, binary or decimal text; None unless every one is a finite number."""
        tag = _tag(keyword)
        form = _BINARY.get(dictionary_VR(tag))
        raw = self._raw(tag)
        if form is None or not isinstance(raw, bytes):
            return _floats(self._texts(tag))
        size = struct.calcsize(form)
        if not raw or len(raw) % size:
            return None
        order = "<" if self._little_endian(tag) else ">"
        return tuple(map(float, struct.unpack(f"{order}{len(raw) // size}{form}", raw)))

    def number(self, keyword: str) -> float | None:
        values = self.numbers(keyword)
        return values[0] if values else None

    def integer(self, keyword: str) -> int | None:
        value = self.number(keyword)
        return None if value is None else int(value)

    def items(self, keyword: str) -> tuple[Header, ...]:
        """The items of a sequence; none where it is absent or unreadable."""
        try:
            element = self._dataset[_tag(keyword)]
            return tuple(Header(item) for item in element.value)
        except Exception:  # a sequence that pydicom cannot take apart is as good as absent
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

    def _raw(self, tag: int) -> Any:
        element = self._dataset.get_item(tag)
        return None if element is None else element.value

    def _little_endian(self, tag: int) -> bool:
        return bool(getattr(self._dataset.get_item(tag), "is_little_endian", True))

    def _texts(self, tag: int) -> tuple[str, ...]:
        raw = self._raw(tag)
        if raw is None:
            return ()
        text = _decoded(raw) if isinstance(raw, bytes) else str(raw)
        values = tuple(value.strip(" \0\r\n\t") for value in text.split("\\"))
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
