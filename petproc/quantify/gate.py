"""Which stations and regions may be measured: a filter over the segmentation's scores.

A vessel is judged at every station, not only as a whole: a track that jumps into a neighbour scores well on average.
A region that fails is refused as `needs-review` and never measured. A backend that gives no scores (a reader's masks)
is taken at its word where the settings say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc.core.regions import REGIONS
from petproc.quantify.tables import Columns
from petproc.settings import GateSettings

ASCENDING, ARCH = "ascending_aorta", "aortic_arch"
TRACKED_DOWNWARDS = ("descending_aorta", "abdominal_aorta")
"""Found by following circles from slice to slice, so that one wrong step makes everything after it wrong."""
ASCENDING_TO_DESCENDING_RADIUS_MIN = 0.95
"""An ascending aorta is not narrower than the descending; what looks so is another vessel."""

SURROUNDINGS = "surroundings_hu"
"""A region's score: HU of what was taken to surround it."""
EDGE = "edge"
"""A region's score that only vessels through a reader's points have."""
SEEDED_OFF_MAX_MM, SEEDED_STRAYS_MAX_MM, SEEDED_SHARED_MAX = 3.0, 5.0, 0.1
"""Of a vessel through a reader's points: how far one may lie outside its wall, how far beside it a path may run that
knows only one of them (or its radius where that is more), how much of it another vessel may claim too. Beyond, not all
points lie in one vessel (simulated)."""

OUTSIDE_PET, WALL_NOT_VISIBLE, AFTER_LOW_RUN, POOR_FIT, UNSCORED = (
    "outside-pet",
    "wall-not-visible",
    "after-low-run",
    "poor-fit",
    "unscored",
)


@dataclass(frozen=True, eq=False)
class Gate:
    """`reasons` (n,) why a station is not accepted, empty where it is; `refused` why a whole region is not."""

    reasons: NDArray[np.str_]
    refused: Mapping[str, str]

    @cached_property
    def accepted(self) -> NDArray[np.bool_]:
        return np.asarray(self.reasons == "")


def judge(stations: Columns, sample: Mapping[str, Any], settings: GateSettings) -> Gate:
    """Every station (n,) and every region against the gate's settings."""
    reasons = np.full(len(stations["station"]), "", dtype="<U20")
    reasons[_below(stations["visible_fraction"], settings.visible_fraction_min)] = WALL_NOT_VISIBLE
    for rows in _after_low_runs(stations, settings):
        reasons[rows] = AFTER_LOW_RUN
    # A path between points comes back to its vessel, so that only where it is away counts.
    seeded = [region for region, scores in sample["scores"].items() if EDGE in scores]
    reasons[np.isin(stations["region"], seeded) & _below(stations["ring_score"], settings.ring_score_min)] = POOR_FIT
    if not settings.accept_unscored:
        reasons[np.isnan(stations["visible_fraction"]) | np.isnan(stations["ring_score"])] = UNSCORED
    reasons[~stations["in_pet"]] = OUTSIDE_PET
    refused = {}
    for region in REGIONS:
        if reason := _refused(region, stations, sample, settings, reasons):
            refused[region] = reason
    return Gate(reasons, refused)


def _below(scores: NDArray[Any], limit: float) -> NDArray[np.bool_]:
    """Where there is a score and it is below `limit`."""
    return np.asarray(scores < limit)


def _after_low_runs(stations: Columns, settings: GateSettings) -> list[NDArray[np.int64]]:
    """Per vessel the rows from the start of the first long run of low scores to its end."""
    rejected = []
    for vessel in dict.fromkeys(REGIONS[region].vessel for region in TRACKED_DOWNWARDS):
        rows = _in_order((stations["vessel"] == vessel) & np.isin(stations["region"], TRACKED_DOWNWARDS), stations)
        if runs := _low_runs(rows, stations, settings):
            rejected.append(rows[runs[0][0] :])
    return rejected


def _in_order(own: NDArray[np.bool_], stations: Columns) -> NDArray[np.int64]:
    rows = np.flatnonzero(own)
    return rows[np.argsort(stations["station"][rows], kind="stable")]


def _low_runs(rows: NDArray[np.int64], stations: Columns, settings: GateSettings) -> list[tuple[int, float]]:
    """Runs of at least `low_run_mm` of poor fits among stations in order: where each begins, and its length in mm."""
    if len(rows) < 2:
        return []
    low = _below(stations["ring_score"][rows], settings.ring_score_min)
    step = float(np.median(np.diff(stations["arc_mm"][rows])))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], low.astype(np.int8), [0]])))
    runs = [(int(start), float(stop - start) * step) for start, stop in edges.reshape(-1, 2)]
    return [run for run in runs if run[1] >= settings.low_run_mm - 1e-6]


def _refused(
    region: str, stations: Columns, sample: Mapping[str, Any], settings: GateSettings, reasons: NDArray[np.str_]
) -> str | None:
    if region in sample["absent"]:
        return f"absent: {sample['absent'][region]}"
    rows = np.flatnonzero(stations["region"] == region)
    if len(rows) == 0:
        return f"absent: the segmentation has no {region}."
    if not stations["in_pet"][rows].any():
        return "outside-pet: the PET does not reach this region."
    scores = sample["scores"].get(region, {})
    failures = [*_scores(region, stations["ring_score"][rows], scores, settings)]
    failures += _radii(region, stations, settings)
    if region == ARCH:
        failures += _arch(scores, settings)
        runs = _low_runs(_in_order(stations["region"] == ARCH, stations), stations, settings)
        failures += [f"no circle fits it over {length:.0f} mm" for _, length in runs[:1]]
    failures += _seeded(scores, _median_radius(stations, region) or 0.0, settings)
    failures += _mostly(reasons[rows[stations["in_pet"][rows]]], settings)
    return f"needs-review: {'; '.join(failures)}." if failures else None


def _scores(region: str, rings: NDArray[Any], of_region: Mapping[str, float], settings: GateSettings) -> list[str]:
    scored = rings[~np.isnan(rings)]
    if len(scored) == 0:
        return [] if settings.accept_unscored else ["the segmentation gives no ring scores"]
    failures = []
    limit, median = settings.region_ring_score_min.get(region, -1.0), float(np.median(scored))
    if median < limit:
        failures.append(f"median ring score {median:.2f} is below {limit:g}")
    lean_limit = settings.lean_ring_score_min.get(region, -1.0)
    if limit <= median < lean_limit and of_region.get(SURROUNDINGS, -np.inf) > settings.lean_surroundings_hu:
        failures.append(f"median ring score {median:.2f} is below {lean_limit:g}, and no fat is seen around it")
    low = float(_below(scored, settings.ring_score_min).mean())
    if region in TRACKED_DOWNWARDS and low > settings.low_fraction_max:
        failures.append(
            f"{low:.0%} of its stations score below {settings.ring_score_min:g}, "
            f"more than {settings.low_fraction_max:.0%}"
        )
    return failures


def _mostly(reasons: NDArray[np.str_], settings: GateSettings) -> list[str]:
    """What is seen here and there only may be anything."""
    accepted = float((reasons == "").mean())
    if accepted >= settings.accepted_fraction_min or (reasons == UNSCORED).any():
        return []
    return [f"{accepted:.0%} of its stations are accepted, less than {settings.accepted_fraction_min:.0%}"]


def _radii(region: str, stations: Columns, settings: GateSettings) -> list[str]:
    failures = []
    radius = _median_radius(stations, region)
    low, high = settings.radius_mm.get(region, (0.0, np.inf))
    if radius is not None and not low <= radius <= high:
        failures.append(f"median radius {radius:.1f} mm is outside {low:g} to {high:g} mm")
    descending = _median_radius(stations, "descending_aorta") if region == ASCENDING else None
    if radius and descending and radius < ASCENDING_TO_DESCENDING_RADIUS_MIN * descending:
        failures.append(f"its radius {radius:.1f} mm is smaller than that of the descending aorta {descending:.1f} mm")
    return failures


def _median_radius(stations: Columns, region: str) -> float | None:
    radii = stations["radius_mm"][stations["region"] == region]
    return float(np.median(radii)) if len(radii) else None


def _seeded(scores: Mapping[str, float], radius: float, settings: GateSettings) -> list[str]:
    if EDGE not in scores:
        return []
    failures = []
    if scores[EDGE] < settings.seeded_edge_min:
        failures.append(f"mean edge score {scores[EDGE]:.2f} is below {settings.seeded_edge_min:g}")
    if scores["off_mm"] > SEEDED_OFF_MAX_MM:
        failures.append(f"one of its points lies {scores['off_mm']:.1f} mm outside it")
    if scores["strays_mm"] > max(SEEDED_STRAYS_MAX_MM, radius):
        failures.append(f"followed from one end alone it strays by {scores['strays_mm']:.1f} mm")
    if scores["shared"] > SEEDED_SHARED_MAX:
        failures.append(f"{scores['shared']:.0%} of it is claimed by another vessel too")
    return failures


def _arch(scores: Mapping[str, float], settings: GateSettings) -> list[str]:
    limits = {
        "path_cost": (-np.inf, settings.arch_path_cost_max),
        "path_length_mm": settings.arch_length_mm,
        "apex_above_carina_mm": settings.arch_apex_above_carina_mm,
    }
    failures = []
    for name, (low, high) in limits.items():
        value = scores.get(name)
        if value is None and not settings.accept_unscored:
            failures.append(f"the segmentation gives no {name}")
        elif value is not None and not low <= value <= high:
            failures.append(f"{name} {value:.1f} is outside {low:g} to {high:g}")
    return failures
