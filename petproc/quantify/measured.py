"""The stage: every region of a scan measured or refused with a reason, and a study scan by scan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from petproc.core.errors import Finding, Refusal
from petproc.core.forked import each_forked
from petproc.core.measure import SUV_UNIT, unit_by
from petproc.core.regions import ORGANS
from petproc.core.suv import glucose_factor, suv_per_activity
from petproc.core.tables import InputRow, SliceRow, UptakeRow, Verdict, VesselRow
from petproc.core.worksheet import Applied, apply, no_inputs
from petproc.quantify.background import Background, measure_background
from petproc.quantify.quality import preparation_findings, uptake_findings
from petproc.quantify.region import Known, Pool, blood_of, landmark_findings, organ_of, vessel_of
from petproc.quantify.rows import words
from petproc.quantify.scan import NOT_OF_POOL, Memo, Scans
from petproc.quantify.second_site import second_site, site_findings
from petproc.quantify.tables import ScanTables
from petproc.quantify.vessels import vessel_rows
from petproc.quantify.whole import Suv
from petproc.settings import QuantifySettings


class Quantified(NamedTuple):
    slices: list[SliceRow]
    uptake: list[UptakeRow]
    findings: list[Finding]
    inputs: tuple[InputRow, ...] = ()
    vessels: tuple[VesselRow, ...] = ()
    blood: Mapping[str, Any] = MappingProxyType({})
    """what is recorded of each blood pool, by its region"""


def quantify_study(
    scans: Iterable[ScanTables | Callable[[], ScanTables]],
    settings: QuantifySettings,
    *,
    verdicts: Sequence[Verdict] = (),
    threads: int = 1,
) -> Iterator[Quantified]:
    """`quantify_scan` of every scan, in their order, whatever the number of `threads` (processes forked from this one);
    `verdicts` are those of all.

    A scan may be given as a function that reads it: then no more tables than threads are in memory. Scans come one by
    one, for those who write them down and keep none.
    """
    given = list(scans)

    def one(n: int) -> Quantified:
        scan = given[n]
        tables = scan() if callable(scan) else scan
        own = [row for row in verdicts if (row.participant, row.session) == (tables.participant, tables.session)]
        return quantify_scan(tables, settings, own)

    return each_forked(one, range(len(given)), threads)


def quantify_scan(
    tables: ScanTables, settings: QuantifySettings, verdicts: Sequence[Verdict] = (), memo: Memo | None = None
) -> Quantified:
    """Rows of `slices.tsv`, `uptake.tsv`, `inputs.tsv` and `vessels.tsv` of one scan, and what was noticed.

    Each region, those of the blood too, is measured from the tables of the backend that segments it; where one backend
    was refused, the regions of the others are measured. Who asks the same scan again, with the same verdicts and other
    settings, gives the same `memo`, empty at first: it changes no number.
    """
    key = (tables.participant, tables.session)
    applied = None
    if tables.acquisition is not None:
        applied = apply(tables.acquisition, tables.worksheet, participant=tables.participant, session=tables.session)
        tables = replace(tables, acquisition=applied.acquisition)
    scans = Scans(tables, settings, verdicts, memo)
    known = _known(tables, scans, settings)
    slices: list[SliceRow] = []
    uptake = [row for name in settings.pools for row in blood_of((*key, name), known, scans, settings)]
    findings = _findings(applied, known, settings)
    findings += landmark_findings(scans, settings)
    organs: dict[str, str | None] = {}
    for region in settings.regions:
        measure = organ_of if region in ORGANS else vessel_of
        measured = measure((*key, region), known, scans, settings)
        slices += measured.slices
        uptake += measured.uptake
        findings += measured.findings
        if region in ORGANS:
            organs[region] = measured.refused
    findings += uptake_findings(uptake)
    vessels = vessel_rows(key, settings.depends_on, scans, organs)
    blood = {region: pool.to_json() for region, (pool, _) in known.pools.items()}
    return Quantified(slices, uptake, findings, _inputs(tables, applied, known), tuple(vessels), blood)


def _findings(applied: Applied | None, known: Known, settings: QuantifySettings) -> list[Finding]:
    """Of the preparation and of the blood."""
    findings = [*applied.findings, *preparation_findings(applied, settings.suv)] if applied else []
    for pool, second in known.pools.values():
        findings += [*pool.findings, *site_findings(pool, second)]
    return findings


def _inputs(tables: ScanTables, applied: Applied | None, known: Known) -> tuple[InputRow, ...]:
    if applied:
        return applied.inputs
    why = words(tables.refused) if tables.refused else known.suv.missing or ""
    return no_inputs(tables.participant, tables.session, why)


def _pool(region: str, scans: Scans, settings: QuantifySettings) -> Background:
    scan = scans.of(region)
    make = lambda: measure_background(region, scan, settings.background)  # noqa: E731
    return scans.once(f"pool {region}", scans.tables_of(region), make, but=NOT_OF_POOL)


def _known(tables: ScanTables, scans: Scans, settings: QuantifySettings) -> Known:
    factor, missing = None, None
    try:
        if tables.acquisition is None:
            raise Refusal("suv-unknown", "The PET's times, dose and weight are not known.", "Ask the site for them.")
        told = tables.worksheet.glucose_mmol_l if tables.worksheet else None
        corrected = glucose_factor(told, settings.glucose_reference_mmol_l)
        factor = suv_per_activity(tables.acquisition, settings.suv) * corrected
    except Refusal as refusal:
        missing = words(refusal)
    pools: dict[str, Pool] = {}
    without: dict[str, str] = {}
    for region in settings.pools:
        try:
            pool = _pool(region, scans, settings)
            pools[region] = (pool, second_site(pool, scans, settings.background))
        except Refusal as refusal:
            without[region] = words(refusal)
    suv = Suv(factor, unit_by(settings.suv, SUV_UNIT), missing)
    return Known(suv, factor if settings.is_suv_bw else None, pools, without)
