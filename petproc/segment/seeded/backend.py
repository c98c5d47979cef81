"""Segmentation through a reader's points: every region that has two or more, between its first and last point.

Nothing is judged here: every station carries its scores, and every region how sharp the edge of its wall is (`edge`),
by which `quantify` accepts it or asks for a look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding, Refusal
from petproc.core.regions import AORTA, LABEL_NAMES, LANDMARKS, REGIONS, VESSELS, regions_of
from petproc.core.results import Point, Segmentation
from petproc.core.tables import PointRow, Station
from petproc.core.volume import Labels, Volume
from petproc.segment.airway import find_carina
from petproc.segment.classical.voxelise import voxels_inside
from petproc.segment.parts import aortic_landmark
from petproc.segment.seeded.tube import BLOOD_HU, Seeded, blood_near, fit_tube
from petproc.segment.stations import Tube, make_stations
from petproc.segment.torso import find_torso
from petproc.segment.tube_pieces import GAP, joined
from petproc.settings import SeededSettings

BIFURCATION = "bifurcation"
LENGTH_MIN_MM = 10.0
"""Between the first and the last point of a region; what is shorter has no course."""
NO_POINTS = "no points in config/points.tsv"

Floats = NDArray[np.float64]


def segment(
    ct: Volume, points: Sequence[PointRow], *, settings: SeededSettings, scan: str, threads: int = 1
) -> Segmentation:
    """Vessels on the grid of `ct` (HU, any orientation) through `points`, those of this scan in any order.

    The result is the same for any number of `threads`; one is used. Refused as `points-missing` where there are none,
    as `points-outside` where one lies outside the CT.
    """
    del threads
    if not points:
        raise Refusal(
            "points-missing",
            "No points are set in this scan, through which its vessels would be followed.",
            "Set two or more in each vessel and list them in config/points.tsv.",
            scan,
        )
    _require_inside(ct, points, scan)
    fitted: dict[str, Seeded] = {}
    absent = {}
    for region in (name for name in REGIONS if REGIONS[name].kind != "organ"):
        readers = _with_flow(region, points)
        if reason := _why_absent(ct, readers):
            absent[region] = reason
        else:
            fitted[region] = fit_tube(ct, readers, radius_max_mm=settings.radius_max_mm)
    landmarks = _landmarks(ct, points, fitted)
    stations, findings = _stations(fitted, landmarks)
    labels, shared = _painted(ct, fitted)
    return Segmentation(
        labels,
        stations,
        "seeded",
        scores={region: _scores(found, shared[region]) for region, found in fitted.items()},
        absent=absent,
        landmarks=landmarks,
        findings=findings,
    )


def _require_inside(ct: Volume, points: Sequence[PointRow], scan: str) -> None:
    index = ct.grid.to_index(_places(points))
    outside = np.flatnonzero(((index < -0.5) | (index > np.array(ct.grid.shape) - 0.5)).any(axis=1))
    if len(outside):
        regions = ", ".join(dict.fromkeys(points[int(n)].region for n in outside))
        raise Refusal(
            "points-outside",
            f"{len(outside)} of {len(points)} points lie outside the CT ({regions}).",
            "Write them in RAS+ mm as 3D Slicer shows them (x to the right, y to the front), set on this scan's CT.",
            scan,
        )


def _places(points: Sequence[PointRow]) -> Floats:
    return np.array([(row.x_mm, row.y_mm, row.z_mm) for row in points], dtype=np.float64).reshape(-1, 3)


def _with_flow(region: str, points: Sequence[PointRow]) -> Floats:
    """Places (m, 3) of the region's points in the direction of flow, whatever their order in the file."""
    places = _places([row for row in points if row.region == region])
    return places[np.lexsort((*places.T, places @ np.array(REGIONS[region].flow)))]


def _why_absent(ct: Volume, readers: Floats) -> str:
    """Why no vessel can be followed through these points (m, 3); empty where one can."""
    if len(readers) == 0:
        return NO_POINTS
    if len(readers) == 1:
        return "it has one point; a course needs two"
    length = float(np.linalg.norm(readers[-1] - readers[0]))
    if length < LENGTH_MIN_MM:
        return f"its points are {length:.0f} mm apart, less than {LENGTH_MIN_MM:g} mm"
    hu = blood_near(ct, readers)
    low, high = BLOOD_HU
    return "" if low <= hu <= high else f"its points do not lie in blood ({hu:.0f} HU)"


def _painted(ct: Volume, fitted: Mapping[str, Seeded]) -> tuple[Labels, dict[str, float]]:
    """Labels, and the share of each region's voxels that another region claims too: one of them is not what it is
    called."""
    data, claims = np.zeros(ct.grid.shape, dtype=np.uint8), np.zeros(ct.grid.shape, dtype=np.uint8)
    inside = {region: tuple(voxels_inside(ct.grid, found.surface)[0].T) for region, found in fitted.items()}
    for region, voxels in inside.items():
        data[voxels] = REGIONS[region].value
        claims[voxels] += 1
    shared = {region: float((claims[voxels] > 1).mean()) for region, voxels in inside.items()}
    return Labels(data, ct.grid, LABEL_NAMES), shared


def _landmarks(ct: Volume, points: Sequence[PointRow], fitted: Mapping[str, Seeded]) -> dict[str, Point]:
    """A carotid's bifurcation where its reader set it; of an aorta the carina, which is looked for."""
    landmarks = {
        LANDMARKS[REGIONS[row.region].vessel]: (row.x_mm, row.y_mm, row.z_mm)
        for row in points
        if row.place == BIFURCATION and row.region in fitted
    }
    if any(region in fitted for region in regions_of(AORTA)) and (airway := find_carina(find_torso(ct))):
        landmarks[LANDMARKS[AORTA]] = airway.carina
    return landmarks


def _stations(
    fitted: Mapping[str, Seeded], landmarks: Mapping[str, Point]
) -> tuple[tuple[Station, ...], tuple[Finding, ...]]:
    stations: list[Station] = []
    findings = []
    for vessel in VESSELS:
        regions = [region for region in regions_of(vessel) if region in fitted]
        if not regions:
            continue
        tube, named = _joined(regions, fitted)
        landmark = landmarks.get(LANDMARKS.get(vessel, ""))
        if vessel == AORTA:
            landmark = aortic_landmark(tube.points_mm, carina=landmark)
        if vessel in LANDMARKS and landmark is None:
            findings.append(_no_landmark(vessel))
        rows = make_stations(vessel, tube, regions=named, landmark=landmark)
        stations += [
            replace(row, station=number) for number, row in enumerate(row for row in rows if row.region != GAP)
        ]
    return tuple(stations), tuple(findings)


def _joined(regions: Sequence[str], fitted: Mapping[str, Seeded]) -> tuple[Tube, tuple[str, ...]]:
    """The regions of one vessel as one line with scores, which the gaps between them lack."""
    surfaces = [fitted[region].surface for region in regions]
    tube, named = joined(
        [
            (Tube(surface.points_mm, surface.equal_radius_mm), (region,) * len(surface.points_mm))
            for region, surface in zip(regions, surfaces, strict=True)
        ]
    )
    known = np.array(named) != GAP
    ring, visible = np.full(len(named), np.nan), np.full(len(named), np.nan)
    ring[known] = np.concatenate([fitted[region].ring_score for region in regions])
    visible[known] = np.concatenate([surface.visible.mean(axis=1) for surface in surfaces])
    return Tube(tube.points_mm, tube.radii_mm, ring, visible), named


def _no_landmark(vessel: str) -> Finding:
    name = LANDMARKS[vessel].replace("_", " ")
    message = (
        f"The {name} is not known; the arc length of the {vessel} counts from its first station, so that visits match "
        "only if its points begin at the same place."
    )
    return Finding("no-landmark", message)


def _scores(found: Seeded, shared: float) -> dict[str, float]:
    return {
        "edge": float(found.edge.mean()),
        "off_mm": found.off_mm,
        "strays_mm": found.strays_mm,
        "shared": shared,
    }
