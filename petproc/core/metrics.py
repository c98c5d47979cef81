"""Metrics of a vessel from its slices: the formula of each is its docstring.

Every function takes `tbr_max` and `tbr_mean` etc. as arrays of one value per slice, in order along the vessel.
All weights are 1/K (per slice), not per area. Sources: Rudd 2007 doi:10.1016/j.jacc.2007.05.024 for the family.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


METRICS: dict[str, Metric] = {}


def metric(name: str, unit: str, *, needs_background: bool = True) -> Callable[..., Callable[..., float | None]]:
    """Register a metric; the first line of its docstring is the printed formula."""

    def register(compute: Callable[[SliceValues], float | None]) -> Callable[[SliceValues], float | None]:
        formula = (compute.__doc__ or "").strip().splitlines()[0]
        METRICS[name] = Metric(name, unit, formula, needs_background, compute)
        return compute

    return register


@metric("mean_suv_max", "g/mL", needs_background=False)
def mean_suv_max(values: SliceValues) -> float:
    """(1/K) sum_k SUVmax_k"""
    return float(values.suv_max.mean())


@metric("mean_suv_mean", "g/mL", needs_background=False)
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


@metric("mds_tbr_max", "1")
def mds_tbr_max(values: SliceValues) -> float | None:
    """mean TBRmax of the n slices centred on the hottest one (n odd, nearest to the segment length, at least 3)

    The most-diseased segment stays whole inside the vessel and has no slice left out: near an end or a gap its centre
    is the nearest slice that allows it. Stretches of fewer than n slices have none and are passed over. Of equally hot
    slices the first.
    """
    n = odd_slices(values.segment_mm, values.slice_mm)
    number = np.arange(len(values.tbr_max)) if values.number is None else values.number
    stretches = np.split(values.tbr_max, np.flatnonzero(np.diff(number) != 1) + 1)
    long_enough = [stretch for stretch in stretches if len(stretch) >= n]
    if not long_enough:
        return None
    hottest = max(long_enough, key=lambda stretch: float(stretch.max()))
    centre = int(np.clip(np.argmax(hottest), n // 2, len(hottest) - 1 - n // 2))
    return float(hottest[centre - n // 2 : centre + n // 2 + 1].mean())


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
