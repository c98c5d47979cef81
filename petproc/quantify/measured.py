"""The stage: every region of a scan measured or refused with a reason, and a study scan by scan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

from petproc.core.errors import Finding, Refusal
from petproc.core.measure import BLOOD_COV, BLOOD_SUV_MEAN, SUV_UNIT, unit_by
from petproc.core.metrics import METRICS
from petproc.core.regions import AORTA, REGIONS
from petproc.core.suv import suv_per_activity
from petproc.core.tables import InputRow, SliceRow, UptakeRow
from petproc.core.worksheet import Applied, apply, no_inputs
from petproc.quantify.background import Background, background_region, measure_background
from petproc.quantify.quality import preparation_findings, uptake_findings
from petproc.quantify.rows import background_rows, refused_rows, slice_rows, uptake_rows
from petproc.quantify.scan import Scan, has_landmark, prepare
from petproc.quantify.slices import cut_region
from petproc.quantify.tables import ScanTables
from petproc.settings import QuantifySettings

BLOOD_UNITS = {BLOOD_SUV_MEAN: SUV_UNIT, BLOOD_COV: "1"}
METRIC_UNITS = {metric.name: metric.unit for metric in METRICS.values()}


class Quantified(NamedTuple):
    slices: list[SliceRow]
    uptake: list[UptakeRow]
    findings: list[Finding]
    inputs: tuple[InputRow, ...] = ()


class _Known(NamedTuple):
    """What all regions of a scan share, or in words why there is none."""

    suv_factor: float | None
    suv_unit: str
    suv_missing: str | None
    backgrounds: dict[str, Background]
    background_missing: dict[str, str]


def quantify_study(
    scans: Iterable[ScanTables | Callable[[], ScanTables]], settings: QuantifySettings, *, threads: int = 1
) -> list[Quantified]:
    """`quantify_scan` of every scan, in their order, whatever the number of threads.

    A scan may be given as a function that reads it: then no more tables than threads are in memory.
    """

    def one(scan: ScanTables | Callable[[], ScanTables]) -> Quantified:
        return quantify_scan(scan() if callable(scan) else scan, settings)

    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        return list(pool.map(one, scans))


def quantify_scan(tables: ScanTables, settings: QuantifySettings) -> Quantified:
    """Rows of `slices.tsv`, `uptake.tsv` and `inputs.tsv` of one scan, and what was noticed."""
    scan_key = (tables.participant, tables.session)
    applied = None
    if tables.acquisition is not None:
        applied = apply(tables.acquisition, tables.worksheet, participant=tables.participant, session=tables.session)
        tables = replace(tables, acquisition=applied.acquisition)
    try:
        if tables.refusal is not None:
            raise Refusal(**{name: tables.refusal[name] for name in ("code", "reason", "remedy")})
        scan = prepare(tables, settings)
    except Refusal as refusal:
        return _refused(scan_key, applied, words(refusal), settings)
    known = _known(tables, scan, settings)
    uptake = [row for name in _backgrounds(settings) for row in _blood((*scan_key, name), known, scan)]
    findings = [*applied.findings, *preparation_findings(applied, settings.suv)] if applied else []
    findings += [finding for background in known.backgrounds.values() for finding in background.findings]
    findings += _without_landmark(scan)
    slices = []
    for region in settings.regions:
        cut, values, noticed = _region((*scan_key, region), scan, known, settings)
        slices += cut
        uptake += values
        findings += noticed
    findings += uptake_findings(uptake)
    return Quantified(slices, uptake, findings, _inputs(scan_key, applied, known.suv_missing or ""))


def _refused(key: tuple[str, str], applied: Applied | None, why: str, settings: QuantifySettings) -> Quantified:
    """A scan of which nothing is measured: every row says why."""
    blood, metrics = _units(BLOOD_UNITS, settings), _units(METRIC_UNITS, settings)
    uptake = [row for name in _backgrounds(settings) for row in refused_rows((*key, name), why, blood)]
    uptake += [row for name in settings.regions for row in refused_rows((*key, name), why, metrics)]
    return Quantified([], uptake, list(applied.findings) if applied else [], _inputs(key, applied, why))


def _inputs(key: tuple[str, str], applied: Applied | None, why: str) -> tuple[InputRow, ...]:
    return applied.inputs if applied else no_inputs(*key, why)


def _backgrounds(settings: QuantifySettings) -> list[str]:
    return list(dict.fromkeys(background_region(region, settings) for region in settings.regions))


def _units(registered: dict[str, str], settings: QuantifySettings) -> dict[str, str]:
    return {name: unit_by(settings.suv, unit) for name, unit in registered.items()}


def words(refusal: Refusal) -> str:
    """A refusal as the `reason` of a row: its code first, then what is wrong and what to do."""
    return f"{refusal.code}: {refusal.reason} {refusal.remedy}".strip()


def _known(tables: ScanTables, scan: Scan, settings: QuantifySettings) -> _Known:
    suv_factor, suv_missing = None, None
    try:
        if tables.acquisition is None:
            raise Refusal("suv-unknown", "The PET's times, dose and weight are not known.", "Ask the site for them.")
        suv_factor = suv_per_activity(tables.acquisition, settings.suv)
    except Refusal as refusal:
        suv_missing = words(refusal)
    backgrounds, missing = {}, {}
    for region in _backgrounds(settings):
        try:
            backgrounds[region] = measure_background(region, scan, settings.background)
        except Refusal as refusal:
            missing[region] = words(refusal)
    return _Known(suv_factor, unit_by(settings.suv, SUV_UNIT), suv_missing, backgrounds, missing)


def _blood(key: tuple[str, str, str], known: _Known, scan: Scan) -> list[UptakeRow]:
    background = known.backgrounds.get(key[2])
    if background is None:
        units = {**BLOOD_UNITS, BLOOD_SUV_MEAN: known.suv_unit}
        return refused_rows(key, known.background_missing[key[2]], units)
    return background_rows(key, background, scan, suv=(known.suv_factor, known.suv_unit, known.suv_missing))


def _region(
    key: tuple[str, str, str], scan: Scan, known: _Known, settings: QuantifySettings
) -> tuple[list[SliceRow], list[UptakeRow], list[Finding]]:
    name = background_region(key[2], settings)
    background = known.backgrounds.get(name)
    refused = scan.gate.refused.get(key[2])
    slices: list[SliceRow] = []
    try:
        cut = cut_region(key[2], scan, settings)
        slices = slice_rows(key, cut, suv_factor=known.suv_factor, background=background, refused=refused)
        if not has_landmark(scan, REGIONS[key[2]].vessel):
            slices = [replace(row, arc_mm=None) for row in slices]
    except Refusal as refusal:
        refused = refused or words(refusal)
    missing = {"region": refused, "background": known.background_missing.get(name), "suv": known.suv_missing}
    suv = background.activity * known.suv_factor if background and known.suv_factor is not None else None
    uptake = uptake_rows(
        key,
        slices,
        scan.grid,
        background=(name, suv),
        missing={what: why for what, why in missing.items() if why},
        settings=settings,
    )
    return slices, uptake, _noticed(key[2], slices)


def _without_landmark(scan: Scan) -> list[Finding]:
    if AORTA not in scan.stations["vessel"] or has_landmark(scan, AORTA):
        return []
    return [
        Finding(
            "arc-without-landmark",
            "The carina was not found beside the aorta, from where its arc length would count: its slices are measured "
            "and not compared between the visits.",
        )
    ]


def _noticed(region: str, slices: list[SliceRow]) -> list[Finding]:
    partial = sum(row.counts and row.flag is not None for row in slices)
    if not partial:
        return []
    return [
        Finding(
            "slices-partial",
            f"{region}: in {partial} slices no voxel is covered well enough; the best covered one stands in.",
        )
    ]
