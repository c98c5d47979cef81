"""What readers decided, as it stands: the ledger's decisions folded, the later over the earlier.

A verdict is about a region of a scan, or of a participant at all visits: released (measured although the gate would
send it to review), rejected (not measured although the gate accepts it), or a range of arc left out at both visits. A
decision that is withdrawn stays in the ledger and has no effect any more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from petproc.audit.ledger import Entry, Event, append, read, who
from petproc.core.errors import Refusal
from petproc.core.regions import REGIONS
from petproc.core.tables import Verdict

Code = Literal[
    "node", "oesophagus", "brown-fat", "muscle", "thymus", "stent", "graft", "motion", "segmentation", "other"
]
ARC_MM = (-600.0, 900.0)
"""No vessel that is measured reaches further from its landmark."""


@dataclass(frozen=True)
class Exclusion:
    """A scan that is left out, with its reason."""

    participant: str
    session: str
    why: str
    who: str
    entry: int


@dataclass(frozen=True)
class Override:
    """A finding (by its code) of a scan that somebody has looked at and lets stand."""

    participant: str
    session: str
    finding: str
    why: str
    who: str
    entry: int


@dataclass(frozen=True)
class Edit:
    """Masks that a person changed: `mask` in the study, by its SHA-256, stands for what `backend` made of the scan.

    `bifurcations` are the places (RAS+ mm, by carotid) from which the arc length of the masks before counted.
    """

    participant: str
    session: str
    backend: str
    mask: str
    sha256: str
    bifurcations: Mapping[str, Sequence[float]]
    why: str
    who: str
    entry: int


@dataclass(frozen=True)
class Decisions:
    """All that holds now, in the order of the ledger."""

    verdicts: tuple[Verdict, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    overrides: tuple[Override, ...] = ()
    edits: tuple[Edit, ...] = ()
    """of a scan and backend the last"""


@dataclass(frozen=True)
class Place:
    """What a decision is about; an empty session means all visits of the participant."""

    participant: str
    session: str = ""
    region: str = ""

    def subject(self) -> dict[str, str]:
        named = {"participant": self.participant, "session": self.session, "region": self.region}
        return {name: value for name, value in named.items() if value}


def decisions(entries: Sequence[Entry]) -> Decisions:
    """What the ledger says holds: not withdrawn, and of release and rejection of the same place the last."""
    withdrawn = {int(entry.after["withdrawn"]) for entry in entries if _withdraws(entry)}
    kept = [entry for entry in entries if entry.entry not in withdrawn and not _withdraws(entry)]
    verdicts = [_verdict(entry) for entry in kept if entry.what == "verdict"]
    last = {(one.participant, one.session, one.region): one.entry for one in verdicts if one.from_mm is None}
    standing = [
        one
        for one in verdicts
        if one.from_mm is not None or last[one.participant, one.session, one.region] == one.entry
    ]
    return Decisions(
        tuple(standing),
        tuple(Exclusion(*_scan(entry), entry.why, entry.who, entry.entry) for entry in kept if _is(entry, "exclusion")),
        tuple(
            Override(*_scan(entry), entry.after["finding"], entry.why, entry.who, entry.entry)
            for entry in kept
            if _is(entry, "override")
        ),
        _last_edits(kept),
    )


def without_names(made: Decisions, participants: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Verdicts, overrides and edits about `participants` as plain values by kind; who decided stands in the ledger."""
    shown: dict[str, Sequence[Any]] = {"verdicts": made.verdicts, "overrides": made.overrides, "edits": made.edits}
    return {
        kind: [{**asdict(one), "who": ""} for one in entries if one.participant in participants]
        for kind, entries in shown.items()
    }


def release(study: Path, place: Place, *, why: str, by: str | None = None) -> Entry:
    """Let a region be measured that the gate sends to review."""
    return _judge(study, place, {"judgement": "released"}, why, by)


def reject(study: Path, place: Place, *, code: str, why: str, by: str | None = None) -> Entry:
    """Let a region not be measured, whatever the gate says."""
    return _judge(study, place, {"judgement": "rejected", "code": _code(code)}, why, by)


def exclude_arc(
    study: Path, place: Place, span_mm: tuple[float, float], *, code: str, why: str, by: str | None = None
) -> Entry:
    """Leave a range of arc length of a vessel out, at both visits."""
    start, stop = span_mm
    if not ARC_MM[0] <= start < stop <= ARC_MM[1]:
        raise Refusal(
            "arc-range-invalid",
            f"{start:g} to {stop:g} mm is no range of arc length along a vessel.",
            f"Give the smaller end first, both between {ARC_MM[0]:g} and {ARC_MM[1]:g} mm from the landmark.",
        )
    if place.session:
        raise Refusal(
            "arc-range-one-visit",
            "A range of arc is left out at both visits: a change over other places than before is none.",
            "Give the participant without a session.",
        )
    after = {"judgement": "arc-excluded", "code": _code(code), "from_mm": start, "to_mm": stop}
    return _judge(study, place, after, why, by)


def exclude_scan(study: Path, place: Place, *, why: str, by: str | None = None) -> Entry:
    """Leave a scan out; its row says why."""
    event = Event("exclusion", who(by), why, place.subject(), before="included", after="excluded")
    return append(study, event)


def override(study: Path, place: Place, finding: str, *, why: str, by: str | None = None) -> Entry:
    """Let a finding stand that somebody has looked at."""
    event = Event("override", who(by), why, place.subject(), before="open", after={"finding": finding})
    return append(study, event)


def withdraw(study: Path, entry: int, *, why: str, by: str | None = None) -> Entry:
    """Take the effect from an earlier decision; refused where there is none of that number (`decision-unknown`)."""
    entries = read(study)
    withdrawn = {int(one.after["withdrawn"]) for one in entries if _withdraws(one)}
    known = {one.entry: one for one in entries if one.what in ("verdict", "exclusion", "override", "edit")}
    if entry not in known or entry in withdrawn or _withdraws(known[entry]):
        raise Refusal(
            "decision-unknown",
            f"The ledger has no decision in force with the number {entry}.",
            "petproc verdict list STUDY shows those that there are.",
        )
    one = known[entry]
    event = Event(one.what, who(by), why, one.subject, before=one.after, after={"withdrawn": entry})
    return append(study, event)


def _judge(study: Path, place: Place, after: dict[str, object], why: str, by: str | None) -> Entry:
    if place.region not in REGIONS:
        raise Refusal("region-unknown", f"{place.region!r} is no region.", f"Known are: {', '.join(REGIONS)}.")
    before = [
        one.judgement
        for one in decisions(read(study)).verdicts
        if (one.participant, one.session, one.region) == (place.participant, place.session, place.region)
    ]
    return append(study, Event("verdict", who(by), why, place.subject(), before=before or None, after=after))


def _code(code: str) -> str:
    if code not in get_args(Code):
        raise Refusal("reason-code-unknown", f"{code!r} is no reason code.", f"Known are: {', '.join(get_args(Code))}.")
    return code


def _is(entry: Entry, what: str) -> bool:
    return entry.what == what


def _withdraws(entry: Entry) -> bool:
    return isinstance(entry.after, dict) and "withdrawn" in entry.after


def _scan(entry: Entry) -> tuple[str, str]:
    return entry.subject["participant"], entry.subject.get("session", "")


def _last_edits(kept: Sequence[Entry]) -> tuple[Edit, ...]:
    last = {(*_scan(entry), entry.subject["backend"]): entry for entry in kept if _is(entry, "edit")}
    return tuple(
        Edit(
            *key,
            entry.after["mask"],
            entry.after["sha256"],
            entry.after["bifurcations"],
            entry.why,
            entry.who,
            entry.entry,
        )
        for key, entry in last.items()
    )


def _verdict(entry: Entry) -> Verdict:
    after = entry.after
    return Verdict(
        *_scan(entry),
        entry.subject["region"],
        after["judgement"],
        after.get("code", ""),
        after.get("from_mm"),
        after.get("to_mm"),
        entry.why,
        entry.who,
        entry.entry,
    )
