"""A walk over the elements of a little-endian DICOM dataset, up to its pixels.

Takes a tenth of the time of a general reader because it converts nothing: a value is the bytes in the file. The walk
always moves forward, goes no deeper than `MAX_DEPTH` and believes no length beyond the end of the file. What it does
not understand it says (`Odd`), and pydicom reads that file instead.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAX_DEPTH = 16
"""Sequences inside sequences; real headers have four or five."""
MAX_VALUE_BYTES = 1 << 14
"""Longer values (private blobs, tables) are passed over: nothing that is read here is that long but the frames."""
FRAME_GROUPS = frozenset((0x52009229, 0x52009230, 0x00209170, 0x00209171))
"""Functional groups of enhanced images and the classic attributes inside them: kept however long."""
MAX_ELEMENTS = 10_000
"""Elements of one dataset or item; real headers have a few hundred."""
MAX_ITEMS = 100_000
"""Items of one sequence."""
UNDEFINED = 0xFFFFFFFF

PIXELS_FROM = 0x7FE00008
"""Nothing behind it is header: pixels of any kind, and what vendors keep behind them."""
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_TEXT = (b"AE", b"AS", b"CS", b"DA", b"DS", b"DT", b"IS", b"LO", b"LT", b"PN", b"SH", b"ST", b"TM", b"UI")
_SHORT = frozenset((*_TEXT, b"AT", b"FD", b"FL", b"SL", b"SS", b"UL", b"US"))
_TAG = struct.Struct("<HH").unpack_from
_HEAD = struct.Struct("<HH2sH").unpack_from
"""Group, element, kind and the length of a value of a short kind."""
_U32 = struct.Struct("<I").unpack_from


class Odd(Exception):
    """Not the plain structure that this walk understands."""


class Cut(Exception):
    """The bytes end inside an element."""


class TooMany(Exception):
    """More elements, items or sequences in one another than are believed."""


@dataclass(frozen=True)
class Elements:
    """Values by tag; a sequence is the bytes of its items. `stop` is where the walk ended."""

    values: dict[int, bytes]
    implicit: bool
    stop: int

    def ending(self, stop: int) -> Elements:
        """The same elements of a file in which they end elsewhere."""
        return Elements(self.values, self.implicit, stop)


def walk(content: bytes, start: int = 0, *, implicit: bool, only_group: int | None = None, depth: int = 0) -> Elements:
    """Elements from `start` to the pixels, the end of the item or of the bytes, or out of `only_group`."""
    values: dict[int, bytes] = {}
    here, end = start, len(content)
    for _ in range(MAX_ELEMENTS):
        if here + 8 > end:
            break
        group, element, kind, length = _HEAD(content, here)
        tag = group << 16 | element
        if tag >= PIXELS_FROM and (not depth or tag in (_ITEM_END, _SEQUENCE_END)):
            return Elements(values, implicit, here)
        if only_group is not None and group != only_group:
            return Elements(values, implicit, here)
        value = here + 8
        if implicit:
            (length,) = _U32(content, here + 4)
        elif kind not in _SHORT:
            if kind not in _LONG:
                raise Odd
            if here + 12 > end:
                raise Cut
            (length,), value = _U32(content, here + 8), here + 12
        if length == UNDEFINED:
            # what is inside a sequence of unknown kind (UN) is always implicit
            after = _sequence_end(content, value, implicit=implicit or kind == b"UN", depth=depth)
        else:
            after = value + length
        if after > end:
            raise Cut
        if after - value <= MAX_VALUE_BYTES or tag in FRAME_GROUPS:
            values[tag] = content[value:after]
        here = after
    else:
        raise TooMany
    if here != end:
        raise Cut
    return Elements(values, implicit, here)


def items(sequence: bytes, *, implicit: bool) -> Iterator[Elements]:
    """The items of a sequence's bytes."""
    here = 0
    for _ in range(MAX_ITEMS):
        if here + 8 > len(sequence):
            return
        group, element = _TAG(sequence, here)
        if (group << 16 | element) != _ITEM:
            return
        (length,) = _U32(sequence, here + 4)
        here += 8
        if length == UNDEFINED:
            item = walk(sequence, here, implicit=implicit, depth=1)
            here = item.stop + 8
        else:
            item = walk(sequence[here : here + length], implicit=implicit, depth=1)
            here += length
        yield item
    raise TooMany


def _sequence_end(content: bytes, here: int, *, implicit: bool, depth: int) -> int:
    """Where a sequence without a stated length ends, behind its delimiter."""
    if depth >= MAX_DEPTH:
        raise TooMany
    while here + 8 <= len(content):
        group, element = _TAG(content, here)
        (length,) = _U32(content, here + 4)
        tag = group << 16 | element
        here += 8
        if tag == _SEQUENCE_END:
            return here
        if tag != _ITEM:
            raise Odd
        if length == UNDEFINED:
            here = walk(content, here, implicit=implicit, depth=depth + 1).stop + 8
        else:
            here += length
    raise Cut
