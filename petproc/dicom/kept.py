"""The headers of one series held together: what its images share once, and of each image only what is its own.

A PET of 300 slices repeats a hundred values in every header. Held whole, the headers of a trial would not fit into
memory; held like this they cost about a kilobyte per image and can be given back as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from petproc.dicom.header import Header, tag_of
from petproc.dicom.walk import Elements

LONG_BYTES = 1024
"""Longer values (private tables) are not kept; the injection is, whatever its length."""
_ALWAYS = frozenset(map(tag_of, ("RadiopharmaceuticalInformationSequence", "RealWorldValueMappingSequence")))


class Kept(NamedTuple):
    """How one header differs from the first of its series."""

    changed: dict[int, bytes]
    absent: tuple[int, ...]
    implicit: bool
    transfer_syntax: str


@dataclass
class KeptHeaders:
    """`keep` takes a header in, `header` gives it back without its long values."""

    _shared: dict[int, bytes] | None = None

    def keep(self, header: Header, *, only: frozenset[int] | None = None) -> Kept:
        """`only` are the tags that are wanted, all but the long ones where it is not given."""
        values = {
            tag: value
            for tag, value in header.elements.values.items()
            if (len(value) <= LONG_BYTES or tag in _ALWAYS) and (only is None or tag in only)
        }
        if self._shared is None:
            self._shared = values
        shared = self._shared
        changed = {tag: value for tag, value in values.items() if shared.get(tag) != value}
        absent = tuple(tag for tag in shared if tag not in values)
        return Kept(changed, absent, header.elements.implicit, header.transfer_syntax)

    def header(self, kept: Kept) -> Header:
        values = {**(self._shared or {}), **kept.changed}
        for tag in kept.absent:
            del values[tag]
        return Header(Elements(values, kept.implicit, 0), kept.transfer_syntax)
