"""The two visits of a participant, and the rows of the change table that they give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from petproc.compare.active import chosen_slices
from petproc.compare.index import INDEX_VESSEL, IndexChoice
from petproc.compare.match import Matched
from petproc.core.measure import BLOOD_SUV_MEAN, ORGAN, SUV_UNIT, measure, unit_by
from petproc.core.metrics import METRICS
from petproc.core.tables import ChangeRow, ScanRow, SliceRow, Status, UptakeRow
from petproc.settings import QuantifySettings

BASELINE, FOLLOWUP = "baseline", "followup"
MEAN_MAX = "mean_tbr_max"
"""What a metric whose slices the baseline chooses is at either visit."""


@dataclass(frozen=True)
class Visit:
    """Slices by region and uptake by (region, metric) of one scan."""

    slices: dict[str, list[SliceRow]] = field(default_factory=dict)
    uptake: dict[tuple[str, str], UptakeRow] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """A participant's visits; `missing` is the status of all rows, and why, where there is nothing to compare."""

    participant: str
    baseline: Visit
    follow_up: Visit
    missing: tuple[Status, str] | None

    @property
    def visits(self) -> dict[str, Visit]:
        return {BASELINE: self.baseline, FOLLOWUP: self.follow_up}


def visits_of(slices: Iterable[SliceRow], uptake: Iterable[UptakeRow]) -> dict[tuple[str, str], Visit]:
    """Tables of a study sorted into visits by participant and session."""
    visits: dict[tuple[str, str], Visit] = {}
    for cut in slices:
        visits.setdefault((cut.participant, cut.session), Visit()).slices.setdefault(cut.region, []).append(cut)
    for row in uptake:
        visits.setdefault((row.participant, row.session), Visit()).uptake[row.region, row.metric] = row
    return visits


def pair_of(participant: str, scans: Mapping[str, ScanRow], visits: Mapping[tuple[str, str], Visit]) -> Pair:
    """`scans` are the participant's by session; one left out by a person is not looked at."""
    missing: tuple[Status, str] | None = None
    found: list[Visit] = []
    for session in (BASELINE, FOLLOWUP):
        scan = scans.get(session)
        included = scan is not None and scan.include == "yes"
        found.append(visits.get((participant, session), Visit()) if included else Visit())
        if scan is None:
            missing = missing or ("refused", f"one-visit: no {session}")
        elif not included:
            missing = ("excluded", f"{session}: {scan.reason or 'no reason given'}")
    return Pair(participant, found[0], found[1], missing)


def blood_rows(pair: Pair, suv: str) -> list[ChangeRow]:
    """Change of every blood pool's mean SUV by `suv`: an outcome of its own, since every TBR is divided by it."""
    regions = {region for visit in pair.visits.values() for region, metric in visit.uptake if metric == BLOOD_SUV_MEAN}
    unit = unit_by(suv, SUV_UNIT)
    return [_whole_row(pair, empty_row(pair.participant, region, BLOOD_SUV_MEAN, unit)) for region in sorted(regions)]


def organ_rows(pair: Pair, organ: str, suv: str) -> list[ChangeRow]:
    """Change of every quantity of an organ, each visit as it was measured: there is nothing to match."""
    return [
        _whole_row(pair, empty_row(pair.participant, organ, quantity.name, unit_by(suv, quantity.unit)))
        for quantity in ORGAN.values()
    ]


def _whole_row(pair: Pair, row: ChangeRow) -> ChangeRow:
    """`row` with the values that the uptake tables of both visits have."""
    if refused := pair.missing or _refused_at(pair, row.region, row.metric):
        return replace(row, status=refused[0], reason=refused[1])
    before, after = (visit.uptake[row.region, row.metric].value for visit in pair.visits.values())
    return changed_row(row, before, after)


def region_rows(
    pair: Pair, region: str, matched: Matched, settings: QuantifySettings, *, lock_mds: bool = False
) -> list[ChangeRow]:
    """A row for every metric, over the slices matched; some over the places that the baseline chooses."""
    both = _at_visits(pair, region, (matched.baseline, matched.follow_up), settings)
    chosen = chosen_slices(pair.baseline.slices.get(region, ()), matched, settings, lock_mds=lock_mds)
    of_chosen = {name: _at_visits(pair, region, one[:2], settings) for name, one in chosen.items()}
    unmatched = _no_landmark(pair, region) or _too_few(matched, settings.slices_min)
    rows = []
    for metric in settings.metrics.values():
        row = empty_row(pair.participant, region, metric.name, unit_by(settings.suv, metric.unit))
        # A visit without an active slice of its own is refused in the uptake table and may have a value here.
        values, name = (of_chosen[metric.name], MEAN_MAX) if metric.name in chosen else (both, metric.name)
        if refused := pair.missing or _refused_at(pair, region, name) or unmatched:
            rows.append(replace(row, status=refused[0], reason=refused[1]))
            continue
        row = replace(row, matched_mm=matched.matched_mm, unmatched_mm=matched.unmatched_mm)
        if metric.name in chosen and (reason := chosen[metric.name].reason):
            rows.append(replace(row, reason=reason))
        else:
            rows.append(changed_row(row, values[0].get(name), values[1].get(name)))
    return rows


def index_rows(choice: IndexChoice, rows: Sequence[ChangeRow], settings: QuantifySettings) -> list[ChangeRow]:
    """The index vessel's rows once more, under `index_vessel`; without a choice, rows that say why there is none."""
    if choice.region is None:
        return [
            replace(
                empty_row(choice.participant, INDEX_VESSEL, metric.name, unit_by(settings.suv, metric.unit)),
                index_vessel=True,
                status=choice.status,
                reason=choice.reason,
            )
            for metric in settings.metrics.values()
        ]
    return [
        replace(row, region=INDEX_VESSEL, reason=": ".join(filter(None, (row.region, row.reason))))
        for row in rows
        if row.region == choice.region and row.metric in METRICS
    ]


def _at_visits(
    pair: Pair, region: str, slices: tuple[Sequence[SliceRow], Sequence[SliceRow]], settings: QuantifySettings
) -> list[dict[str, float | None]]:
    return [
        _values(pair, region, visit, own, settings) for visit, own in zip(pair.visits.values(), slices, strict=True)
    ]


def _values(
    pair: Pair, region: str, visit: Visit, slices: Sequence[SliceRow], settings: QuantifySettings
) -> dict[str, float | None]:
    if pair.missing or not slices:
        return {}
    # A region that is a blood pool too has a row whose background is the second site: it divides nothing.
    rows = (visit.uptake.get((region, name)) for name in METRICS)
    suv = next((row.background_suv for row in rows if row and row.background_suv), None)
    return measure(slices, suv, active_tbr=settings.active_tbr, segment_mm=settings.segment_mm)


def _refused_at(pair: Pair, region: str, metric: str) -> tuple[Status, str] | None:
    """Status and reason where a visit has no value for the whole vessel."""
    why = []
    for session, visit in pair.visits.items():
        row = visit.uptake.get((region, metric))
        if row is None:
            why.append(f"{session}: not in the uptake table")
        elif row.value is None:
            why.append(f"{session}: {row.reason}")
    return ("refused", "; ".join(why)) if why else None


def _no_landmark(pair: Pair, region: str) -> tuple[Status, str] | None:
    """Where arc lengths count from wherever the vessel comes into view, equal ones are not the same place."""
    lacking = [
        session
        for session, visit in pair.visits.items()
        if any(row.arc_mm is None for row in visit.slices.get(region, ()))
    ]
    if not lacking:
        return None
    return "refused", (
        f"no-landmark: the arc length at {' and '.join(lacking)} counts from no landmark (the aorta's is at the height "
        "of the carina, a carotid's its bifurcation), so that places cannot be told apart between the visits. Give a "
        "CT, or labels, in which the aorta reaches to that height; mark the bifurcation among a carotid's points."
    )


def _too_few(matched: Matched, slices_min: int) -> tuple[Status, str] | None:
    counts = len(matched.baseline), len(matched.follow_up)
    if min(counts) >= slices_min:
        return None
    return "refused", (
        f"too-few-slices: accepted at both visits are {counts[0]} slices of the baseline and {counts[1]} of the "
        f"follow-up ({matched.matched_mm:.0f} mm); {slices_min} are needed."
    )


def changed_row(row: ChangeRow, before: float | None, after: float | None) -> ChangeRow:
    """`percent_change` is empty where the baseline is 0."""
    if before is None or after is None:
        where = " and ".join(name for name, value in ((BASELINE, before), (FOLLOWUP, after)) if value is None)
        return replace(row, status="refused", reason=f"not-defined: the slices matched have no value at {where}.")
    change = after - before
    percent = 100.0 * change / before if before else None
    return replace(
        row, baseline=before, follow_up=after, change=change, percent_change=percent, status="measured", reason=None
    )


def empty_row(participant: str, region: str, metric: str, unit: str) -> ChangeRow:
    return ChangeRow(
        participant,
        region,
        metric,
        unit,
        baseline=None,
        follow_up=None,
        change=None,
        percent_change=None,
        index_vessel=False,
        matched_mm=None,
        unmatched_mm=None,
        status="refused",
        reason=None,
        findings=None,
    )
