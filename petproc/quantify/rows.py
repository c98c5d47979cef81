"""Rows of `slices.tsv` and `uptake.tsv`: of what was measured, of what was refused, of scans left out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.measure import measure, unit_by
from petproc.core.metrics import METRICS
from petproc.core.tables import ScanRow, SliceRow, Status, UptakeRow
from petproc.quantify.background import Background
from petproc.quantify.slices import Slices
from petproc.settings import QuantifySettings

PARTIAL = "partial"
WHOLE_SCAN = "all"
"""Region and metric of the one row of a scan that a person left out."""

Key = tuple[str, str, str]
"""Participant, session and region."""


def slice_rows(
    key: Key, slices: Slices, *, suv_factor: float | None, background: Background | None, refused: str | None
) -> list[SliceRow]:
    """One row per slice; `refused` is why the region as a whole is not measured, so that none of them counts."""
    of = {field.name: _listed(getattr(slices, field.name)) for field in fields(slices)}
    return [
        SliceRow(
            *key,
            slice=n + 1,
            pet_k=of["pet_k"][n] if of["pet_k"] else None,
            arc_mm=of["arc_mm"][n],
            n_voxel=of["n_voxel"][n],
            area_mm2=of["area_mm2"][n],
            accepted_fraction=of["accepted_fraction"][n],
            uptake_min=of["uptake_min"][n] if of["uptake_min"] else None,
            suv_max=_suv(of["activity_max"][n], suv_factor),
            suv_mean=_suv(of["activity_mean"][n], suv_factor),
            tbr_max=_ratio(of["activity_max"][n], suv_factor, background),
            tbr_mean=_ratio(of["activity_mean"][n], suv_factor, background),
            hottest_i=of["hottest"][n][0],
            hottest_j=of["hottest"][n][1],
            hottest_k=of["hottest"][n][2],
            slice_mm=slices.slice_mm,
            flag=PARTIAL if of["partial"][n] else None,
            counts=not reason and refused is None,
            reason=refused or reason or None,
            suv_peak=_suv(_known(of["activity_peak"], n), suv_factor),
            tbr_peak=_ratio(_known(of["activity_peak"], n), suv_factor, background),
            n_positive=of["n_positive"][n] if of["n_positive"] else None,
            above_ml=_suv(of["above_bq"][n] if of["above_bq"] else None, suv_factor),
        )
        for n, reason in enumerate(slices.reasons)
    ]


def _listed(column: Any) -> Any:
    """Plain numbers: taking them out of an array one by one is slow."""
    return column.tolist() if isinstance(column, np.ndarray) else column


def _known(column: Sequence[float] | None, n: int) -> float | None:
    return None if column is None or math.isnan(column[n]) else column[n]


def _suv(activity: float | None, suv_factor: float | None) -> float | None:
    return None if suv_factor is None or activity is None else activity * suv_factor


def _ratio(activity: float | None, suv_factor: float | None, background: Background | None) -> float | None:
    """To the blood pool; by SUV where it is known, so that the row's own numbers divide to it."""
    if background is None or activity is None:
        return None
    factor = 1.0 if suv_factor is None else suv_factor
    return (activity * factor) / (background.activity * factor)


def uptake_rows(
    key: Key,
    slices: Sequence[SliceRow],
    grid: Grid,
    *,
    background: tuple[str, float | None],
    missing: Mapping[str, str],
    settings: QuantifySettings,
) -> list[UptakeRow]:
    """One row per metric over the slices that count.

    `background` is its region and SUV; `missing` says why there is no `region` (all of it), `background` or `suv`.
    """
    counting = [row for row in slices if row.counts]
    n_voxel = sum(row.n_voxel for row in counting)
    volume_ml, uptake_min = n_voxel * grid.voxel_ml, _mean_uptake(counting)
    refused = missing.get("region") or _too_few(slices, counting, settings.slices_min)
    values = (
        {}
        if refused
        else measure(counting, background[1], active_tbr=settings.active_tbr, segment_mm=settings.segment_mm)
    )
    return [
        UptakeRow(
            *key,
            metric=metric.name,
            value=(value := values.get(metric.name)),
            unit=unit_by(settings.suv, metric.unit),
            n_slice=len(counting),
            n_voxel=n_voxel,
            volume_ml=volume_ml,
            background_region=background[0] if metric.needs_background else None,
            background_suv=background[1] if metric.needs_background else None,
            uptake_min=uptake_min,
            status="refused" if value is None else "measured",
            reason=None if value is not None else refused or _why_none(metric.name, missing),
        )
        for metric in settings.metrics.values()
    ]


def _too_few(slices: Sequence[SliceRow], counting: Sequence[SliceRow], slices_min: int) -> str | None:
    if len(counting) >= slices_min:
        return None
    dropped = Counter(row.reason for row in slices if row.reason)
    words = "".join(f", {count} {reason}" for reason, count in sorted(dropped.items()))
    return f"too-few-slices: {len(counting)} of {len(slices)} slices count, {slices_min} are needed{words}."


def _why_none(name: str, missing: Mapping[str, str]) -> str:
    metric = METRICS[name]
    if metric.needs_background and "background" in missing:
        return missing["background"]
    if metric.needs_suv and "suv" in missing:
        return missing["suv"]
    return f"not-defined: these slices have no value of: {metric.formula}."


def _mean_uptake(slices: Sequence[SliceRow]) -> float | None:
    times = [row.uptake_min for row in slices if row.uptake_min is not None]
    return float(np.mean(times)) if times else None


def words(refusal: Refusal) -> str:
    """A refusal as the `reason` of a row: its code first, then what is wrong and what to do."""
    return f"{refusal.code}: {refusal.reason} {refusal.remedy}".strip()


def refused_rows(key: Key, reason: str, metrics: Mapping[str, str]) -> list[UptakeRow]:
    """A row without a number for each of `metrics` (name -> unit)."""
    return [empty_row(key, name, unit, "refused", reason) for name, unit in metrics.items()]


def excluded_rows(scans: Sequence[ScanRow]) -> list[UptakeRow]:
    """One row for each scan that a person left out (`include` is no), with the reason given."""
    return [
        empty_row(
            (scan.participant, scan.session, WHOLE_SCAN),
            WHOLE_SCAN,
            "1",
            "excluded",
            scan.reason or "no reason given",
        )
        for scan in scans
        if scan.include != "yes"
    ]


def empty_row(key: Key, metric: str, unit: str, status: Status, reason: str | None) -> UptakeRow:
    """A row without a number."""
    return UptakeRow(
        *key,
        metric=metric,
        value=None,
        unit=unit,
        n_slice=0,
        n_voxel=0,
        volume_ml=0.0,
        background_region=None,
        background_suv=None,
        uptake_min=None,
        status=status,
        reason=reason,
    )
