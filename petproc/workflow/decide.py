"""Decisions about scans that the study has: checked before they enter the ledger, where nothing is taken back."""

from __future__ import annotations

from pathlib import Path

from petproc import layout
from petproc.audit import unblinding
from petproc.audit.decisions import Place
from petproc.audit.ledger import Entry
from petproc.core.errors import Refusal
from petproc.workflow.plan import Plan, read_scans, require_study


def unblind(study: Path, *, why: str, by: str | None = None, anyway: bool = False) -> Entry:
    """Record that the study is unblinded, with its analyses as they stand in its config now."""
    return unblinding.unblind(study, Plan.read(study).settings, why=why, by=by, anyway=anyway)


def place(study: Path, participant: str, session: str = "", region: str = "") -> Place:
    """Where a decision applies; refused as `scan-unknown` where the study lists no such scan."""
    require_study(study)
    scans = read_scans(study)
    if not any(row.participant == participant and session in ("", row.session) for row in scans):
        known = sorted({row.participant for row in scans})
        raise Refusal(
            "scan-unknown",
            f"{layout.SCANS} has no scan of participant {participant!r}"
            + (f", session {session!r}." if session else "."),
            f"Its participants: {', '.join(known)}.",
        )
    return Place(participant, session, region)
