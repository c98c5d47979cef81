"""Rows of `uptake.tsv` of what is measured as a whole, without slices: blood pools and organs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from petproc.core.measure import (
    BLOOD,
    BLOOD_COV,
    BLOOD_RATIO,
    BLOOD_SUV_MEAN,
    BLOOD_TREND,
    BLOOD_VOXELS,
    ORGAN,
    ORGAN_COV,
    ORGAN_SUV_MAX,
    ORGAN_SUV_MEAN,
    ORGAN_TO_BLOOD,
    SUV_UNIT,
    Quantity,
)
from petproc.core.tables import UptakeRow
from petproc.quantify.background import Background
from petproc.quantify.organ import Organ
from petproc.quantify.rows import Key, empty_row
from petproc.quantify.scan import Scan
from petproc.quantify.second_site import SecondSite

Values = Mapping[str, tuple[float | None, str | None]]
"""Of every quantity its value, and why there is none."""


class Suv(NamedTuple):
    """SUV per activity in the variant of the settings with its unit, or why there is none."""

    factor: float | None
    unit: str
    missing: str | None

    def of(self, activity: float) -> float | None:
        return None if self.factor is None else activity * self.factor


def background_rows(key: Key, pool: Background, second: SecondSite, scan: Scan, suv: Suv) -> list[UptakeRow]:
    """The blood pool as an outcome of its own, its quality, and its ratio to a second site."""
    values = {
        BLOOD_SUV_MEAN: (suv.of(pool.activity), suv.missing),
        BLOOD_COV: (pool.cov, None),
        BLOOD_TREND: (pool.trend, "not-defined: all voxels lie at one place along the vessel."),
        BLOOD_RATIO: (second.ratio(pool), second.reason),
        BLOOD_VOXELS: (float(len(pool.k)), None),
    }
    row = replace(
        empty_row(key, "", "", "measured", None),
        n_slice=len(np.unique(pool.k)),
        n_voxel=len(pool.k),
        volume_ml=pool.volume_ml,
        uptake_min=None if scan.uptake_min is None else float(scan.uptake_min[pool.k].mean()),
    )
    rows = _rows(row, BLOOD, values, suv)
    if second.pool is None:
        return rows
    region, blood = second.pool.region, suv.of(second.pool.activity)
    return [
        replace(one, background_region=region, background_suv=blood) if one.metric == BLOOD_RATIO else one
        for one in rows
    ]


def organ_rows(
    key: Key, organ: Organ, suv: Suv, *, blood: tuple[str, Background | None], missing: str | None
) -> list[UptakeRow]:
    """All quantities of an organ; `blood` is its background region with its pool, `missing` why there is no pool."""
    region, pool = blood
    values = {
        ORGAN_SUV_MEAN: (suv.of(organ.activity_mean), suv.missing),
        ORGAN_SUV_MAX: (suv.of(organ.activity_max), suv.missing),
        ORGAN_TO_BLOOD: (organ.activity_mean / pool.activity if pool else None, missing),
        ORGAN_COV: (organ.cov, None),
    }
    row = replace(
        empty_row(key, "", "", "measured", None),
        n_voxel=organ.n_voxel,
        volume_ml=organ.volume_ml,
        uptake_min=organ.uptake_min,
    )
    blood_suv = suv.of(pool.activity) if pool else None
    return [
        replace(one, background_region=region, background_suv=blood_suv) if ORGAN[one.metric].needs_background else one
        for one in _rows(row, ORGAN, values, suv)
    ]


def _rows(row: UptakeRow, quantities: Mapping[str, Quantity], values: Values, suv: Suv) -> list[UptakeRow]:
    return [
        replace(
            row,
            metric=name,
            value=value,
            unit=suv.unit if quantities[name].unit == SUV_UNIT else quantities[name].unit,
            status="refused" if value is None else "measured",
            reason=why if value is None else None,
        )
        for name, (value, why) in values.items()
    ]
