"""A number of `uptake.tsv` once more, row by row in plain Python: the second path of an audit.

It takes activities (from the delivery), the geometry that `sample` left in its tables, and the settings that the tables
say they were made with, and shares no code with `quantify`. Definitions are those of `reference` and of the manual in
`config/config.yaml`. What it does not know by name it does not measure: `NotPlain` says why.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from petproc.core.grid import Grid
from petproc.core.regions import REGIONS
from petproc.core.tables import Verdict

Row = dict[str, Any]
Settings = Mapping[str, Any]

BLOOD_PLANES = 6
NEUTRAL: tuple[Any, ...] = (None, 0, False, "", [], {}, ())
"""Values with which a setting that this path does not know cannot matter."""
KNOWN = {
    *("regions", "suv", "further_metrics", "depth_mm", "coverage", "slicing", "slab_mm"),
    *("slice_accepted_min", "slice_area_min", "slices_min", "myocardium_distance_min_mm", "active_tbr", "segment_mm"),
    *("positive_tbr", "above_blood_sd", "glucose_reference_mmol_l", "organ_depth_min_mm", "background", "gate"),
}
KNOWN_BACKGROUND = {
    *("region", "region_of", "volume_ml", "depth_min_mm", "depth_preferred_mm", "radius_min_mm", "second_regions"),
    *("vessel_distance_min_mm", "myocardium_distance_min_mm", "lung_distance_min_mm", "artery_depth_min_mm"),
}
KNOWN_GATE = {
    *("visible_fraction_min", "ring_score_min", "low_run_mm", "region_ring_score_min", "radius_mm"),
    *("low_fraction_max", "accepted_fraction_min", "arch_path_cost_max", "arch_length_mm"),
    *("arch_apex_above_carina_mm", "seeded_edge_min", "accept_unscored"),
    *("lean_ring_score_min", "lean_surroundings_hu"),
}
TRACKED = ("descending_aorta", "abdominal_aorta")
"""Followed from slice to slice, so that everything after a long run of poor fits is left out."""


class NotPlain(Exception):
    """A definition that this path does not have; says which."""


@dataclass(frozen=True, eq=False)
class PlainScan:
    """A scan as one backend segmented it: rows of the voxel table with `activity` from the delivery, in the order
    region, k, j, i; rows of the stations table; the sidecar of `sample`; verdicts on this scan in their order."""

    voxels: Mapping[str, Sequence[Row]]
    stations: Sequence[Row]
    sample: Mapping[str, Any]
    grid: Grid
    verdicts: Sequence[Verdict] = ()


@dataclass(frozen=True)
class Slice:
    """`number` counts all slices of the region with the flow."""

    number: int
    rows: Sequence[Row]
    slice_mm: float
    counts: bool


def blood_rows(region: str, scan: PlainScan, settings: Settings) -> list[Row]:
    """The deepest rows of a region that qualify: as many as make the volume and six planes."""
    of = settings["background"]
    least = of["depth_min_mm"]
    if REGIONS[region].kind == "artery":
        least = max(least, of["artery_depth_min_mm"])
    far = {"vessel_mm": "vessel_distance", "myocardium_mm": "myocardium_distance", "lung_mm": "lung_distance"}
    allowed = [
        row
        for row in _judged(region, scan, settings)
        if row["depth_p50"] >= least
        and row["accepted"]
        and row["at"]["radius_mm"] >= of["radius_min_mm"]
        and all(row[column] >= of[f"{name}_min_mm"] for column, name in far.items())
    ]
    allowed.sort(key=lambda row: (-row["depth_p50"], row["k"], row["j"], row["i"]))
    wanted = math.ceil(of["volume_ml"] / scan.grid.voxel_ml - 1e-9)
    chosen: list[Row] = []
    for row in allowed:
        if len(chosen) >= wanted and len({one["k"] for one in chosen}) >= BLOOD_PLANES:
            break
        chosen.append(row)
    return chosen


def slices_of(region: str, scan: PlainScan, settings: Settings) -> list[Slice]:
    """All slices of a region with the flow, counting or not."""
    rows = _judged(region, scan, settings)
    axial = (settings.get("slicing", {}).get(region) or REGIONS[region].slicing) == "axial"
    length = max(settings["slab_mm"], float(max(scan.grid.spacing)))
    own = [at for at in scan.stations if at["region"] == region and at["in_pet"]]
    if axial:
        places = [round(float(scan.grid.to_index([at["x_mm"], at["y_mm"], at["z_mm"]])[2])) for at in own]
    else:
        places = [math.floor(at["arc_mm"] / length) for at in own]
    by_number: dict[int, list[Row]] = {}
    for row in rows:
        by_number.setdefault(row["k"] if axial else math.floor(row["arc"] / length), []).append(row)
    expected = range(min(places), max(places) + 1) if places else range(0)
    found = []
    for number, members in by_number.items():
        inside = _inside(members, settings, stands_in=number in expected)
        if inside:
            found.append(inside)
    found.sort(key=lambda inside: statistics.fmean(row["arc"] for row in inside))
    least = math.floor(settings["slice_area_min"] * statistics.median([len(inside) for inside in found] or [0]))
    apart = _between_planes(scan.grid) if axial else length
    return [Slice(n + 1, inside, apart, _counts(inside, least, settings)) for n, inside in enumerate(found)]


def organ_rows(region: str, scan: PlainScan, settings: Settings) -> list[Row]:
    """Rows deep enough under the surface of an organ."""
    least = settings["organ_depth_min_mm"][region]
    return [row for row in scan.voxels.get(region, ()) if row["depth_p50"] >= least]


def check_known(settings: Settings) -> None:
    """`NotPlain` where an analysis asks for something that this path does not have."""
    for section, known, where in (
        (settings, KNOWN, "quantify"),
        (settings["background"], KNOWN_BACKGROUND, "quantify.background"),
        (settings["gate"], KNOWN_GATE, "quantify.gate"),
    ):
        for name in sorted(set(section) - known):
            if section[name] not in NEUTRAL:
                raise NotPlain(f"it does not know the setting {where}.{name}")


def rows_at(region: str, scan: PlainScan) -> list[Row]:
    """Rows that lie at one of the region's own stations, with that station and their arc length."""
    vessel = REGIONS[region].vessel
    stations = {at["station"]: at for at in scan.stations if at["vessel"] == vessel and at["region"] == region}
    arcs = sorted(at["arc_mm"] for at in stations.values())
    steps = [after - before for before, after in pairwise(arcs)]
    half = statistics.median(steps) / 2.0 if steps else 0.0
    members = [row for row in scan.voxels.get(region, ()) if row["station"] in stations]
    places = scan.grid.to_mm([(row["i"], row["j"], row["k"]) for row in members]).tolist() if members else []
    found = []
    for row, place in zip(members, places, strict=True):
        at = stations[row["station"]]
        past = sum((place[n] - at[f"{axis}_mm"]) * at[f"tangent_{axis}"] for n, axis in enumerate("xyz"))
        found.append({**row, "at": at, "arc": at["arc_mm"] + min(max(past, -half), half)})
    return found


def _judged(region: str, scan: PlainScan, settings: Settings) -> list[Row]:
    """The same rows, and whether the station of each is accepted."""
    accepted = _accepted(scan, settings["gate"])
    return [{**row, "accepted": accepted[row["at"]["vessel"], row["station"]]} for row in rows_at(region, scan)]


def _inside(rows: Sequence[Row], settings: Settings, *, stands_in: bool) -> list[Row]:
    outer, inner = settings.get("depth_mm", (0.0, None))
    share = f"depth_{settings['coverage']}"
    opposite = f"depth_p{100 - int(settings['coverage'][1:])}"
    above = [row for row in rows if inner is None or row[opposite] < inner]
    inside = [row for row in above if row[share] >= outer]
    touched = [row for row in above if row["depth_p90"] >= outer]
    if inside or not stands_in or not touched:
        return inside
    return [max(touched, key=lambda row: row["depth_p50"])]


def _counts(rows: Sequence[Row], least: int, settings: Settings) -> bool:
    accepted = sum(row["accepted"] for row in rows) / len(rows)
    near = min(row["myocardium_mm"] for row in rows) < settings["myocardium_distance_min_mm"]
    return accepted >= settings["slice_accepted_min"] and len(rows) >= least and not near


def _between_planes(grid: Grid) -> float:
    """Distance between PET planes, which may be less than the step from voxel to voxel."""
    (a, b, c), (d, e, f) = grid.affine[:3, 0], grid.affine[:3, 1]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    size = math.sqrt(sum(one * one for one in normal))
    return float(abs(sum(one * step for one, step in zip(normal, grid.affine[:3, 2], strict=True))) / size)


def _accepted(scan: PlainScan, gate: Settings) -> dict[tuple[str, int], bool]:
    """Of every station whether slices there may count."""
    seeded = {region for region, scores in scan.sample["scores"].items() if "edge" in scores}
    after_low = _after_low_run(scan, gate)
    accepted = {}
    for at in scan.stations:
        ring, visible = at["ring_score"], at["visible_fraction"]
        poor = visible is not None and visible < gate["visible_fraction_min"]
        poor |= at["region"] in seeded and ring is not None and ring < gate["ring_score_min"]
        poor |= not gate["accept_unscored"] and (ring is None or visible is None)
        key = (at["vessel"], at["station"])
        released = any(one.region == at["region"] and one.judgement == "released" for one in scan.verdicts)
        excluded = any(_excludes(one, at) for one in scan.verdicts)
        accepted[key] = at["in_pet"] and not excluded and (released or not (poor or key in after_low))
    return accepted


def _excludes(verdict: Verdict, at: Row) -> bool:
    if verdict.judgement != "arc-excluded" or verdict.region != at["region"]:
        return False
    return (
        verdict.from_mm is not None and verdict.to_mm is not None and verdict.from_mm <= at["arc_mm"] <= verdict.to_mm
    )


def _after_low_run(scan: PlainScan, gate: Settings) -> set[tuple[str, int]]:
    """Stations of the tracked vessel from the start of its first long run of low ring scores on."""
    tracked = sorted((at for at in scan.stations if at["region"] in TRACKED), key=lambda at: at["station"])
    if len(tracked) < 2:
        return set()
    step = statistics.median([b["arc_mm"] - a["arc_mm"] for a, b in pairwise(tracked)])
    start = None
    for n, at in enumerate([*tracked, None]):
        low = at is not None and at["ring_score"] is not None and at["ring_score"] < gate["ring_score_min"]
        if low:
            start = n if start is None else start
        elif start is not None:
            if (n - start) * step >= gate["low_run_mm"] - 1e-6:
                return {(one["vessel"], one["station"]) for one in tracked[start:]}
            start = None
    return set()
