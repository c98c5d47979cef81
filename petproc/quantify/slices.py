"""A region cut into slices, and what is measured in each.

Where a vessel runs along the body its slices are the PET's own planes; where it turns they are slabs across the
centreline, on a fixed lattice of arc length from the landmark, so that both visits are cut at the same places. A slice
stands for `slice_mm` of vessel: the distance between planes, or the slab's length.

A voxel is in the ROI when enough of it lies in the layer asked for, from one depth under the lateral outer wall to
another: at least the outer limit deep by the quantile `coverage`, and less than the deeper limit by the opposite one
(p25 asks three quarters of the voxel of both). By p50 layers that touch share no voxel and leave none out. In a small
vessel a slice may have no such voxel: the deepest one that the layer reaches into and that does not lie under it then
stands in, and the slice is flagged `partial`; a slice of a whole vessel never vanishes in between.

Ties: of equally hot voxels the first in k, j, i; of equally deep ones that could stand in, too. Edges: a slice counts
by the share of its voxels at accepted stations and by its area; a region by the number of its slices that count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Refusal
from petproc.quantify.background import Background
from petproc.quantify.peak import slice_peaks
from petproc.quantify.scan import Scan, arc_of, rows_of
from petproc.quantify.tables import Columns
from petproc.settings import QuantifySettings

NOT_ACCEPTED, SMALL_AREA, NEAR_MYOCARDIUM = "not-accepted", "small-area", "near-myocardium"

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Slices:
    """Slices of one region in the direction of flow; arrays have shape (K,).

    `arc_mm` counts from the vessel's landmark, or from its first station where it has none (`scan.has_landmark`).
    `hottest` (K, 3) is the voxel index of the hottest voxel, of equally hot ones the lowest in k, then j, then i;
    `activity_*` in Bq/mL; `partial` where a voxel stands in; `reasons` why a slice does not count, empty where it does.
    """

    pet_k: Whole | None
    arc_mm: Floats
    n_voxel: Whole
    area_mm2: Floats
    accepted_fraction: Floats
    uptake_min: Floats | None
    activity_max: Floats
    activity_mean: Floats
    hottest: Whole
    slice_mm: float
    partial: NDArray[np.bool_]
    reasons: tuple[str, ...]
    activity_peak: Floats | None = None
    """NaN where no sphere about a voxel of the slice is whole; None, as those below, where no metric needs it"""
    n_positive: Whole | None = None
    above_bq: Floats | None = None
    """sum of activity x volume over voxels above the blood pool's mean + n SD, Bq"""


@dataclass(frozen=True, eq=False)
class _Cut:
    """How a region is cut: `number` of each row's slice, those that its stations lie in, the area of one voxel."""

    number: Whole
    expected: Whole
    slice_mm: float
    area_mm2: float


@dataclass(frozen=True, eq=False)
class _Roi:
    """Rows inside, slice after slice in the direction of flow and in the order k, j, i within; slice n starts at
    `starts[n]` and has `counts[n]` rows."""

    rows: Columns
    arc_mm: Floats
    numbers: Whole
    starts: Whole
    counts: Whole
    partial: NDArray[np.bool_]


def cut_region(region: str, scan: Scan, settings: QuantifySettings, pool: Background | None = None) -> Slices:
    """All slices of `region`, counting or not; a `Refusal` where it has no voxel or one without a number.

    `pool` is its background, above which uptake is positive.
    """
    rows = rows_of(scan, region)
    arc = arc_of(rows, region, scan)
    axial = settings.slicing_of(region) == "axial"
    cut = _axial(rows, region, scan) if axial else _slabs(arc, region, scan, settings.slab_mm)
    roi = _roi(rows, arc, cut, settings)
    activity = roi.rows["activity"].astype(np.float64)
    if not np.isfinite(activity).all():
        raise Refusal(
            "activity-not-finite", f"The PET has voxels without a number in {region}.", "Reconstruct it anew."
        )
    accepted = scan.gate.accepted[roi.rows["place"]]
    maxima = np.maximum.reduceat(activity, roi.starts)
    hot = np.flatnonzero(activity == np.repeat(maxima, roi.counts))
    first_hot = hot[np.searchsorted(hot, roi.starts)]
    return Slices(
        pet_k=roi.numbers if axial else None,
        arc_mm=_mean(roi.arc_mm, roi),
        n_voxel=roi.counts,
        area_mm2=np.asarray(roi.counts * cut.area_mm2),
        accepted_fraction=_mean(accepted.astype(np.float64), roi),
        uptake_min=None if scan.uptake_min is None else _mean(scan.uptake_min[roi.rows["k"]], roi),
        activity_max=maxima,
        activity_mean=_mean(activity, roi),
        hottest=np.stack([roi.rows[axis][first_hot].astype(np.int64) for axis in "ijk"], axis=1),
        slice_mm=cut.slice_mm,
        partial=roi.partial,
        reasons=_reasons(roi, scan, accepted, settings),
        activity_peak=slice_peaks(roi.rows, roi.starts, scan) if settings.measures("suv_peak") else None,
        **_positive(activity, roi, scan.grid.voxel_ml, (pool, settings)),
    )


def _positive(
    activity: Floats, roi: _Roi, voxel_ml: float, above: tuple[Background | None, QuantifySettings]
) -> dict[str, Any]:
    """Voxels above multiples of the blood pool, as the metrics of the settings need them; none without a pool."""
    pool, settings = above
    found: dict[str, Any] = {}
    if pool is None:
        return found
    if settings.measures("n_positive"):
        positive = activity > settings.positive_tbr * pool.activity
        found["n_positive"] = np.add.reduceat(positive.astype(np.int64), roi.starts)
    if settings.measures("above_ml"):
        limit = pool.activity * (1.0 + settings.above_blood_sd * pool.cov)
        found["above_bq"] = np.add.reduceat(np.where(activity > limit, activity, 0.0), roi.starts) * voxel_ml
    return found


def _axial(rows: Columns, region: str, scan: Scan) -> _Cut:
    stations = _stations_in_pet(region, scan)
    centres = np.stack([scan.stations[f"{axis}_mm"][stations] for axis in "xyz"], axis=-1)
    planes = np.rint(scan.grid.to_index(centres)[:, 2]).astype(np.int64)
    across = np.cross(scan.grid.affine[:3, 0], scan.grid.affine[:3, 1])
    area = float(np.linalg.norm(across))
    apart = float(abs(across @ scan.grid.affine[:3, 2])) / area
    return _Cut(rows["k"].astype(np.int64), _span(planes), apart, area)


def _slabs(arc: Floats, region: str, scan: Scan, slab_mm: float) -> _Cut:
    length = max(slab_mm, float(scan.grid.spacing.max()))
    centres = scan.stations["arc_mm"][_stations_in_pet(region, scan)]
    number = np.floor(arc / length).astype(np.int64)
    expected = _span(np.floor(centres / length).astype(np.int64))
    return _Cut(number, expected, length, scan.grid.voxel_ml * 1000.0 / length)


def _stations_in_pet(region: str, scan: Scan) -> Whole:
    return np.flatnonzero((scan.stations["region"] == region) & scan.stations["in_pet"])


def _span(numbers: Whole) -> Whole:
    return np.arange(numbers.min(), numbers.max() + 1) if len(numbers) else numbers


def _roi(rows: Columns, arc: Floats, cut: _Cut, settings: QuantifySettings) -> _Roi:
    outer, inner = settings.depth_mm
    within, touched = rows[f"depth_{settings.coverage}"] >= outer, rows["depth_p90"] >= outer
    if inner is not None:
        above = rows[f"depth_{settings.opposite_coverage}"] < inner
        within, touched = within & above, touched & above
    inside = np.flatnonzero(within)
    stand_in = _stand_ins(rows["depth_p50"], touched, inside, cut)
    chosen = np.sort(np.concatenate([inside, stand_in]))
    if len(chosen) == 0:
        raise Refusal("no-voxels", "No PET voxel lies in this region.", "Look at its overlay and the PET's extent.")
    numbers, of, counts = np.unique(cut.number[chosen], return_inverse=True, return_counts=True)
    with_flow = np.lexsort((numbers, np.bincount(of, weights=arc[chosen]) / counts))
    rank = np.argsort(with_flow)
    chosen = chosen[np.argsort(rank[of], kind="stable")]
    numbers, counts = numbers[with_flow], counts[with_flow]
    return _Roi(
        {name: column[chosen] for name, column in rows.items()},
        arc[chosen],
        numbers,
        np.cumsum(counts) - counts,
        counts,
        np.isin(numbers, cut.number[stand_in]),
    )


def _stand_ins(depth: NDArray[Any], touched: NDArray[np.bool_], inside: Whole, cut: _Cut) -> Whole:
    """The deepest row that the vessel touches of every expected slice with none inside; of equally deep ones the first.

    Without the touch a slice at a vessel's oblique end would be given a voxel millimetres outside of it.
    """
    missing = np.setdiff1d(cut.expected, cut.number[inside])
    rows = np.flatnonzero(np.isin(cut.number, missing) & touched)
    rows = rows[np.lexsort((-depth[rows], cut.number[rows]))]
    return rows[np.unique(cut.number[rows], return_index=True)[1]]


def _mean(values: Floats, roi: _Roi) -> Floats:
    return np.asarray(np.add.reduceat(values, roi.starts) / roi.counts)


def _reasons(roi: _Roi, scan: Scan, accepted: NDArray[np.bool_], settings: QuantifySettings) -> tuple[str, ...]:
    share = _mean(accepted.astype(np.float64), roi)
    # Half of the median in whole voxels: a small vessel has 0 to 3 a slice, by where the lattice happens to fall.
    area_min = np.floor(settings.slice_area_min * float(np.median(roi.counts)))
    near = np.minimum.reduceat(roi.rows["myocardium_mm"], roi.starts) < settings.myocardium_distance_min_mm
    reasons = []
    for n, (start, count) in enumerate(zip(roi.starts, roi.counts, strict=True)):
        codes = []
        if share[n] < settings.slice_accepted_min:
            codes.append(f"{NOT_ACCEPTED}: {_commonest(scan.gate.reasons[roi.rows['place'][start : start + count]])}")
        if count < area_min:
            codes.append(SMALL_AREA)
        if near[n]:
            codes.append(NEAR_MYOCARDIUM)
        reasons.append("; ".join(codes))
    return tuple(reasons)


def _commonest(reasons: NDArray[np.str_]) -> str:
    names, counts = np.unique(reasons[reasons != ""], return_counts=True)
    return str(names[counts.argmax()])
