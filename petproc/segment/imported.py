"""Segmentation made elsewhere: a label map on the CT grid, from a reader or any program, with the names of its values.

The labels are taken as they are. What is added is what every backend gives: centrelines, stations with arc length from
the anatomical landmark, and findings. Such stations have no scores; whether they are accepted is set in the gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Grid
from petproc.core.regions import AORTA, LABEL_NAMES, REGIONS, VESSELS, regions_of
from petproc.core.results import Point, Segmentation
from petproc.core.tables import Station
from petproc.core.volume import Labels, Volume
from petproc.segment.airway import find_carina
from petproc.segment.centreline import centreline_of, region_along
from petproc.segment.lattice import onto_grid
from petproc.segment.parts import aortic_landmark
from petproc.segment.sections import Mask
from petproc.segment.stations import Tube, make_stations
from petproc.segment.torso import find_torso
from petproc.segment.tube_pieces import GAP, joined

LISTED = 8
"""values without a name that a finding spells out"""
TOUCHING = np.ones((3, 3, 3), dtype=bool)


def segment(ct: Volume, labels: Labels, *, names: Mapping[str, int], scan: str) -> Segmentation:
    """`labels` holds the file's own values, `names` says which value is which region (region -> value).

    Refused where the map is not on the CT's lattice (`labels-off-grid`) or holds none of the values (`labels-empty`).
    Values without a name are ignored, of a region in several pieces the largest is kept: both with a finding.
    """
    raw = onto_grid(labels, ct.grid, scan=scan)
    box = _box(raw)
    if box is None or not np.isin(raw[box], list(names.values())).any():
        wanted = ", ".join(f"{name} = {value}" for name, value in names.items())
        raise Refusal(
            "labels-empty",
            f"The label map holds none of the values that are named ({wanted}).",
            "Set segment.imported.names to the values of this file, or replace the file.",
            scan,
        )
    near = _cut(raw, ct.grid, box)
    named, findings = _named(near, names)
    absent = {name: _why_absent(name, names) for name in REGIONS if not (named.data == REGIONS[name].value).any()}
    carina = _carina(ct) if any(name not in absent for name in regions_of(AORTA)) else None
    stations: list[Station] = []
    for vessel in VESSELS:
        rows, noticed, lost = _vessel(named, vessel, carina)
        stations += rows
        findings += noticed
        absent |= lost
    for name in absent:
        named.data[named.data == REGIONS[name].value] = 0
    whole = np.zeros(ct.grid.shape, dtype=np.uint8)
    whole[box] = named.data
    return Segmentation(
        Labels(whole, ct.grid, LABEL_NAMES),
        tuple(stations),
        "imported",
        absent=absent,
        landmarks={"carina": carina} if carina else {},
        findings=tuple(findings),
    )


def _box(data: NDArray[np.uint8]) -> tuple[slice, slice, slice] | None:
    """The smallest box of voxels that holds everything, None where there is nothing."""
    seen = [np.flatnonzero(data.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    if len(seen[0]) == 0:
        return None
    i, j, k = (slice(int(found[0]), int(found[-1]) + 1) for found in seen)
    return i, j, k


def _cut(data: NDArray[np.uint8], grid: Grid, box: tuple[slice, slice, slice]) -> Labels:
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_mm([part.start for part in box])
    return Labels(data[box], Grid(data[box].shape, affine), {})


def _named(raw: Labels, names: Mapping[str, int]) -> tuple[Labels, list[Finding]]:
    """The regions by our own values, each in one piece."""
    findings = []
    data = np.zeros_like(raw.data, order="C")
    for name, value in names.items():
        mask, dropped = _largest(raw.data == value)
        data[mask] = REGIONS[name].value
        if dropped:
            volume = dropped * raw.grid.voxel_ml
            message = f"{name} is in several pieces; the largest was kept, {volume:.2f} mL of others left out."
            findings.append(Finding("region-in-pieces", message))
    counts = np.bincount(raw.data.ravel(), minlength=256)
    unknown = [str(value) for value in np.flatnonzero(counts) if value and value not in names.values()]
    if unknown:
        listed = ", ".join(unknown[:LISTED]) + (f" and {len(unknown) - LISTED} more" if len(unknown) > LISTED else "")
        message = f"The label map also holds values without a name in segment.imported.names, left out: {listed}."
        findings.insert(0, Finding("labels-ignored", message, "info"))
    return Labels(data, raw.grid, LABEL_NAMES), findings


def _largest(mask: Mask) -> tuple[Mask, int]:
    """The largest piece of a mask (of equal ones the first) and how many voxels the others have."""
    parts, count = ndimage.label(mask, TOUCHING)
    if count < 2:
        return mask, 0
    sizes = np.bincount(parts.ravel())[1:]
    return np.asarray(parts == 1 + int(sizes.argmax())), int(sizes.sum() - sizes.max())


def _why_absent(name: str, names: Mapping[str, int]) -> str:
    if name not in names:
        return "segment.imported.names gives no value for it"
    return f"the label map holds no voxel of value {names[name]}"


def _carina(ct: Volume) -> Point | None:
    airway = find_carina(find_torso(ct))
    return airway.carina if airway else None


def _vessel(
    labels: Labels, vessel: str, carina: Point | None
) -> tuple[tuple[Station, ...], list[Finding], dict[str, str]]:
    """Stations of one vessel, findings, and the regions that have no centreline (region -> why)."""
    pieces: list[tuple[Tube, tuple[str, ...]]] = []
    lost: dict[str, str] = {}
    parts, count = ndimage.label(labels.mask(*regions_of(vessel)), TOUCHING)
    for part in range(1, count + 1):
        piece = Labels(np.where(parts == part, labels.data, 0).astype(np.uint8), labels.grid, labels.names)
        try:
            tube = centreline_of(piece, vessel)
        except Refusal as refusal:
            lost |= {LABEL_NAMES[int(value)]: refusal.reason for value in np.unique(piece.data) if value}
        else:
            pieces.append((tube, _filled(region_along(tube, piece))))
    if not pieces:
        return (), [], lost
    findings = []
    pieces.sort(key=lambda piece: min(REGIONS[name].value for name in piece[1]))
    if len(pieces) > 1:
        message = f"The {vessel} is in {len(pieces)} pieces; its arc length runs over each gap on a smooth curve."
        findings.append(Finding("vessel-in-pieces", message))
    tube, regions = joined(pieces)
    landmark = aortic_landmark(tube.points_mm, carina=carina) if vessel == AORTA else None
    if vessel == AORTA and landmark is None:
        message = (
            "The height of the carina is not on the labelled aorta or was not found; arc length counts from its first "
            "station, so that visits match only if their labels begin at the same place."
        )
        findings.append(Finding("no-landmark", message))
    rows = make_stations(vessel, tube, regions=regions, landmark=landmark)
    kept = [row for row in rows if row.region != GAP]
    return tuple(replace(row, station=number) for number, row in enumerate(kept)), findings, lost


def _filled(regions: tuple[str | None, ...]) -> tuple[str, ...]:
    """Every point with a region: where the line leaves the labels for a voxel, that of the nearest point with one."""
    known = np.array([n for n, name in enumerate(regions) if name is not None])
    nearest = known[np.abs(np.arange(len(regions))[:, None] - known).argmin(axis=1)]
    return tuple(str(regions[n]) for n in nearest)
