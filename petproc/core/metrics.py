"""Metrics of a vessel from its slices: the formula of each is its docstring.

Every function takes `tbr_max` and `tbr_mean` etc. as arrays of one value per slice, in order along the vessel.
All weights are 1/K (per slice), not per area. Sources: Rudd 2007 doi:10.1016/j.jacc.2007.05.024 for the family. Those
in `STANDARD` are measured by every analysis, the others where its `further_metrics` name them.

Sums over voxels for 18F-NaF: uptake above the background's mean + 2 SD as in the coronary microcalcification activity
of Kwiecinski (PMC7728624), here of whole vessels; TBR > 1.25 is a convention that we did not read in a paper.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SliceValues:
    """Per-slice values of one vessel, each of shape (K,), and what the metrics need beside them."""

    suv_max: NDArray[np.float64]
    suv_mean: NDArray[np.float64]
    background_suv: float
    slice_mm: float
    """Length along the vessel that one slice stands for."""
    active_tbr: float
    """A slice whose TBRmax is at least this is active."""
    segment_mm: float
    """Length of the most-diseased segment."""
    number: NDArray[np.int64] | None = None
    """Of each slice along the vessel, where some are left out; None: they all follow each other."""
    suv_peak: NDArray[np.float64] | None = None
    """NaN where no sphere about a voxel of the slice is whole; None where it was not asked for, as those below"""
    n_voxel: NDArray[np.int64] | None = None
    n_positive: NDArray[np.int64] | None = None
    """Voxels with a TBR above the cut-off for positive uptake."""
    above_ml: NDArray[np.float64] | None = None
    """Sum over voxels above the background's mean + n SD of SUV x volume, mL of SUV."""

    @property
    def tbr_max(self) -> NDArray[np.float64]:
        return self.suv_max / self.background_suv

    @property
    def tbr_mean(self) -> NDArray[np.float64]:
        return self.suv_mean / self.background_suv


@dataclass(frozen=True)
class Metric:
    name: str
    unit: str
    formula: str
    needs_background: bool
    compute: Callable[[SliceValues], float | None]
    needs: str | None = None
    """field of `SliceValues` that is measured for this alone"""

    @property
    def needs_suv(self) -> bool:
        """Whether the SUV itself must be known, and not only its ratio to the background."""
        return self.unit in SUV_UNITS


SUV_UNIT, SUV_VOLUME_UNIT = "g/mL", "g"
"""Units in this registry of whatever is an SUV, and of an SUV times a volume in mL; a variant may have others."""
SUV_UNITS = (SUV_UNIT, SUV_VOLUME_UNIT)
METRICS: dict[str, Metric] = {}


def metric(
    name: str, unit: str, *, needs_background: bool = True, needs: str | None = None
) -> Callable[..., Callable[..., float | None]]:
    """Register a metric; the first line of its docstring is the printed formula, without one it is no metric."""

    def register(compute: Callable[[SliceValues], float | None]) -> Callable[[SliceValues], float | None]:
        if not (compute.__doc__ or "").strip():
            raise TypeError(f"metric {name} has no formula: its docstring is empty")
        formula = (compute.__doc__ or "").strip().splitlines()[0]
        METRICS[name] = Metric(name, unit, formula, needs_background, compute, needs)
        return compute

    return register


@metric("mean_suv_max", SUV_UNIT, needs_background=False)
def mean_suv_max(values: SliceValues) -> float:
    """(1/K) sum_k SUVmax_k"""
    return float(values.suv_max.mean())


@metric("mean_suv_mean", SUV_UNIT, needs_background=False)
def mean_suv_mean(values: SliceValues) -> float:
    """(1/K) sum_k SUVmean_k"""
    return float(values.suv_mean.mean())


@metric("mean_tbr_max", "1")
def mean_tbr_max(values: SliceValues) -> float:
    """(1/K) sum_k SUVmax_k / BP ("mean of max")"""
    return float(values.tbr_max.mean())


@metric("mean_tbr_mean", "1")
def mean_tbr_mean(values: SliceValues) -> float:
    """(1/K) sum_k SUVmean_k / BP ("mean of mean")"""
    return float(values.tbr_mean.mean())


@metric("max_tbr_max", "1")
def max_tbr_max(values: SliceValues) -> float:
    """max_k SUVmax_k / BP ("max of max")"""
    return float(values.tbr_max.max())


def odd_slices(segment_mm: float, slice_mm: float) -> int:
    """The odd number of slices nearest to `segment_mm`, at least 3; of two equally near ones the smaller."""
    count = max(1, int(segment_mm / slice_mm + 1e-9))
    candidates = [n for n in range(max(3, count - 2), count + 4) if n % 2]
    return min(candidates, key=lambda n: (abs(n * slice_mm - segment_mm), n))


def most_diseased(values: SliceValues) -> slice | None:
    """Which slices are the most-diseased segment; None where no stretch is long enough.

    It stays whole inside the vessel and has no slice left out: near an end or a gap its centre is the nearest slice
    that allows it. Stretches of fewer than n slices have none and are passed over. Of equally hot slices the first.
    """
    n = odd_slices(values.segment_mm, values.slice_mm)
    hot = values.tbr_max
    number = np.arange(len(hot)) if values.number is None else values.number
    edges = [0, *(np.flatnonzero(np.diff(number) != 1) + 1).tolist(), len(hot)]
    long_enough = [(a, b) for a, b in pairwise(edges) if b - a >= n]
    if not long_enough:
        return None
    first, stop = max(long_enough, key=lambda stretch: float(hot[stretch[0] : stretch[1]].max()))
    centre = int(np.clip(first + np.argmax(hot[first:stop]), first + n // 2, stop - 1 - n // 2))
    return slice(centre - n // 2, centre + n // 2 + 1)


@metric("mds_tbr_max", "1")
def mds_tbr_max(values: SliceValues) -> float | None:
    """mean TBRmax of the n slices centred on the hottest one (n odd, nearest to the segment length, at least 3)"""
    segment = most_diseased(values)
    return None if segment is None else float(values.tbr_max[segment].mean())


@metric("active_mean_tbr_max", "1")
def active_mean_tbr_max(values: SliceValues) -> float | None:
    """mean TBRmax over the active slices (TBRmax_k >= cut-off); none where no slice is active"""
    active = values.tbr_max[values.tbr_max >= values.active_tbr]
    return float(active.mean()) if len(active) else None


@metric("active_fraction", "1")
def active_fraction(values: SliceValues) -> float:
    """number of active slices / K"""
    return float((values.tbr_max >= values.active_tbr).mean())


@metric("active_length", "mm")
def active_length(values: SliceValues) -> float:
    """number of active slices x slice length"""
    return float((values.tbr_max >= values.active_tbr).sum() * values.slice_mm)


STANDARD: tuple[str, ...] = tuple(METRICS)
"""What every analysis measures; all that are registered below are measured where they are named."""


@metric("mean_csuv_max", SUV_UNIT)
def mean_csuv_max(values: SliceValues) -> float:
    """(1/K) sum_k (SUVmax_k - BP), blood-subtracted (cSUV)"""
    return float((values.suv_max - values.background_suv).mean())


@metric("mean_csuv_mean", SUV_UNIT)
def mean_csuv_mean(values: SliceValues) -> float:
    """(1/K) sum_k (SUVmean_k - BP), blood-subtracted"""
    return float((values.suv_mean - values.background_suv).mean())


def _peaks(values: SliceValues) -> NDArray[np.float64]:
    """Of the slices that have one."""
    peaks = np.zeros(0) if values.suv_peak is None else values.suv_peak
    return np.asarray(peaks[~np.isnan(peaks)])


@metric("max_suv_peak", SUV_UNIT, needs_background=False, needs="suv_peak")
def max_suv_peak(values: SliceValues) -> float | None:
    """max_k SUVpeak_k: highest mean of a 1 cm3 sphere centred on a voxel of the vessel"""
    peaks = _peaks(values)
    return float(peaks.max()) if len(peaks) else None


@metric("mean_tbr_peak", "1", needs="suv_peak")
def mean_tbr_peak(values: SliceValues) -> float | None:
    """mean of SUVpeak_k / BP over the slices in which a 1 cm3 sphere is whole"""
    peaks = _peaks(values)
    return float(peaks.mean()) / values.background_suv if len(peaks) else None


@metric("max_tbr_peak", "1", needs="suv_peak")
def max_tbr_peak(values: SliceValues) -> float | None:
    """max_k SUVpeak_k / BP"""
    peaks = _peaks(values)
    return float(peaks.max()) / values.background_suv if len(peaks) else None


@metric("positive_fraction", "1", needs="n_positive")
def positive_fraction(values: SliceValues) -> float | None:
    """sum_k voxels with SUV / BP > cut-off / sum_k voxels: positive share of the area, for 18F-NaF"""
    if values.n_positive is None or values.n_voxel is None:
        return None
    return float(values.n_positive.sum() / values.n_voxel.sum())


@metric("uptake_above_blood", SUV_VOLUME_UNIT, needs="above_ml")
def uptake_above_blood(values: SliceValues) -> float | None:
    """sum over voxels with SUV > BP + n SD of the blood pool's voxels of SUV x voxel volume, for 18F-NaF (as CMA)"""
    return None if values.above_ml is None else float(values.above_ml.sum())
