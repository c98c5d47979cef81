"""The stage: every metric of every region of every participant, follow-up minus baseline, or why there is none.

Both values are taken anew over the slices accepted at both visits, each with its own visit's blood pool, so they may
differ from those of the whole vessel in the uptake table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from petproc.compare.all_vessels import all_vessels_rows
from petproc.compare.findings import (
    blood_findings,
    liver_findings,
    preparation_findings,
    region_findings,
    scanner_findings,
)
from petproc.compare.index import IndexChoice, choose_index, index_findings
from petproc.compare.match import Matched, match
from petproc.compare.pair import (
    BASELINE,
    FOLLOWUP,
    Pair,
    blood_rows,
    index_rows,
    organ_rows,
    pair_of,
    region_rows,
    visits_of,
)
from petproc.core.errors import Finding
from petproc.core.measure import BLOOD_SUV_MEAN, ORGAN_COV, ORGAN_SUV_MEAN
from petproc.core.regions import ORGANS
from petproc.core.tables import ChangeRow, ScanRow, SliceRow, UptakeRow
from petproc.core.worksheet import Applied
from petproc.settings import CompareSettings, QuantifySettings

WHOLE_PAIR = ""
LIVER = "liver"


@dataclass(frozen=True)
class Compared:
    """Rows of `change.tsv`; the index vessel of every participant; what was noticed, by participant."""

    change: list[ChangeRow]
    index: list[IndexChoice]
    findings: dict[str, list[Finding]]


def compare_study(
    slices: Iterable[SliceRow],
    uptake: Iterable[UptakeRow],
    scans: Sequence[ScanRow],
    *,
    settings: CompareSettings,
    quantify: QuantifySettings,
    applied: Mapping[tuple[str, str], Applied] | None = None,
) -> Compared:
    """All participants of `scans` in order of their names; `quantify` made `slices` and `uptake`.

    `applied`, by participant and session, are the acquisitions with their worksheets, by which scanner, reconstruction
    and preparation of a pair are compared.
    """
    visits = visits_of(slices, uptake)
    vessels = [region for region in quantify.regions if region not in ORGANS]
    compared = Compared([], [], {})
    for participant in sorted({scan.participant for scan in scans}):
        sessions = {scan.session: scan for scan in scans if scan.participant == participant}
        pair = pair_of(participant, sessions, visits)
        choice = choose_index(participant, pair.baseline.uptake, settings)
        matched = {
            region: match(pair.baseline.slices.get(region, ()), pair.follow_up.slices.get(region, ()))
            for region in vessels
        }
        rows = blood_rows(pair, quantify.suv)
        for organ in quantify.regions:
            rows += organ_rows(pair, organ, quantify.suv) if organ in ORGANS else []
        findings = _findings(pair, matched, applied or {})
        findings[WHOLE_PAIR] += _whole_findings(rows, quantify)
        findings[WHOLE_PAIR] += [*index_findings(choice), *_other_sessions(sessions)]
        for region in vessels:
            rows += region_rows(pair, region, matched[region], quantify, lock_mds=settings.mds == "locked")
        rows = [_marked(row, choice, findings) for row in rows]
        compared.change.extend([*index_rows(choice, rows, quantify), *all_vessels_rows(pair, rows, settings, quantify)])
        compared.change.extend(rows)
        compared.index.append(choice)
        compared.findings[participant] = [finding for found in findings.values() for finding in found]
    return compared


def _findings(
    pair: Pair, matched: Mapping[str, Matched], applied: Mapping[tuple[str, str], Applied]
) -> dict[str, list[Finding]]:
    """By region; under `WHOLE_PAIR` those that concern all of them."""
    found: dict[str, list[Finding]] = {WHOLE_PAIR: []}
    if pair.missing:
        return found
    before, after = (applied.get((pair.participant, session)) for session in (BASELINE, FOLLOWUP))
    if before and after:
        found[WHOLE_PAIR] += scanner_findings(before.acquisition, after.acquisition)
        found[WHOLE_PAIR] += preparation_findings(before, after)
    for region, slices in matched.items():
        if slices.baseline and slices.follow_up:
            found[region] = region_findings(region, slices)
    return found


def _whole_findings(rows: Sequence[ChangeRow], settings: QuantifySettings) -> list[Finding]:
    """Of blood pools and of the liver, whose limits are those of SUV by body weight."""
    by_metric = {row.metric: (row.baseline, row.follow_up) for row in rows if row.region == LIVER}
    none = (None, None)
    liver = by_metric.get(ORGAN_SUV_MEAN, none) if settings.is_suv_bw else none
    blood = [
        finding
        for row in rows
        if row.metric == BLOOD_SUV_MEAN
        for finding in blood_findings(row.region, row.baseline, row.follow_up)
    ]
    return [*blood, *liver_findings(liver, by_metric.get(ORGAN_COV, none))]


def _other_sessions(sessions: Mapping[str, ScanRow]) -> list[Finding]:
    others = sorted(set(sessions) - {BASELINE, FOLLOWUP})
    if not others:
        return []
    return [Finding("session-not-compared", f"Only baseline and followup are compared, not {', '.join(others)}.")]


def _marked(row: ChangeRow, choice: IndexChoice, findings: Mapping[str, list[Finding]]) -> ChangeRow:
    codes = dict.fromkeys(finding.code for scope in (WHOLE_PAIR, row.region) for finding in findings.get(scope, ()))
    return replace(row, index_vessel=row.region == choice.region, findings=";".join(codes) or None)
