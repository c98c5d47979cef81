"""Places along and around a vessel: its centreline as a smooth curve, and where a point lies along it.

All in RAS+ mm. A vessel whose stations have a gap is several axes. The curve is the stations' positions lightly
smoothed, so that neighbouring planes across it do not meet inside the vessel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from petproc.core.tables import Station

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP_MM = 0.5
"""Between samples of an axis."""
SMOOTHING_STATIONS = 2.0
"""Standard deviation of the smoothing of the stations' positions (4 mm)."""
GAP_MM = 6.0
"""Stations of one vessel farther apart than this (three steps) are not joined."""
END_MM = 0.01
"""A voxel centre that lies on the plane across an end of an axis belongs to it, whatever the rounding."""
STATIONS_MIN = 3
"""Fewer have no course that could be followed."""


@dataclass(frozen=True, eq=False)
class Axis:
    """A centreline without gaps, with `n` samples every `STEP_MM` from its first station to its last.

    `arc` (n,) mm from the first station; `points`, `tangents`, `first`, `second` (n, 3): place, direction of flow, and
    two directions across it that turn as little as possible along the way. `station_arc` has an entry per station.
    """

    stations: tuple[Station, ...]
    station_arc: Floats
    arc: Floats
    points: Floats
    tangents: Floats
    first: Floats
    second: Floats

    @property
    def vessel(self) -> str:
        return self.stations[0].vessel

    @property
    def length_mm(self) -> float:
        return float(self.arc[-1])

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(station.region for station in self.stations))


@dataclass(frozen=True)
class Stretch:
    """The part of an axis that belongs to one region, from `start_mm` to `stop_mm` of its arc.

    Between two regions the cut is half-way between their stations; at the ends of the axis it is the last station.
    """

    region: str
    start_mm: float
    stop_mm: float
    is_first: bool
    is_last: bool
    """on its axis"""

    def holds(self, arc: Floats) -> NDArray[np.bool_]:
        """Whether feet at `arc` belong to it: at a cut to the later of two regions, at the axis' ends to it."""
        start = self.start_mm - END_MM * self.is_first
        stop = self.stop_mm + END_MM * self.is_last
        return np.asarray((arc >= start) & (arc < stop))


def axes_of(stations: Sequence[Station]) -> list[Axis]:
    """The axes of one vessel from its stations in order; pieces of fewer than `STATIONS_MIN` stations are left out."""
    points = np.array([(s.x_mm, s.y_mm, s.z_mm) for s in stations]).reshape(-1, 3)
    breaks = np.flatnonzero(np.linalg.norm(np.diff(points, axis=0), axis=1) > GAP_MM) + 1
    pieces = np.split(np.arange(len(points)), breaks)
    return [_axis([stations[n] for n in piece], points[piece]) for piece in pieces if len(piece) >= STATIONS_MIN]


def _axis(stations: Sequence[Station], points: Floats) -> Axis:
    smooth = _smoothed(points)
    knots = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(smooth, axis=0), axis=1))])
    curve = CubicSpline(knots, smooth)
    arc = np.linspace(0.0, knots[-1], max(2, round(knots[-1] / STEP_MM) + 1))
    tangents = _unit(curve(arc, 1))
    first = _transported(tangents)
    return Axis(tuple(stations), knots, arc, curve(arc), tangents, first, np.cross(tangents, first))


def _smoothed(points: Floats) -> Floats:
    """Gaussian smoothing that keeps the ends and straight lines where they are (ends mirrored through themselves)."""
    pad = min(len(points) - 1, int(4 * SMOOTHING_STATIONS))
    before = 2 * points[0] - points[pad:0:-1]
    after = 2 * points[-1] - points[-2 : -pad - 2 : -1]
    padded = np.concatenate([before, points, after])
    smooth = gaussian_filter1d(padded, SMOOTHING_STATIONS, axis=0, mode="nearest", radius=pad)
    return np.asarray(smooth[pad : pad + len(points)])


def _transported(tangents: Floats) -> Floats:
    """A direction across the curve, carried along it without turning about it (n, 3)."""
    across = np.empty_like(tangents)
    start = np.eye(3)[np.argmin(np.abs(tangents[0]))]
    for n, tangent in enumerate(tangents):
        previous = across[n - 1] if n else start
        left = previous - (previous @ tangent) * tangent
        across[n] = left / np.linalg.norm(left)
    return across


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def stretches_of(axis: Axis) -> list[Stretch]:
    """The stretches of an axis in order; a region that is left and entered again has several."""
    names = [station.region for station in axis.stations]
    cuts = [n for n in range(1, len(names)) if names[n] != names[n - 1]]
    edges = [0.0, *[float(axis.station_arc[n - 1 : n + 1].mean()) for n in cuts], axis.length_mm]
    firsts = [0, *cuts]
    return [
        Stretch(names[n], edges[part], edges[part + 1], is_first=n == 0, is_last=n == firsts[-1])
        for part, n in enumerate(firsts)
    ]


@dataclass(frozen=True, eq=False)
class Foot:
    """Where points lie on an axis: each array has an entry per point.

    `arc` mm of the perpendicular's foot, beyond the ends where the point lies beyond the plane across the end;
    `sample` index of the nearest sample of the axis; `offset` (n, 3) from the axis to the point, across its direction.
    """

    arc: Floats
    sample: Ints
    offset: Floats


class Locator:
    """Finds the feet of points on the part of an axis from `start_mm` to `stop_mm`."""

    def __init__(self, axis: Axis, start_mm: float = 0.0, stop_mm: float = np.inf) -> None:
        inner = (axis.arc > start_mm) & (axis.arc < stop_mm)
        arc = np.concatenate([[max(start_mm, 0.0)], axis.arc[inner], [min(stop_mm, axis.length_mm)]])
        self._arc = arc
        self._sample = np.clip(np.rint(arc / axis.arc[1]).astype(np.int64), 0, len(axis.arc) - 1)
        self._points = np.stack([np.interp(arc, axis.arc, axis.points[:, n]) for n in range(3)], axis=1)
        self._tangents = _unit(np.stack([np.interp(arc, axis.arc, axis.tangents[:, n]) for n in range(3)], axis=1))
        self._tree = cKDTree(self._points)

    def foot(self, mm: ArrayLike) -> Foot:
        """Feet of points (n, 3) in RAS+ mm."""
        points = np.asarray(mm, dtype=np.float64)
        _, nearest = self._tree.query(points)
        tangents = self._tangents[nearest]
        apart = points - self._points[nearest]
        along = (apart * tangents).sum(axis=1)
        return Foot(self._arc[nearest] + along, self._sample[nearest], apart - along[:, None] * tangents)


def angle_deg(offset: Floats, tangents: Floats) -> NDArray[np.float32]:
    """Angle around the centreline in [0, 360): 0 towards the patient's left, 90 towards the front.

    `offset`, `tangents` (n, 3). 0 is the left (-x) projected across the tangent; 90 is perpendicular to both, on the
    side of the front (+y), or of the head where the vessel runs exactly to the front or back.
    """
    left = np.array([-1.0, 0.0, 0.0]) + tangents[:, :1] * tangents
    along_x = np.linalg.norm(left, axis=1) < 1e-6
    left[along_x] = (0.0, 0.0, 1.0)
    left = _unit(left)
    front = np.cross(tangents, left)
    towards = np.where(np.abs(front[:, 1]) > 1e-9, front[:, 1], front[:, 2])
    front *= np.where(towards < 0, -1.0, 1.0)[:, None]
    angle = np.degrees(np.arctan2((offset * front).sum(axis=1), (offset * left).sum(axis=1)))
    single = np.mod(angle, 360.0).astype(np.float32)
    single[single >= 360.0] = 0.0  # what rounding makes of 359.9999999
    return np.asarray(single)
