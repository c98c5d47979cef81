"""How the segmentation of every vessel was judged, as sections of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from petproc.core.tables import VesselRow
from petproc.report.words import coded


@dataclass(frozen=True)
class Judged:
    """How many vessels have each status; `partly` of the accepted have stations that are not."""

    accepted: int
    partly: int
    needs_review: int
    absent: int

    @property
    def total(self) -> int:
        return self.accepted + self.needs_review + self.absent


@dataclass(frozen=True)
class ToLookAt:
    """Vessels of a scan and backend that share a status and a reason."""

    participant: str
    session: str
    regions: Sequence[str]
    backend: str
    status: str
    code: str
    text: str


def judged(vessels: Sequence[VesselRow]) -> Judged:
    counts = Counter(row.status for row in vessels)
    partly = sum(row.status == "accepted" and row.reason is not None for row in vessels)
    return Judged(counts["accepted"], partly, counts["needs_review"], counts["absent"])


def by_region(vessels: Sequence[VesselRow]) -> list[tuple[str, str, Judged]]:
    """Region, backend and counts, in the order of the table."""
    places = dict.fromkeys((row.region, row.backend) for row in vessels)
    return [(*place, judged([row for row in vessels if (row.region, row.backend) == place])) for place in places]


def to_look_at(vessels: Sequence[VesselRow]) -> list[tuple[str, list[ToLookAt]]]:
    """All that are not accepted over their whole length under two headings, those that need review first."""
    found: dict[tuple[str, str, str, str, str], list[str]] = {}
    for row in vessels:
        if row.reason is not None:
            key = (row.participant, row.session, row.backend, row.status, row.reason)
            found.setdefault(key, []).append(row.region)
    entries = [
        ToLookAt(participant, session, regions, backend, status, *coded(reason))
        for (participant, session, backend, status, reason), regions in found.items()
    ]
    entries.sort(key=lambda entry: (entry.status != "needs_review", entry.participant, entry.session))
    return [
        ("Those that need review or are absent, and why", [one for one in entries if one.status != "accepted"]),
        ("Those accepted in part", [one for one in entries if one.status == "accepted"]),
    ]
