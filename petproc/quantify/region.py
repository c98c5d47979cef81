"""A region of a scan measured, or refused with a reason: what all regions share, and each by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from petproc.core.errors import Finding, Refusal
from petproc.core.measure import BLOOD, ORGAN, Quantity, unit_by
from petproc.core.metrics import Metric
from petproc.core.regions import LANDMARKS, REGIONS
from petproc.core.tables import SliceRow, UptakeRow
from petproc.quantify.background import Background, background_region
from petproc.quantify.organ import measure_organ, organ_findings
from petproc.quantify.rows import Key, refused_rows, slice_rows, uptake_rows, words
from petproc.quantify.scan import NOT_OF_SLICES, Scans, has_landmark
from petproc.quantify.second_site import SecondSite
from petproc.quantify.slices import Slices, cut_region
from petproc.quantify.whole import Suv, background_rows, organ_rows
from petproc.settings import QuantifySettings

Pool = tuple[Background, SecondSite]


@dataclass(frozen=True)
class Known:
    """What all regions of a scan share: SUV per activity, and every blood pool, or in words why there is none.

    `suv_bw` is the SUV by body weight per activity, None where it is not known or not the variant of the settings.
    """

    suv: Suv
    suv_bw: float | None
    pools: dict[str, Pool]
    missing: dict[str, str]


class Measured(NamedTuple):
    slices: list[SliceRow]
    uptake: list[UptakeRow]
    findings: list[Finding]
    refused: str | None = None
    """why the region as a whole is not measured"""


def blood_of(key: Key, known: Known, scans: Scans, settings: QuantifySettings) -> list[UptakeRow]:
    """Rows of the blood pool in the key's region."""
    if key[2] not in known.pools:
        return refused_rows(key, known.missing[key[2]], units_of(BLOOD, settings))
    pool, second = known.pools[key[2]]
    return background_rows(key, pool, second, scans.of(key[2]), known.suv)


def vessel_of(key: Key, known: Known, scans: Scans, settings: QuantifySettings) -> Measured:
    """Slices and metrics of a stretch of a vessel."""
    region = key[2]
    name = background_region(region, settings)
    pool = known.pools[name][0] if name in known.pools else None
    slices: list[SliceRow] = []
    try:
        scan = scans.of(region)
    except Refusal as refusal:
        return Measured([], refused_rows(key, words(refusal), units_of(settings.metrics, settings)), [], words(refusal))
    refused = scan.gate.refused.get(region)
    try:
        cut = _cut(region, scans, settings, pool)
        slices = slice_rows(key, cut, suv_factor=known.suv.factor, background=pool, refused=refused)
        if not has_landmark(scan, REGIONS[region].vessel):
            slices = [replace(row, arc_mm=None) for row in slices]
    except Refusal as refusal:
        refused = refused or words(refusal)
    missing = {"region": refused, "background": known.missing.get(name), "suv": known.suv.missing}
    uptake = uptake_rows(
        key,
        slices,
        scan.grid,
        background=(name, known.suv.of(pool.activity) if pool else None),
        missing={what: why for what, why in missing.items() if why},
        settings=settings,
    )
    return Measured(slices, uptake, _partial(region, slices), refused)


def _cut(region: str, scans: Scans, settings: QuantifySettings, pool: Background | None) -> Slices:
    """The pool tells which voxels are positive, where that is asked; pools of a memo last as long as it."""
    scan = scans.of(region)
    positive = settings.measures("n_positive") or settings.measures("above_ml")
    what = f"slices {region} {id(pool) if positive else ''}"
    make = lambda: cut_region(region, scan, settings, pool)  # noqa: E731
    return scans.once(what, scans.tables_of(region), make, but=NOT_OF_SLICES)


def organ_of(key: Key, known: Known, scans: Scans, settings: QuantifySettings) -> Measured:
    """The quantities of an organ, which has no slices."""
    region = key[2]
    name = background_region(region, settings)
    try:
        organ = measure_organ(region, scans, settings)
    except Refusal as refusal:
        return Measured([], refused_rows(key, words(refusal), units_of(ORGAN, settings)), [], words(refusal))
    blood = (name, known.pools[name][0] if name in known.pools else None)
    suv_bw = None if known.suv_bw is None else organ.activity_mean * known.suv_bw
    return Measured(
        [],
        organ_rows(key, organ, known.suv, blood=blood, missing=known.missing.get(name)),
        list(organ_findings(region, organ, suv_bw)),
    )


def units_of(registered: dict[str, Metric] | dict[str, Quantity], settings: QuantifySettings) -> dict[str, str]:
    """Of every quantity, with SUV in the unit of the settings' variant."""
    return {name: unit_by(settings.suv, one.unit) for name, one in registered.items()}


def landmark_findings(scans: Scans, settings: QuantifySettings) -> list[Finding]:
    """Of the vessels whose arc length should count from a landmark and does not."""
    lacking: dict[str, None] = {}
    for region in settings.regions:
        vessel = REGIONS[region].vessel
        if vessel not in LANDMARKS:
            continue
        try:
            scan = scans.of(region)
        except Refusal:
            continue
        if vessel in scan.stations["vessel"] and not has_landmark(scan, vessel):
            lacking[vessel] = None
    return [
        Finding(
            "arc-without-landmark",
            f"The landmark of the {vessel} ({LANDMARKS[vessel]}), from where its arc length would count, is not known: "
            "its slices are measured and not compared between the visits.",
        )
        for vessel in lacking
    ]


def _partial(region: str, slices: list[SliceRow]) -> list[Finding]:
    partial = sum(row.counts and row.flag is not None for row in slices)
    if not partial:
        return []
    return [
        Finding(
            "slices-partial",
            f"{region}: in {partial} slices no voxel is covered well enough; the best covered one stands in.",
        )
    ]
