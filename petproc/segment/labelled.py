"""From masks of any program on the voxels of the CT to what every backend gives: regions, centrelines, stations.

The masks are taken as they are, but for an undivided aorta, which is split by the rule of all backends (`parts`), and
for loose pieces of a vessel. Organs have labels alone. Stations have no scores; whether they are accepted is set in the
gate. Arc length counts from a landmark only where something shows it: the carina on the CT for the aorta; for a carotid
a mask of the internal or external carotid that goes on from its upper end, or a reader's point at the bifurcation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Grid
from petproc.core.regions import AORTA, GUIDES, LABEL_NAMES, LANDMARKS, REGIONS, VESSELS, regions_of
from petproc.core.results import Point, Segmentation
from petproc.core.tables import PointRow, Station
from petproc.core.volume import Labels, Volume
from petproc.segment.airway import find_carina
from petproc.segment.centreline import centreline_of, region_along
from petproc.segment.parts import Guides, aortic_landmark
from petproc.segment.sections import Floats, Mask
from petproc.segment.stations import Tube, make_stations
from petproc.segment.torso import Torso, find_torso
from petproc.segment.tube_pieces import GAP, joined
from petproc.segment.undivided import TOUCHING, painted_parts, touching

LISTED = 8
"""values without a name that a finding spells out"""
BRANCHES_WITHIN_MM = 10.0
"""of the common carotid's upper end, where its internal and external branch begin if the end is the bifurcation"""

Pieces = list[tuple[Tube, tuple[str, ...]]]


@dataclass
class _Found:
    """What has been made of the masks so far."""

    labels: Labels
    stations: list[Station] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    landmarks: dict[str, Point] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def from_masks(
    ct: Volume, masks: NDArray[np.uint8], *, names: Mapping[str, int], backend: str, points: Sequence[PointRow] = ()
) -> Segmentation:
    """`masks` holds values on the CT's voxels, `names` says which is which region or guide (`core.regions`).

    At least one named value must occur. Values without a name are left out, of a vessel's region in several pieces all
    but the largest: both with a finding. `points` are the readers' of this scan; only bifurcations are taken from them.
    """
    box = box_of(masks)
    assert box is not None
    near = _cut(masks, ct.grid, box)
    found = _Found(_named(near, names))
    found.findings += _ignored(near, names)
    carina = _look_at_chest(ct, near, names, found)
    for region in REGIONS.values():
        if region.kind != "organ" and not (region.vessel == AORTA and AORTA in names):
            _keep_largest(found, region.name)
    for name in REGIONS:
        if name not in found.absent and not found.labels.mask(name).any():
            found.absent[name] = _why_absent(name, names)
    for vessel in VESSELS:
        _follow(vessel, found, carina, _bifurcation_shown(vessel, near, names, points))
    for name in found.absent:
        found.labels.data[found.labels.data == REGIONS[name].value] = 0
    whole = np.zeros(ct.grid.shape, dtype=np.uint8)
    whole[box] = found.labels.data
    return Segmentation(
        Labels(whole, ct.grid, LABEL_NAMES),
        tuple(found.stations),
        backend,
        absent=found.absent,
        landmarks=found.landmarks,
        findings=tuple(found.findings),
    )


def box_of(data: NDArray[np.uint8]) -> tuple[slice, slice, slice] | None:
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


def _named(near: Labels, names: Mapping[str, int]) -> Labels:
    """The regions by our own values."""
    ours = np.zeros(256, dtype=np.uint8)
    for name, value in names.items():
        if name in REGIONS:
            ours[value] = REGIONS[name].value
    return Labels(ours[near.data], near.grid, LABEL_NAMES)


def _ignored(near: Labels, names: Mapping[str, int]) -> list[Finding]:
    counts = np.bincount(near.data.ravel(), minlength=256)
    unknown = [str(value) for value in np.flatnonzero(counts) if value and value not in names.values()]
    if not unknown:
        return []
    listed = ", ".join(unknown[:LISTED]) + (f" and {len(unknown) - LISTED} more" if len(unknown) > LISTED else "")
    message = f"The label map also holds values without a name in segment.imported.names, left out: {listed}."
    return [Finding("labels-ignored", message, "info")]


def _mask(near: Labels, names: Mapping[str, int], *wanted: str) -> Mask:
    return np.isin(near.data, [names[name] for name in wanted if name in names])


def _look_at_chest(ct: Volume, near: Labels, names: Mapping[str, int], found: _Found) -> Point | None:
    """The carina where an aorta is labelled; an undivided aorta is split by it and by the masks of its neighbours."""
    undivided = _mask(near, names, AORTA, "sinotubular_junction") if AORTA in names else np.zeros(1, dtype=bool)
    if not undivided.any() and not found.labels.mask(*regions_of(AORTA)).any():
        return None
    torso = find_torso(ct)
    carina = _carina(torso)
    if carina is not None:
        found.landmarks["carina"] = carina
    if undivided.any():
        try:
            guides = _guides(near, names, undivided)
            parts = painted_parts(undivided, near.grid, torso=torso, carina=carina, guides=guides)
        except Refusal as refusal:
            found.absent |= dict.fromkeys(regions_of(AORTA), f"{refusal.reason} {refusal.remedy}")
        else:
            found.labels.data[parts > 0] = parts[parts > 0]
    return carina


def _carina(torso: Torso) -> Point | None:
    airway = find_carina(torso)
    return airway.carina if airway else None


def _guides(near: Labels, names: Mapping[str, int], aorta: Mask) -> Guides:
    def places(name: str) -> Floats | None:
        mask = _mask(near, names, name)
        return near.grid.to_mm(np.argwhere(mask)) if mask.any() else None

    trunk, subclavian = (
        touching(_mask(near, names, name), aorta, near.grid) for name in ("brachiocephalic_trunk", "left_subclavian")
    )
    return Guides(
        sinotubular_junction=places("sinotubular_junction"),
        myocardium=places("myocardium"),
        brachiocephalic_trunk=trunk,
        left_subclavian=subclavian,
        vertebra_t12=places("vertebra_t12"),
    )


def _keep_largest(found: _Found, name: str) -> None:
    """Of a region in several pieces the largest; of equal ones the first."""
    mask = found.labels.mask(name)
    parts, count = ndimage.label(mask, TOUCHING)
    if count < 2:
        return
    sizes = np.bincount(parts.ravel())[1:]
    others = mask & (parts != 1 + int(sizes.argmax()))
    found.labels.data[others] = 0
    volume = others.sum() * found.labels.grid.voxel_ml
    message = f"{name} is in several pieces; the largest was kept, {volume:.2f} mL of others left out."
    found.findings.append(Finding("region-in-pieces", message))


def _why_absent(name: str, names: Mapping[str, int]) -> str:
    if name in regions_of(AORTA) and AORTA in names:
        return "the masks hold no aorta, or none that reaches it"
    return "the masks hold no voxel of it" if name in names else "the masks have no name for it"


def _follow(vessel: str, found: _Found, carina: Point | None, bifurcation: Floats | None) -> None:
    """Adds the stations of one vessel, or says why its regions have none; `bifurcation` as `_bifurcation_shown`."""
    pieces, lost = _pieces(vessel, found.labels)
    found.absent |= lost
    if not pieces:
        return
    if len(pieces) > 1:
        message = f"The {vessel} is in {len(pieces)} pieces; its arc length runs over each gap on a smooth curve."
        found.findings.append(Finding("vessel-in-pieces", message))
    tube, regions = joined(pieces)
    landmark: Point | None = None
    if vessel == AORTA:
        landmark = aortic_landmark(tube.points_mm, carina=carina)
    elif bifurcation is not None:
        landmark = _point(bifurcation[0] if len(bifurcation) == 1 else _upper_end(tube, bifurcation))
        if landmark is not None:
            found.landmarks[LANDMARKS[vessel]] = landmark
    if vessel in LANDMARKS and landmark is None:
        found.findings.append(_no_landmark(vessel))
    rows = make_stations(vessel, tube, regions=regions, landmark=landmark)
    kept = [row for row in rows if row.region != GAP]
    found.stations += [replace(row, station=number) for number, row in enumerate(kept)]


def _pieces(vessel: str, labels: Labels) -> tuple[Pieces, dict[str, str]]:
    """Every piece of a vessel as a tube with the region of each point, with the flow; and regions without one."""
    pieces: Pieces = []
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
    return sorted(pieces, key=lambda piece: min(REGIONS[name].value for name in piece[1])), lost


def _filled(regions: tuple[str | None, ...]) -> tuple[str, ...]:
    """Every point with a region: where the line leaves the labels for a voxel, that of the nearest point with one."""
    known = np.array([n for n, name in enumerate(regions) if name is not None])
    nearest = known[np.abs(np.arange(len(regions))[:, None] - known).argmin(axis=1)]
    return tuple(str(regions[n]) for n in nearest)


def _bifurcation_shown(
    vessel: str, near: Labels, names: Mapping[str, int], points: Sequence[PointRow]
) -> Floats | None:
    """What shows the bifurcation of a carotid: the reader's point (1, 3), or else the voxels (n, 3) of its branches."""
    if vessel not in LANDMARKS or vessel == AORTA:
        return None
    for row in points:
        if row.region == vessel and row.place == "bifurcation":
            return np.array([[row.x_mm, row.y_mm, row.z_mm]])
    side = vessel.split("_", maxsplit=1)[0]
    mask = _mask(near, names, *(name for name in GUIDES if name.startswith(side)))
    return near.grid.to_mm(np.argwhere(mask)) if mask.sum() > 1 else None


def _upper_end(tube: Tube, branches: Floats) -> Floats | None:
    end = tube.points_mm[-1]
    return end if cKDTree(branches).query(end)[0] <= BRANCHES_WITHIN_MM else None


def _point(place: Floats | None) -> Point | None:
    return None if place is None else (float(place[0]), float(place[1]), float(place[2]))


def _no_landmark(vessel: str) -> Finding:
    missing = (
        "The height of the carina is not on the labelled aorta or was not found"
        if vessel == AORTA
        else f"Neither a mask of a branch nor a point shows where the {vessel} divides"
    )
    return Finding(
        "no-landmark",
        f"{missing}; arc length counts from its first station, so that visits match only if their labels begin at the "
        "same place.",
    )
