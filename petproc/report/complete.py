"""The last word on a run: is every scan that was meant to be measured measured, or left out with a reason?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from petproc.core.measure import ORGAN
from petproc.core.metrics import METRICS
from petproc.core.tables import ScanRow, Status, UptakeRow

EXCLUDE = "set include to no and give a reason in config/scans.tsv"


@dataclass(frozen=True)
class CompleteRow:
    """One scan in one analysis, in `complete.tsv`."""

    participant: str
    session: str
    analysis: str
    status: Status
    n_region_measured: int
    n_region: int
    complete: bool
    reason: str | None
    remedy: str | None


def completeness(scans: Sequence[ScanRow], uptake: Mapping[str, Iterable[UptakeRow]]) -> tuple[list[CompleteRow], bool]:
    """A row per scan and analysis (`uptake` by name of the analysis), and whether all of them are complete.

    A scan is measured when at least one region has a ratio to the blood pool; regions that are refused are named, but
    do not hold up a study: a vessel may well lie outside the field of view.
    """
    rows = []
    for analysis, table in uptake.items():
        by_scan: dict[tuple[str, str], list[UptakeRow]] = {}
        for row in table:
            by_scan.setdefault((row.participant, row.session), []).append(row)
        rows += [
            _judged(scan, analysis, by_scan.get((scan.participant, scan.session), []))
            for scan in sorted(scans, key=lambda scan: (scan.participant, scan.session))
        ]
    return rows, all(row.complete for row in rows)


def ratios_of(uptake: Sequence[UptakeRow]) -> list[UptakeRow]:
    """Rows by which a scan is measured or not: ratios of vessels to blood; of organs where no vessel is asked for."""
    of_vessels = [row for row in uptake if row.metric in METRICS and METRICS[row.metric].needs_background]
    return of_vessels or [row for row in uptake if row.metric in ORGAN and ORGAN[row.metric].needs_background]


def _judged(scan: ScanRow, analysis: str, uptake: Sequence[UptakeRow]) -> CompleteRow:
    if scan.include != "yes":
        remedy = None if scan.reason else "Give the reason in config/scans.tsv."
        reason = scan.reason or "left out without a reason"
        return CompleteRow(
            scan.participant, scan.session, analysis, "excluded", 0, 0, bool(scan.reason), reason, remedy
        )
    ratios = ratios_of(uptake)
    regions = dict.fromkeys(row.region for row in ratios)
    measured = {row.region for row in ratios if row.value is not None}
    why: dict[str, dict[str, None]] = {}
    for row in ratios:
        if row.region not in measured:
            why.setdefault(row.reason or "", {})[row.region] = None
    done = bool(measured)
    words = " | ".join(f"{', '.join(places)}: {reason}" for reason, places in why.items())
    return CompleteRow(
        scan.participant,
        scan.session,
        analysis,
        status="measured" if done else "refused",
        n_region_measured=len(measured),
        n_region=len(regions),
        complete=done,
        reason=words or (None if done else "it is not in the uptake table"),
        remedy=None if done else f"Do what the reason says, or {EXCLUDE}.",
    )
