"""A vessel's centreline as rows of the stations table: a place every 2 mm, with arc length from a landmark.

Points are RAS+ mm, shape (n, 3), ordered in the direction of flow; arc length grows with flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petproc.core.tables import Station

STEP_MM = 2.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tube:
    """A centreline (n, 3) in RAS+ mm with, at every point, the radius (n,) in mm and the backend's scores.

    A score that the backend does not give is None; NaN stands for a single place without one.
    """

    points_mm: Floats
    radii_mm: Floats
    ring_score: Floats | None = None
    visible_fraction: Floats | None = None


def arc_length(points_mm: ArrayLike) -> Floats:
    """Length along the polyline from its first point to each point, shape (n,), mm."""
    steps = np.linalg.norm(np.diff(np.asarray(points_mm, dtype=np.float64), axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def make_stations(
    vessel: str, tube: Tube, *, regions: Sequence[str], landmark: tuple[float, float, float] | None
) -> tuple[Station, ...]:
    """Stations every 2 mm from the first point of `tube`; what is left beyond the last full step is dropped.

    `regions` names the region of every point of the tube; a station takes that of the point nearest along the tube.
    Positions, radii and scores are interpolated linearly. Arc length 0 is the point of the tube nearest to `landmark`
    (for the aorta see `parts.aortic_landmark`); without a landmark it is the first station.
    """
    arc = arc_length(tube.points_mm)
    at = np.arange(0.0, arc[-1] + 1e-6, STEP_MM)
    points = np.stack([np.interp(at, arc, tube.points_mm[:, axis]) for axis in range(3)], axis=1)
    tangents = _directions(points)
    radii = np.interp(at, arc, tube.radii_mm)
    nearest = np.abs(at[:, None] - arc[None, :]).argmin(axis=1)
    zero = 0.0 if landmark is None else _arc_nearest(tube.points_mm, arc, np.asarray(landmark))
    ring, visible = (_sampled(score, at, arc) for score in (tube.ring_score, tube.visible_fraction))
    return tuple(
        Station(
            vessel,
            number,
            regions[nearest[number]],
            float(at[number] - zero),
            *_three(points[number]),
            *_three(tangents[number]),
            radius_mm=float(radii[number]),
            ring_score=ring[number],
            visible_fraction=visible[number],
        )
        for number in range(len(at))
    )


def _directions(points: Floats) -> Floats:
    """Unit tangents (n, 3) of points that are evenly spaced along a curve."""
    if len(points) < 2:
        return np.tile([0.0, 0.0, -1.0], (len(points), 1))
    tangents = np.gradient(points, axis=0)
    return np.asarray(tangents / np.linalg.norm(tangents, axis=1, keepdims=True))


def _three(vector: Floats) -> tuple[float, float, float]:
    return float(vector[0]), float(vector[1]), float(vector[2])


def _arc_nearest(points: Floats, arc: Floats, place: Floats) -> float:
    """Arc length of the place on the polyline (not only its corners) that is nearest to `place`."""
    start, step = points[:-1], np.diff(points, axis=0)
    along = ((place - start) * step).sum(axis=1) / np.maximum((step**2).sum(axis=1), 1e-12)
    along = np.clip(along, 0.0, 1.0)
    distance = np.linalg.norm(start + along[:, None] * step - place, axis=1)
    best = int(distance.argmin())
    return float(arc[best] + along[best] * (arc[best + 1] - arc[best]))


def _sampled(score: Floats | None, at: Floats, arc: Floats) -> list[float | None]:
    if score is None:
        return [None] * len(at)
    return [None if np.isnan(value) else float(value) for value in np.interp(at, arc, score)]
