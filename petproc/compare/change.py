"""The stage: every metric of every region of every participant, follow-up minus baseline, or why there is none.

Both values are taken anew over the slices accepted at both visits, each with its own visit's blood pool, so they may
differ from those of the whole vessel in the uptake table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from petproc.compare.turn import WHOSE, InTurn
from petproc.core.errors import Finding
from petproc.core.measure import BLOOD_SUV_MEAN, ORGAN_COV, ORGAN_SUV_MEAN
from petproc.core.regions import ORGANS
from petproc.core.tables import ChangeRow, ScanRow, SliceRow, UptakeRow
from petproc.core.worksheet import Applied
from petproc.settings import CompareSettings, QuantifySettings

Scan = tuple[str, str]
"""Participant and session."""
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
    applied: Mapping[Scan, Applied] | None = None,
) -> Compared:
    """All participants of `scans` in order of their names; `quantify` made `slices` and `uptake`, in any order.

    `applied`, by participant and session, are the acquisitions with their worksheets, by which scanner, reconstruction
    and preparation of a pair are compared.
    """
    together = Compared([], [], {})
    in_order = (sorted(slices, key=WHOSE), sorted(uptake, key=WHOSE))
    for one in compare_each(*in_order, scans, settings=settings, quantify=quantify, applied=(applied or {}).get):
        together.change.extend(one.change)
        together.index.extend(one.index)
        together.findings.update(one.findings)
    return together


def compare_each(
    slices: Iterable[SliceRow],
    uptake: Iterable[UptakeRow],
    scans: Sequence[ScanRow],
    *,
    settings: CompareSettings,
    quantify: QuantifySettings,
    applied: Callable[[Scan], Applied | None],
) -> Iterator[Compared]:
    """The same, one participant after another, of rows that are sorted by participant: no others are in memory."""
    cuts, values = InTurn(slices), InTurn(uptake)
    sessions: dict[str, dict[str, ScanRow]] = {}
    for scan in scans:
        sessions.setdefault(scan.participant, {})[scan.session] = scan
    for participant in sorted(sessions):
        visits = visits_of(cuts.of(participant), values.of(participant))
        pair = pair_of(participant, sessions[participant], visits)
        yield _compared(pair, sessions[participant], settings, quantify, applied)


def _compared(
    pair: Pair,
    sessions: Mapping[str, ScanRow],
    settings: CompareSettings,
    quantify: QuantifySettings,
    applied: Callable[[Scan], Applied | None],
) -> Compared:
    vessels = [region for region in quantify.regions if region not in ORGANS]
    choice = choose_index(pair.participant, pair.baseline.uptake, settings)
    matched = {
        region: match(pair.baseline.slices.get(region, ()), pair.follow_up.slices.get(region, ())) for region in vessels
    }
    rows = blood_rows(pair, quantify.suv)
    for organ in quantify.regions:
        rows += organ_rows(pair, organ, quantify.suv) if organ in ORGANS else []
    findings = _findings(pair, matched, applied)
    findings[WHOLE_PAIR] += _whole_findings(rows, quantify)
    findings[WHOLE_PAIR] += [*index_findings(choice), *_other_sessions(sessions)]
    for region in vessels:
        rows += region_rows(pair, region, matched[region], quantify, lock_mds=settings.mds == "locked")
    rows = [_marked(row, choice, findings) for row in rows]
    change = [*index_rows(choice, rows, quantify), *all_vessels_rows(pair, rows, settings, quantify), *rows]
    return Compared(change, [choice], {pair.participant: [one for found in findings.values() for one in found]})


def _findings(
    pair: Pair, matched: Mapping[str, Matched], applied: Callable[[Scan], Applied | None]
) -> dict[str, list[Finding]]:
    """By region; under `WHOLE_PAIR` those that concern all of them."""
    found: dict[str, list[Finding]] = {WHOLE_PAIR: []}
    if pair.missing:
        return found
    before, after = (applied((pair.participant, session)) for session in (BASELINE, FOLLOWUP))
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
