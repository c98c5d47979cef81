"""Rows of `vessels.tsv`: how the segmentation of every region of an analysis is judged, by which backend, and why.

A region is `accepted`, even where some of its stations are not (the reason then says how many mm are), sent to
review with every reason, or `absent`: not in view, not segmented, or the scan was refused.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Refusal
from petproc.core.regions import ORGANS
from petproc.core.tables import VesselRow, VesselStatus
from petproc.quantify.rows import words
from petproc.quantify.scan import Scan, Scans, step_mm

ABSENT = ("absent", "outside-pet")
"""Codes of the gate's refusals of what a reader could not correct by looking at it."""


def vessel_rows(
    key: tuple[str, str], regions: Sequence[str], scans: Scans, organs: Mapping[str, str | None]
) -> list[VesselRow]:
    """A row for each of `regions`; `organs` says why an organ was not measured, None where it was."""
    return [_row((*key, region, scans.tables_of(region).backend), scans, organs) for region in regions]


def _row(key: tuple[str, str, str, str], scans: Scans, organs: Mapping[str, str | None]) -> VesselRow:
    region = key[2]
    try:
        scan = scans.of(region)
    except Refusal as refusal:
        return _without_stations(key, "absent", words(refusal))
    if region in ORGANS:
        reason = organs.get(region)
        return _without_stations(key, _status(reason), reason)
    own = scan.stations["region"] == region
    refused = scan.gate.refused.get(region)
    if not own.any():
        return _without_stations(key, "absent", refused or f"absent: the segmentation has no {region}.")
    step = step_mm(region, scan)
    rejected, accepted = _rejected(scan, own, step), float((own & scan.gate.accepted).sum()) * step
    length = float(own.sum()) * step
    if refused is None and not (own & scan.gate.accepted).any():
        refused = "needs-review: none of its stations is accepted."
    status = _status(refused)
    reason = refused
    if status == "accepted" and rejected:
        reason = f"partly-accepted: {accepted:.0f} of {length:.0f} mm ({rejected} mm)."
    elif status == "needs_review" and rejected:
        reason = f"{refused} Of {length:.0f} mm not accepted by themselves: {rejected} mm."
    return VesselRow(
        *key,
        status=status,
        reason=reason,
        length_mm=length,
        accepted_mm=accepted if status == "accepted" else 0.0,
        radius_mm=_median(scan.stations["radius_mm"][own]),
        ring_score=_median(scan.stations["ring_score"][own]),
        visible_fraction=_median(scan.stations["visible_fraction"][own]),
    )


def _status(reason: str | None) -> VesselStatus:
    if reason is None:
        return "accepted"
    return "absent" if reason.split(":")[0] in ABSENT else "needs_review"


def _rejected(scan: Scan, own: NDArray[np.bool_], step: float) -> str:
    """`wall-not-visible 12, outside-pet 4`: mm by reason, the most first."""
    reasons = scan.gate.reasons[own & ~scan.gate.accepted]
    names, counts = np.unique(reasons, return_counts=True)
    in_order = sorted(zip(names.tolist(), counts.tolist(), strict=True), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{name} {count * step:.0f}" for name, count in in_order)


def _median(scores: NDArray[Any]) -> float | None:
    known = scores[~np.isnan(scores)].tolist()
    return statistics.median(known) if known else None  # for so few numbers ten times as fast as numpy's


def _without_stations(key: tuple[str, str, str, str], status: VesselStatus, reason: str | None) -> VesselRow:
    return VesselRow(
        *key,
        status=status,
        reason=reason,
        length_mm=None,
        accepted_mm=None,
        radius_mm=None,
        ring_score=None,
        visible_fraction=None,
    )
