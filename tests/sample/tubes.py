"""Vessels of known shape: straight tubes and a candy cane, as label masks with centrelines and with exact depths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from acquisitions import acquired

from petproc.core.grid import Grid
from petproc.core.results import Alignment
from petproc.core.tables import Station

STATION_MM = 2.0


@dataclass(frozen=True)
class StraightTube:
    """A cylinder or cone around `start` + s `direction`, 0 <= s <= `length`, of radius `radius` + `slope` s (mm)."""

    start: np.ndarray
    direction: np.ndarray
    length: float
    radius: float
    slope: float = 0.0

    def along(self, mm):
        return (mm - self.start) @ self.direction

    def depth(self, mm):
        """Exact depth under the side wall, which goes on beyond the ends."""
        s = self.along(mm)
        across = np.linalg.norm(mm - self.start - s[..., None] * self.direction, axis=-1)
        return (self.radius + self.slope * s - across) / np.hypot(1.0, self.slope)

    def inside(self, mm):
        s = self.along(mm)
        return (self.depth(mm) >= 0) & (s >= 0) & (s <= self.length)

    def stations(self, vessel="aorta", region: str | Callable[[float], str] = "descending_aorta"):
        return tuple(
            station(
                vessel,
                n,
                region if isinstance(region, str) else region(n * STATION_MM),
                n * STATION_MM,
                self.start + n * STATION_MM * self.direction,
                self.direction,
                self.radius + self.slope * n * STATION_MM,
            )
            for n in range(int(self.length / STATION_MM) + 1)
        )

    def grid(self, spacing, margin=4.0, shift=(0.0, 0.0, 0.0)):
        """A grid around the tube; `shift` moves it by fractions of a voxel."""
        ends = np.array([self.start, self.start + self.length * self.direction])
        reach = self.radius + abs(self.slope) * self.length + margin
        return grid_around(ends.min(axis=0) - reach, ends.max(axis=0) + reach, spacing, shift)


@dataclass(frozen=True)
class CandyCane:
    """Ascending leg up, half circle to the left and back, descending leg down: a tube of one radius (mm).

    The ascending leg starts at the origin's level and rises `rise`; the descending one goes down to `foot`. The arch
    lies in the vertical plane through the x and y axes' bisector, from front right to back left.
    """

    radius: float = 12.0
    bend: float = 35.0
    rise: float = 50.0
    foot: float = -70.0

    @property
    def across(self):
        return np.array([-1.0, -1.0, 0.0]) / np.sqrt(2.0)

    def curve(self, arc):
        """Points and tangents (n, 3) at `arc` mm from the root."""
        arc = np.asarray(arc, dtype=float)[:, None]
        up, out = np.array([0.0, 0.0, 1.0]), self.across
        turn = np.clip((arc - self.rise) / self.bend, 0.0, np.pi)
        below = np.maximum(arc - self.rise - np.pi * self.bend, 0.0)
        rising = np.minimum(arc, self.rise)
        points = rising * up + self.bend * ((1 - np.cos(turn)) * out + np.sin(turn) * up) - below * up
        return points, np.cos(turn) * up + np.sin(turn) * out

    @property
    def length(self):
        return self.rise + np.pi * self.bend + self.rise - self.foot

    def region(self, arc):
        if arc < self.rise:
            return "ascending_aorta"
        return "aortic_arch" if arc < self.rise + np.pi * self.bend else "descending_aorta"

    def stations(self):
        arcs = np.arange(0.0, self.length + 1e-6, STATION_MM)
        points, tangents = self.curve(arcs)
        return tuple(
            station("aorta", n, self.region(arc), arc, points[n], tangents[n], self.radius)
            for n, arc in enumerate(arcs)
        )

    def depth(self, mm):
        """Exact depth under the side wall of the whole cane, its legs going on beyond their ends."""
        out, up = mm @ self.across, mm[..., 2]
        side = np.linalg.norm(mm - out[..., None] * self.across - up[..., None] * np.array([0, 0, 1.0]), axis=-1)
        above = up > self.rise
        legs = np.minimum(np.abs(out), np.abs(out - 2 * self.bend))
        ring = np.abs(np.hypot(out - self.bend, up - self.rise) - self.bend)
        return self.radius - np.hypot(np.where(above, ring, legs), side)

    def inside(self, mm):
        out, up = mm @ self.across, mm[..., 2]
        beyond = np.where(out < self.bend, up < 0.0, up < self.foot)
        return (self.depth(mm) >= 0) & ~beyond


def station(vessel, number, region, arc, place, tangent, radius):
    return Station(
        vessel, number, region, float(arc), *map(float, place), *map(float, tangent), float(radius), 0.9, 0.9
    )


def grid_around(low, high, spacing, shift=(0.0, 0.0, 0.0)):
    spacing = np.asarray(spacing, dtype=float)
    shape = np.ceil((np.asarray(high) - low) / spacing).astype(int) + 1
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = low + np.asarray(shift) * spacing
    return Grid(tuple(shape), affine)


def centres(grid):
    """RAS+ mm of every voxel centre, shape (*grid.shape, 3)."""
    return grid.to_mm(np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1))


def acquisition(slices, injected=datetime(2026, 1, 5, 9, 0, tzinfo=UTC)):
    """Two beds: the lower half of the slices from minute 60 after injection, the upper half from minute 62."""
    injection = injected
    start = injection or datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    times = tuple(start + timedelta(minutes=60 if k < slices // 2 else 62) for k in range(slices))
    return acquired(times, injection=injection, injected_activity_bq=3e8, decay_reference_time=start)


def still(applied=False, translation=(0.0, 0.0, 0.0), rotation=(0.0, 0.0, 0.0), centre=(0.0, 0.0, 0.0)):
    return Alignment(translation, rotation, centre, 0.0, applied)


def lattice_of(grid, parts=8):
    """Offsets (parts^3, 3) in mm of the middles of a voxel's equal parts from its centre."""
    step = (np.arange(parts) + 0.5) / parts - 0.5
    return np.stack(np.meshgrid(step, step, step, indexing="ij"), axis=-1).reshape(-1, 3) @ grid.affine[:3, :3].T
