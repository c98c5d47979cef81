"""Everything of a segmentation as rows of PET voxels: vessels axis by axis, stretch by stretch, and organs whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from petproc.core.errors import Finding
from petproc.core.grid import Grid
from petproc.core.regions import ORGANS, REGIONS, VESSELS, regions_of
from petproc.core.results import Segmentation
from petproc.core.tables import Station
from petproc.core.volume import Labels
from petproc.sample.organs import organ_rows
from petproc.sample.place import Axis, axes_of, stretches_of
from petproc.sample.rows import Rows, rows_of, united
from petproc.sample.wall import Tube, fit_tube

STRAY_MAX = 0.03
"""Above this share of voxels on the wrong side of the fitted wall the labels are no tube around the centreline."""


@dataclass
class Vessels:
    """Rows by region in the order of `REGIONS`, why a region has none, how well each vessel's labels are a tube."""

    absent: dict[str, str]
    rows: dict[str, Rows] = field(default_factory=dict)
    stray: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def vessels_of(segmentation: Segmentation, pet: Grid, *, reach_mm: float, threads: int) -> Vessels:
    """Rows of every region that has labels and voxels in the PET, and, but for organs, a centreline."""
    vessels = Vessels(dict(segmentation.absent))
    parts: dict[str, list[Rows]] = {region: [] for region in REGIONS}
    for vessel in VESSELS:
        for axis in axes_of(_labelled(vessel, segmentation, vessels)):
            tube = _tube(axis, segmentation.labels, vessels)
            for stretch in stretches_of(axis):
                parts[stretch.region].append(rows_of(tube, stretch, pet, reach_mm=reach_mm, threads=threads))
    for organ in ORGANS:
        if segmentation.labels.mask(organ).any():
            parts[organ].append(organ_rows(segmentation.labels, organ, pet, threads=threads))
    for region, found in parts.items():
        if sum(len(part) for part in found):
            vessels.rows[region] = united(found)
        elif found:
            vessels.absent.setdefault(region, "It lies outside the PET volume.")
        elif segmentation.labels.mask(region).any():
            vessels.absent.setdefault(region, "It has labels but no centreline in them that is long enough to follow.")
    return vessels


def _labelled(vessel: str, segmentation: Segmentation, vessels: Vessels) -> Sequence[Station]:
    """The vessel's stations that lie in its labels: where an edit took the labels away nothing is measured."""
    stations = [station for station in segmentation.stations if station.vessel == vessel]
    for region in {station.region for station in stations}:
        if not segmentation.labels.mask(region).any():
            vessels.absent.setdefault(region, "It has a centreline but no labels.")
            stations = [station for station in stations if station.region != region]
    inside = [station for station in stations if _in_labels(station, segmentation.labels)]
    if len(inside) < len(stations):
        lost = len(stations) - len(inside)
        vessels.findings.append(
            Finding("stations-off-labels", f"{lost} stations of {vessel} lie outside its labels and are not sampled.")
        )
    return inside


def _in_labels(station: Station, labels: Labels) -> bool:
    """Whether the station's voxel or one next to it bears a label of its vessel."""
    i, j, k = np.rint(labels.grid.to_index([station.x_mm, station.y_mm, station.z_mm])).astype(int).tolist()
    near = labels.data[max(i - 1, 0) : max(i + 2, 0), max(j - 1, 0) : max(j + 2, 0), max(k - 1, 0) : max(k + 2, 0)]
    own = [value for value, name in labels.names.items() if name in regions_of(station.vessel)]
    return bool(np.isin(near, own).any())


def _tube(axis: Axis, labels: Labels, vessels: Vessels) -> Tube:
    tube = fit_tube(axis, labels.mask(*axis.regions), labels.grid)
    vessels.stray[axis.vessel] = max(vessels.stray.get(axis.vessel, 0.0), tube.stray_fraction)
    if tube.stray_fraction > STRAY_MAX:
        vessels.findings.append(
            Finding(
                "labels-not-tubular",
                f"{tube.stray_fraction:.0%} of the voxels of {axis.vessel} lie on the wrong side of the smooth wall "
                "drawn through its labels; look at the overlays before trusting its depths.",
            )
        )
    return tube
