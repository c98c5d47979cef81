"""All metrics of a vessel from its slices, in the same way for one scan (quantify) and for matched slices (compare).

And what else stands in the uptake table: the quantities of a blood pool and of an organ, which have no slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc.core.metrics import METRICS, SUV_VOLUME_UNIT, Metric, SliceValues, most_diseased
from petproc.core.metrics import SUV_UNIT as SUV_UNIT
from petproc.core.suv import VARIANTS
from petproc.core.tables import SliceRow

BLOOD_SUV_MEAN = "blood_suv_mean"
BLOOD_COV, BLOOD_TREND, BLOOD_RATIO, BLOOD_VOXELS = "blood_cov", "blood_trend", "blood_ratio", "blood_voxels"
ORGAN_SUV_MEAN, ORGAN_SUV_MAX = "organ_suv_mean", "organ_suv_max"
ORGAN_TO_BLOOD, ORGAN_COV = "organ_to_blood", "organ_cov"


@dataclass(frozen=True)
class Quantity:
    """What is measured of a blood pool or an organ as a whole."""

    name: str
    unit: str
    formula: str
    needs_background: bool = False


BLOOD = {
    quantity.name: quantity
    for quantity in (
        Quantity(BLOOD_SUV_MEAN, SUV_UNIT, "BP: mean SUV of the blood pool's voxels"),
        Quantity(BLOOD_COV, "1", "standard deviation (n - 1) of the blood pool's voxels / their mean"),
        Quantity(
            BLOOD_TREND, "%/cm", "slope of the blood pool's voxels over arc length / their mean; + rises with flow"
        ),
        Quantity(BLOOD_RATIO, "1", "BP / BP of a second site"),
        Quantity(BLOOD_VOXELS, "1", "number of the blood pool's voxels"),
    )
}
ORGAN = {
    quantity.name: quantity
    for quantity in (
        Quantity(ORGAN_SUV_MEAN, SUV_UNIT, "mean SUV of the organ's core"),
        Quantity(ORGAN_SUV_MAX, SUV_UNIT, "max SUV of the organ's core"),
        Quantity(ORGAN_TO_BLOOD, "1", "mean SUV of the organ's core / BP", needs_background=True),
        Quantity(ORGAN_COV, "1", "standard deviation (n - 1) of the organ's core / its mean"),
    )
}


def unit_by(variant: str, unit: str) -> str:
    """A registered `unit` with SUV by `variant`: cm2/mL for the body surface, and cm2 where it is times a volume."""
    if unit == SUV_VOLUME_UNIT:
        return VARIANTS[variant].unit.removesuffix("/mL")
    return VARIANTS[variant].unit if unit == SUV_UNIT else unit


def measure(
    slices: Sequence[SliceRow], background_suv: float | None, *, active_tbr: float, segment_mm: float
) -> dict[str, float | None]:
    """Value of every metric over `slices` (all of them, in order along the vessel; at least one); None for those that
    have none.

    Where SUV is not known but the ratio to the blood pool is, activity is counted in units of the blood pool: what is a
    ratio keeps its value, what is an SUV has none. Where the background is not known, what needs it has none.
    """
    has_suv = all(row.suv_max is not None for row in slices)
    has_tbr = all(row.tbr_max is not None for row in slices)
    if has_suv:
        maxima, means = [row.suv_max for row in slices], [row.suv_mean for row in slices]
    else:
        maxima, means = [row.tbr_max for row in slices], [row.tbr_mean for row in slices]
    blood = background_suv if has_suv else 1.0
    peaks = [row.suv_peak if has_suv else row.tbr_peak for row in slices]
    values = SliceValues(
        suv_max=np.array(maxima, dtype=np.float64),
        suv_mean=np.array(means, dtype=np.float64),
        background_suv=np.nan if blood is None else blood,
        slice_mm=slices[0].slice_mm,
        active_tbr=active_tbr,
        segment_mm=segment_mm,
        number=np.array([row.slice for row in slices]),
        suv_peak=None if all(peak is None for peak in peaks) else np.array(peaks, dtype=np.float64),
        n_voxel=np.array([row.n_voxel for row in slices]),
        n_positive=_if_all([row.n_positive for row in slices]),
        above_ml=_if_all([row.above_ml for row in slices]),
    )
    return {
        name: metric.compute(values) if _can_be_had(metric, values, has_suv, has_tbr) else None
        for name, metric in METRICS.items()
    }


def most_diseased_slices(slices: Sequence[SliceRow], segment_mm: float) -> Sequence[SliceRow]:
    """Those over which `mds_tbr_max` is taken, of slices as for `measure`; none where there is no segment."""
    if not slices or any(row.tbr_max is None for row in slices):
        return ()
    tbr_max = np.array([row.tbr_max for row in slices], dtype=np.float64)
    number = np.array([row.slice for row in slices])
    found = most_diseased(SliceValues(tbr_max, tbr_max, 1.0, slices[0].slice_mm, 1.0, segment_mm, number))
    return () if found is None else slices[found]


def _if_all(column: Sequence[float | None]) -> NDArray[Any] | None:
    return None if None in column else np.array(column)


def _can_be_had(metric: Metric, values: SliceValues, has_suv: bool, has_tbr: bool) -> bool:
    if metric.needs and getattr(values, metric.needs) is None:
        return False
    return (has_tbr or not metric.needs_background) and (has_suv or not metric.needs_suv)
