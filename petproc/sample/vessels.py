"""Every vessel of a segmentation as rows of PET voxels: axis by axis, stretch by stretch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from petproc.core.errors import Finding
from petproc.core.grid import Grid
from petproc.core.regions import REGIONS, VESSELS, regions_of
from petproc.core.results import Segmentation
from petproc.core.tables import Station
from petproc.sample.place import Axis, axes_of, stretches_of
from petproc.sample.rows import Rows, rows_of
from petproc.sample.wall import fit_tube

STRAY_MAX = 0.03
"""Above this share of voxels on the wrong side of the fitted wall the labels are no tube around the centreline."""


@dataclass
class Vessels:
    """Rows of every stretch, why a region has none, how well each vessel's labels are a tube, and what was noticed."""

    absent: dict[str, str]
    rows: list[Rows] = field(default_factory=list)
    stray: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def regions(self) -> list[str]:
        return [name for name in REGIONS if self.count(name)]

    def count(self, region: str) -> int:
        return sum(len(rows.index) for rows in self.rows if rows.region == region)


def vessels_of(segmentation: Segmentation, pet: Grid, *, reach_mm: float, threads: int) -> Vessels:
    """Rows of every vessel that has both labels and a centreline."""
    vessels = Vessels(dict(segmentation.absent))
    for vessel in VESSELS:
        stations = _labelled(vessel, segmentation, vessels)
        for axis in axes_of(stations):
            vessels.rows += _axis_rows(axis, segmentation, pet, vessels, reach_mm=reach_mm, threads=threads)
    for region in {station.region for station in segmentation.stations} | set(segmentation.labels.names.values()):
        if region in REGIONS and not vessels.count(region):
            vessels.absent.setdefault(region, "It lies outside the PET volume.")
    return vessels


def _labelled(vessel: str, segmentation: Segmentation, vessels: Vessels) -> Sequence[Station]:
    """Stations of the vessel's regions that have labels; a region with one of the two alone is absent."""
    stations = [station for station in segmentation.stations if station.vessel == vessel]
    for region in regions_of(vessel):
        has_line = any(station.region == region for station in stations)
        has_label = bool(segmentation.labels.mask(region).any())
        if has_line and not has_label:
            vessels.absent.setdefault(region, "It has a centreline but no labels.")
            stations = [station for station in stations if station.region != region]
        if has_label and not has_line:
            vessels.absent.setdefault(region, "It has labels but no centreline.")
    return stations


def _axis_rows(
    axis: Axis, segmentation: Segmentation, pet: Grid, vessels: Vessels, *, reach_mm: float, threads: int
) -> list[Rows]:
    tube = fit_tube(axis, segmentation.labels.mask(*axis.regions), segmentation.labels.grid)
    vessels.stray[axis.vessel] = max(vessels.stray.get(axis.vessel, 0.0), tube.stray_fraction)
    if tube.stray_fraction > STRAY_MAX:
        vessels.findings.append(
            Finding(
                "labels-not-tubular",
                f"{tube.stray_fraction:.0%} of the voxels of {axis.vessel} lie on the wrong side of the smooth wall "
                "drawn through its labels; look at the overlays before trusting its depths.",
            )
        )
    return [rows_of(tube, stretch, pet, reach_mm=reach_mm, threads=threads) for stretch in stretches_of(axis)]
