"""The tables of a study as the sections of its page."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from petproc.compare import ALL_VESSELS, INDEX_VESSEL
from petproc.core.errors import Finding
from petproc.core.measure import BLOOD_SUV_MEAN
from petproc.core.metrics import METRICS
from petproc.core.regions import ORGANS
from petproc.core.tables import ChangeRow, ScanRow, SliceRow, UptakeRow
from petproc.report.complete import ratios_of
from petproc.report.figures import SMALL, Pair, before_and_after, changes
from petproc.report.profile import along_vessel
from petproc.report.words import coded, words
from petproc.settings import Analysis, plain

NOT_DEFINED = "not-defined"
NOT_COMPARED = ("one-visit", "no-landmark", "too-few-slices")
"""Codes of what only a change can lack: the rest is said of the scan."""


@dataclass(frozen=True)
class Section:
    """Rows of one region and metric in order of participants, with figures of those measured at both visits."""

    region: str
    rows: Sequence[ChangeRow]
    slopes: Markup | None
    changes: Markup | None
    n: int
    mean_change: float | None
    sd_change: float | None
    mean_percent: float | None


def _section(region: str, metric: str, rows: Iterable[ChangeRow], *, small: bool) -> Section:
    own = [row for row in rows if row.region == region and row.metric == metric]
    measured = [row for row in own if row.change is not None]
    pairs = [Pair(row.participant, row.baseline or 0.0, row.follow_up or 0.0, row.percent_change) for row in measured]
    differences = [row.change for row in measured if row.change is not None]
    baseline = [pair.baseline for pair in pairs]
    mean = statistics.fmean(differences) if differences else None
    what = f"{words(metric)} of the {words(region)}"
    return Section(
        region,
        own,
        (before_and_after(pairs, what, SMALL) if small else before_and_after(pairs, what)) if pairs else None,
        changes(pairs, what) if any(pair.percent is not None for pair in pairs) and not small else None,
        len(pairs),
        mean,
        statistics.stdev(differences) if len(differences) > 1 else None,
        100.0 * mean / statistics.fmean(baseline) if mean is not None and any(baseline) else None,
    )


def index_vessel(change: Sequence[ChangeRow], metric: str) -> dict[str, Any]:
    """The section of the index vessel, the vessel of each participant, and all other metrics of it."""
    section = _section(INDEX_VESSEL, metric, change, small=False)
    own = [row for row in change if row.region == INDEX_VESSEL]
    return {
        "section": section,
        "vessel": {row.participant: _vessel(row) for row in section.rows},
        "why": {row.participant: _why(row) for row in section.rows},
        "participants": list(dict.fromkeys(row.participant for row in own)),
        "metrics": [name for name in METRICS if any(row.metric == name for row in own)],
        "by_metric": {(row.participant, row.metric): row for row in own},
    }


def profiles(change: Sequence[ChangeRow], slices: Sequence[SliceRow], metric: str) -> list[tuple[str, str, Markup]]:
    """TBRmax along the index vessel of every participant that has one: participant, vessel, figure."""
    by_place: dict[tuple[str, str], dict[str, list[SliceRow]]] = {}
    for cut in slices:
        if cut.tbr_max is not None and cut.arc_mm is not None:
            by_place.setdefault((cut.participant, cut.region), {}).setdefault(cut.session, []).append(cut)
    drawn = []
    for row in change:
        vessel = _vessel(row) if row.region == INDEX_VESSEL and row.metric == metric else None
        visits = by_place.get((row.participant, vessel or ""))
        if vessel and visits:
            direction = "flat" if not row.change else "fall" if row.change < 0 else "rise"
            drawn.append((row.participant, vessel, along_vessel(visits, direction, f"TBRmax of {row.participant}")))
    return drawn


def _vessel(row: ChangeRow) -> str | None:
    """The index vessel stands first in the reason of its rows; without a choice there is none."""
    return None if row.status == "incomplete_candidates" else (row.reason or "").split(":")[0]


def _why(row: ChangeRow) -> str | None:
    """Why there is no number, without the vessel's name."""
    if row.change is not None:
        return None
    return row.reason if row.status == "incomplete_candidates" else (row.reason or "").partition(": ")[2]


def regions(change: Sequence[ChangeRow], metric: str, names: Sequence[str]) -> list[Section]:
    """Of every vessel among `names`, and of the mean over all of them where the change table has it."""
    vessels = [name for name in names if name not in ORGANS]
    if any(row.region == ALL_VESSELS for row in change):
        vessels.append(ALL_VESSELS)
    return [_section(name, metric, change, small=True) for name in vessels]


def blood(change: Sequence[ChangeRow]) -> list[Section]:
    pools = sorted({row.region for row in change if row.metric == BLOOD_SUV_MEAN})
    return [_section(region, BLOOD_SUV_MEAN, change, small=True) for region in pools]


def scans_of(scans: Sequence[ScanRow], uptake: Sequence[UptakeRow]) -> dict[str, Any]:
    """How many scans were measured (as `complete.tsv` has it), refused and left out."""
    measured = {(row.participant, row.session) for row in ratios_of(uptake) if row.value is not None}
    included = [scan for scan in scans if scan.include == "yes"]
    done = sum((scan.participant, scan.session) in measured for scan in included)
    return {
        "participants": len({scan.participant for scan in scans}),
        "measured": done,
        "refused": len(included) - done,
        "excluded": len(scans) - len(included),
    }


def unmeasured(uptake: Sequence[UptakeRow], change: Sequence[ChangeRow]) -> list[dict[str, str]]:
    """What was not measured and why: one entry for all that share a scan and a reason."""
    found: dict[tuple[str, str, str], list[str]] = {}
    whole = Counter((row.participant, row.session) for row in uptake)
    for row in uptake:
        reason = f"left-out: {row.reason}" if row.status == "excluded" else row.reason or ""
        if row.value is None and coded(reason)[0] != NOT_DEFINED:
            found.setdefault((row.participant, row.session, reason), []).append(row.region)
    entries = []
    for (participant, session, reason), places in found.items():
        everywhere = len(places) == whole[participant, session]
        where = "the whole scan" if everywhere else ", ".join(words(place) for place in dict.fromkeys(places))
        entries.append(_entry(participant, session, where, reason))
    pairs: dict[tuple[str, str], list[str]] = {}
    for line in change:
        if line.status == "refused" and coded(line.reason)[0] in NOT_COMPARED:
            pairs.setdefault((line.participant, line.reason or ""), []).append(line.region)
    for (participant, reason), places in pairs.items():
        entries.append(
            _entry(participant, "change", ", ".join(words(place) for place in dict.fromkeys(places)), reason)
        )
    return sorted(entries, key=lambda entry: (entry["participant"], entry["session"]))


def _entry(participant: str, session: str, where: str, reason: str) -> dict[str, str]:
    code, text = coded(reason)
    return {"participant": participant, "session": session, "where": where, "code": code, "text": text}


def noticed(findings: Mapping[str, Sequence[Finding]]) -> list[tuple[Finding, list[str]]]:
    """Every finding once, with the scans and participants that it concerns; warnings first."""
    found: dict[Finding, list[str]] = {}
    for name in sorted(findings):
        for finding in findings[name]:
            found.setdefault(finding, []).append(name)
    entries = [(finding, list(dict.fromkeys(names))) for finding, names in found.items()]
    return sorted(entries, key=lambda entry: (entry[0].severity != "warning", entry[0].code, entry[1]))


def settings_of(analysis: Analysis) -> list[tuple[str, str]]:
    """Every setting by its dotted name, as in the config."""
    return list(_flat("", plain(analysis)))


def _flat(prefix: str, value: Any) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else name, inner)
    elif isinstance(value, list):
        yield prefix, ", ".join(map(_said, value))
    else:
        yield prefix, "by region" if value is None and prefix.endswith("background.region") else _said(value)


def _said(value: Any) -> str:
    return "none" if value is None else str(value)
