"""How good a segmentation is and whether the gate of `quantify` lets it be measured.

Two overlaps with the truth are taken of every region. `whole`: Dice of the region's label with the true one, in the CT
slices from the lowest to the highest of ours. `measured`: the same over the voxels that lie at accepted stations, that
is whose nearest station of the vessel is an accepted one of this region; only there is uptake measured. A region is
*good* or *bad* by `measured` where anything of it is accepted, and by `whole` where it goes to review: what would have
been measured without the gate.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from petproc.core.regions import REGIONS
from petproc.core.results import Segmentation
from petproc.core.tables import Station
from petproc.core.volume import Labels
from petproc.quantify.gate import Gate, judge
from petproc.settings import GateSettings

GOOD_DICE = 0.80
HALF_STEP_MM = 1.5
"""Along the vessel a voxel belongs to a station within half a step of 2 mm; a little more, so that bends have no gaps.
"""
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one region, and what is true of it. None where there is nothing to be compared."""

    region: str
    reason: str | None
    """why nothing of it is measured: sent to review, or absent"""
    absent: bool
    length_mm: float
    accepted_mm: float
    whole: float | None
    measured: float | None
    centreline_mm: float | None
    """mean distance of its stations from the true centreline"""

    @property
    def accepted(self) -> bool:
        return self.reason is None

    @property
    def dice(self) -> float:
        """By which it is good or bad; 0 where it was not found."""
        value = self.measured if self.accepted else self.whole
        return 0.0 if value is None else value

    @property
    def good(self) -> bool:
        return self.dice >= GOOD_DICE


def gate_of(segmentation: Segmentation, settings: GateSettings | None = None) -> Gate:
    """The gate with its default settings, as if the PET covered everything."""
    rows = segmentation.stations
    columns = {field.name: np.array([getattr(row, field.name) for row in rows]) for field in fields(Station)}
    for name in ("ring_score", "visible_fraction"):
        columns[name] = columns[name].astype(np.float64)
    columns["in_pet"] = np.ones(len(rows), dtype=bool)
    sample = {"absent": segmentation.absent, "scores": segmentation.scores, "backend": segmentation.backend}
    return judge(columns, sample, settings or GateSettings())


def verdict(
    segmentation: Segmentation, region: str, *, gate: Gate, truth: Mask | None = None, line_mm: Floats | None = None
) -> Verdict:
    """One region against its true mask (on the CT grid) and the vessel's true centreline (n, 3), RAS+ mm."""
    rows = np.array([n for n, row in enumerate(segmentation.stations) if row.region == region], dtype=np.int64)
    accepted = rows[gate.accepted[rows]]
    reason = gate.refused.get(region)
    if reason is None and len(accepted) == 0:
        reason = "needs-review: none of its stations is accepted."
    step = 2.0
    whole = measured = away = None
    if truth is not None and len(rows):
        ours = segmentation.labels.mask(region)
        whole = dice(*_same_slices(ours, truth))
        if reason is None:
            whose = _nearest_accepted(segmentation, region, gate, ours | truth)
            measured = dice(ours & whose, truth & whose)
    if line_mm is not None and len(rows):
        away = float(distance_mm(_places(segmentation, rows), line_mm).mean())
    length, kept = step * len(rows), 0.0 if reason else step * len(accepted)
    return Verdict(region, reason, len(rows) == 0, length, kept, whole, measured, away)


def dice(ours: Mask, theirs: Mask) -> float:
    total = int(ours.sum()) + int(theirs.sum())
    return 2.0 * int((ours & theirs).sum()) / total if total else 0.0


def distance_mm(points: Floats, line_mm: Floats) -> Floats:
    """Distance (n,) of points (n, 3) from a polyline (m, 3)."""
    start, step = line_mm[:-1], np.diff(line_mm, axis=0)
    along = ((points[:, None] - start) * step).sum(axis=2) / np.maximum((step**2).sum(axis=1), 1e-12)
    foot = start + np.clip(along, 0.0, 1.0)[..., None] * step
    return np.asarray(np.linalg.norm(points[:, None] - foot, axis=2).min(axis=1))


def true_mask(labels: Labels, region: str) -> Mask:
    return labels.data == REGIONS[region].value


def near_accepted(segmentation: Segmentation, region: str, gate: Gate, mask: Mask) -> Mask:
    """The voxels of `mask` whose nearest station of the region's vessel is an accepted one of `region`."""
    return mask & _nearest_accepted(segmentation, region, gate, mask)


def _same_slices(ours: Mask, theirs: Mask) -> tuple[Mask, Mask]:
    slices = np.flatnonzero(ours.any(axis=(0, 1)))
    if len(slices) == 0:
        return ours, theirs
    part = slice(int(slices[0]), int(slices[-1]) + 1)
    return ours[:, :, part], theirs[:, :, part]


def _nearest_accepted(segmentation: Segmentation, region: str, gate: Gate, where: Mask) -> Mask:
    vessel = REGIONS[region].vessel
    rows = np.array([n for n, row in enumerate(segmentation.stations) if row.vessel == vessel], dtype=np.int64)
    stations = [segmentation.stations[n] for n in rows]
    wanted = gate.accepted[rows] & np.array([row.region == region for row in stations])
    tangents = np.array([[row.tangent_x, row.tangent_y, row.tangent_z] for row in stations])
    places = _places(segmentation, rows)
    voxels = np.argwhere(where)
    mm = segmentation.labels.grid.to_mm(voxels)
    _, nearest = cKDTree(places).query(mm)
    along = ((mm - places[nearest]) * tangents[nearest]).sum(axis=1)
    found = np.zeros(where.shape, dtype=bool)
    found[tuple(voxels[wanted[nearest] & (np.abs(along) <= HALF_STEP_MM)].T)] = True
    return found


def _places(segmentation: Segmentation, rows: NDArray[np.int64]) -> Floats:
    return np.array([[row.x_mm, row.y_mm, row.z_mm] for row in (segmentation.stations[n] for n in rows)])
