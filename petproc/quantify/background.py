"""The blood pool: the mean activity of the deepest voxels of a vein (or of any vessel named for it).

Small veins lose activity to partial volume, so only the core is taken: the deepest `volume_ml` of voxels whose half
lies deep enough under the wall, away from other vessels, hot myocardium and lung, and as many more as it takes to see
six slices. Recovery in a vena cava eroded by 4 mm is 0.944 at radius 6 mm and 0.980 at 9 mm (PSF 6 mm, simulated);
below the smallest radius nothing is measured. In an artery, whose wall may be hot, the core lies deeper still.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding, Refusal
from petproc.core.regions import REGIONS
from petproc.quantify.scan import Scan, arc_of, rows_of
from petproc.quantify.tables import Columns
from petproc.settings import BackgroundSettings, QuantifySettings

SLICES_MIN = 6
COV_WARN = 0.15
TREND_WARN = 5.0
"""% per cm: over the 3 to 5 cm that a pool spans as much as `COV_WARN` allows its voxels to vary in all. Ours."""
TREND_SURE = 3.0
"""Standard errors that a slope must be from 0. Noise alone makes steep ones: of pools of 16 to 32 voxels with a COV of
10 to 20 % up to a third pass 5 % per cm, and less than 1 % pass both limits (simulated, uncorrelated noise)."""


@dataclass(frozen=True, eq=False)
class Background:
    """`activity` Bq/mL, mean over its voxels, whose `index` (n, 3) is that of the PET; `cov` their SD (n - 1) over it.

    `trend` is the slope of the least-squares line of activity over arc length, in % of the mean per cm, + where it
    rises with the flow; None where all voxels lie at one place along the vessel.
    """

    region: str
    activity: float
    cov: float
    trend: float | None
    index: NDArray[np.int64]
    volume_ml: float
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """How many voxels, their mean in Bq/mL, and the PET planes that they lie in."""
        planes = sorted({int(k) for k in self.k})
        return {"n_voxel": len(self.index), "activity_bq_ml": self.activity, "planes": planes}

    @property
    def k(self) -> NDArray[np.int64]:
        """PET plane of every voxel, (n,)."""
        return np.asarray(self.index[:, 2])


def background_region(target: str, settings: QuantifySettings) -> str:
    """The region whose blood pool `target` is divided by."""
    return settings.background.of(target)


def measure_background(region: str, scan: Scan, settings: BackgroundSettings) -> Background:
    """The blood pool in `region`; a `Refusal` where it cannot be had."""
    if region in scan.gate.refused:
        raise _refusal(region, scan.gate.refused[region])
    rows = rows_of(scan, region)
    depth_mm = _depth(region, settings)
    at = np.flatnonzero(_is_candidate(rows, scan, depth_mm, settings))
    chosen = at[_deepest(rows, at, voxel_ml=scan.grid.voxel_ml, volume_ml=settings.volume_ml)]
    rows = {name: column[chosen] for name, column in rows.items()}
    planes = len(np.unique(rows["k"]))
    volume_ml = len(chosen) * scan.grid.voxel_ml
    if volume_ml < settings.volume_ml - 1e-9 or planes < SLICES_MIN:
        raise _refusal(
            region,
            f"only {volume_ml:.2f} mL in {planes} slices qualify (depth >= {depth_mm:g} mm, radius >= "
            f"{settings.radius_min_mm:g} mm, away from other vessels, hot myocardium and lung); "
            f"{settings.volume_ml:g} mL in {SLICES_MIN} slices are needed.",
        )
    activity = rows["activity"].astype(np.float64)
    mean = float(activity.mean())
    if not (np.isfinite(mean) and mean > 0):
        raise _refusal(region, f"its mean activity is {mean:g} Bq/mL.")
    cov = float(activity.std(ddof=1)) / mean if len(activity) > 1 else 0.0
    trend = _trend(arc_of(rows, region, scan) / 10.0, 100.0 * activity / mean)
    findings = (*_quality(region, float(rows["depth_p50"].min()), cov, settings), *_trend_findings(region, trend))
    index = np.stack([rows[axis].astype(np.int64) for axis in "ijk"], axis=1)
    return Background(region, mean, cov, trend[0] if trend else None, index, volume_ml, findings)


def _depth(region: str, settings: BackgroundSettings) -> float:
    artery = REGIONS[region].kind == "artery"
    return max(settings.depth_min_mm, settings.artery_depth_min_mm) if artery else settings.depth_min_mm


def _is_candidate(rows: Columns, scan: Scan, depth_mm: float, settings: BackgroundSettings) -> NDArray[np.bool_]:
    wide = scan.stations["radius_mm"] >= settings.radius_min_mm
    return np.asarray(
        (rows["depth_p50"] >= depth_mm)
        & (scan.gate.accepted & wide)[rows["place"]]
        & (rows["vessel_mm"] >= settings.vessel_distance_min_mm)
        & (rows["myocardium_mm"] >= settings.myocardium_distance_min_mm)
        & (rows["lung_mm"] >= settings.lung_distance_min_mm)
    )


def _deepest(rows: Columns, at: NDArray[Any], *, voxel_ml: float, volume_ml: float) -> NDArray[np.int64]:
    """Positions in `at` of the deepest voxels, equal depths in the order k, j, i, until volume and slices suffice."""
    order = np.argsort(-rows["depth_p50"][at], kind="stable")
    first_of_plane = np.sort(np.unique(rows["k"][at][order], return_index=True)[1])
    enough_planes = int(first_of_plane[:SLICES_MIN].max(initial=-1)) + 1
    enough_volume = int(np.ceil(volume_ml / voxel_ml - 1e-9))
    return np.asarray(order[: max(enough_volume, enough_planes)])


def _trend(arc_cm: NDArray[np.float64], percent: NDArray[np.float64]) -> tuple[float, float] | None:
    """Slope of `percent` over `arc_cm`, and its standard error."""
    along, values = arc_cm - arc_cm.mean(), percent - percent.mean()
    spread = float(along @ along)
    if spread < 1e-9 or len(along) < 3:
        return None
    slope = float(along @ values) / spread
    left = values - slope * along
    return slope, float(np.sqrt((left @ left) / (len(along) - 2) / spread))


def _quality(region: str, shallowest: float, cov: float, settings: BackgroundSettings) -> Iterator[Finding]:
    if shallowest < settings.depth_preferred_mm:
        yield Finding(
            "background-shallow",
            f"{region}: the blood pool reaches up to {shallowest:.1f} mm under the wall, less than the "
            f"{settings.depth_preferred_mm:g} mm preferred; it may read low by partial volume.",
        )
    if cov > COV_WARN:
        yield Finding("background-noisy", f"{region}: the blood pool's voxels vary by {cov:.0%} (COV), above 15 %.")


def _trend_findings(region: str, trend: tuple[float, float] | None) -> Iterator[Finding]:
    if trend is None or abs(trend[0]) < TREND_WARN or abs(trend[0]) < TREND_SURE * trend[1]:
        return
    words = f"{'rises' if trend[0] > 0 else 'falls'} by {abs(trend[0]):.1f} % per cm with the flow"
    yield Finding(
        "background-trend",
        f"{region}: the blood pool {words} (standard error {trend[1]:.1f}): a residue of the injection, a hot "
        "neighbour or a wrong contour may reach into one end of it. Look at its overlay.",
    )


def _refusal(region: str, reason: str) -> Refusal:
    return Refusal(
        "background-refused",
        f"No blood pool in {region}: {reason.rstrip('.')}.",
        "Look at its overlay; correct the mask, or name another background in an analysis of its own.",
    )
