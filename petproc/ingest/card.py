"""The derivation card of a PET series, whether or not it can be measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from petproc.core.errors import Refusal
from petproc.dicom.header import Header
from petproc.ingest.body import body
from petproc.ingest.card_entries import candidate_entries, refused_card
from petproc.ingest.clock import read_clock
from petproc.ingest.derivation import derive, injected_until
from petproc.ingest.dose import injection
from petproc.ingest.lookup import pet_headers
from petproc.ingest.one_time import all_candidates
from petproc.ingest.units import read_pixels


def card(headers: Sequence[Header], *, tracer: str = "") -> dict[str, Any]:
    """The card of a PET whose slice k has `headers[k]`; never a `Refusal`: that is its status.

    Without a `tracer` the nuclide is not checked against one.
    """
    try:
        return dict(derive(headers, tracer=tracer).card)
    except Refusal as refusal:
        return refused_card(headers, refusal, _candidates(headers))


def series_card(path: Path, series: str | None = None) -> dict[str, Any]:
    """The card of the PET series in a file, folder or archive; one that cannot be found is a refused card, too."""
    try:
        headers = pet_headers(path, series)
    except Refusal as refusal:
        return refused_card((), refusal, ())
    return card(headers)


def _candidates(headers: Sequence[Header]) -> list[dict[str, Any]]:
    """The reference times that a refused PET in activity could have, with the SUV factor of each."""
    try:
        pixels, clock = read_pixels(headers), read_clock(headers)
        given = injection(headers[0], injected_until(headers[0], clock))
    except Refusal:
        return []
    factor = pixels.activity_factor if pixels.suv_type else pixels.factor
    if factor is None:
        return []
    return candidate_entries(all_candidates(clock, given.half_life_s), factor, given, body(headers[0]))
