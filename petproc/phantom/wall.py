"""The walls of arteries: drawn apart from the canvas, as they are what treatment scales, and their uptake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import erf, log, sqrt

import numpy as np
from numpy.typing import NDArray

from petproc.core.regions import AORTA
from petproc.phantom.canvas import Canvas
from petproc.phantom.person import HotSpot, Person
from petproc.phantom.scanner import FWHM_TO_SIGMA, PSF_FWHM_MM
from petproc.phantom.shapes import FAR, Distance, Tube, tube
from petproc.phantom.space import Floats
from petproc.phantom.tissues import Tissue
from petproc.phantom.vessels import Vessel, rounded

FAT_TO_BLOOD = 0.2
"""What lies outside of a wall, for its level alone."""
WALL_BEFORE_MM = 10.0
"""The wall of a carotid begins so far before its region: its origin lies inside of the vessel that it leaves."""


def draw_walled(canvas: Canvas, vessel: Vessel, person: Person, blood: Tissue) -> Distance:
    """Lay an artery over everything; returns the box and the activity of its wall per unit of blood.

    The wall is left out of the canvas' activity: it is the part that treatment scales.
    """
    thickness = person.walls[vessel.name].thickness_mm / person.scale
    drawn, through = vessel.tube, np.full(len(vessel.tube.points), thickness)
    if thin(vessel):
        drawn = rounded(vessel.tube, canvas)
        through = drawn.radius - rounded(replace(vessel.tube, radius=vessel.tube.radius - thickness), canvas).radius
    box, outer = tube(canvas.lattice, drawn)
    canvas.paint((box, outer), blood)
    index = np.argwhere(outer < FAR)
    at = tuple(index.T)
    points = canvas.lattice.points(index + [side.start for side in box])
    sample = vessel.tube.nearest(points)[1]
    lumen = canvas.occupancy(outer[at] + through[sample].astype(np.float32))
    shell = np.zeros_like(outer)
    shell[at] = (canvas.occupancy(outer[at]) - lumen) * (vessel.tube.arc[sample] >= _wall_from(vessel))
    canvas.blood[box] -= shell
    shell[at] *= wall_uptake(vessel, points, person)
    return box, shell


def thin(vessel: Vessel) -> bool:
    """Whether the vessel is so narrow that its roundness matters to drawing and uptake."""
    return vessel.name != AORTA


def _wall_from(vessel: Vessel) -> float:
    """Arc length at which the wall begins."""
    return float(vessel.tube.arc[np.argmax(vessel.region != "")]) - WALL_BEFORE_MM if thin(vessel) else 0.0


def wall_uptake(vessel: Vessel, points: Floats, person: Person) -> NDArray[np.float32]:
    """Activity of the wall at body `points` (M, 3) in units of blood: smooth between regions, with hot spots.

    The level of an aortic region is what a flat wall needs to show the region's target through the scanner's PSF
    (slab formula, recovery erf(sqrt(ln 2) t / FWHM), fat outside); that of a carotid what a round one needs to show it
    on its axis.
    """
    _, sample = vessel.tube.nearest(points)
    level = (_level_round if thin(vessel) else _level_flat)(vessel, person)[sample]
    return np.asarray(level * _hot(vessel.tube, sample, points, person.walls[vessel.name].hot_spots), dtype=np.float32)


def mean_wall_uptake(vessel: Vessel, person: Person) -> Floats:
    """Activity of the wall in units of blood at every centreline sample (N,), mean around the vessel."""
    body = vessel.tube
    left, front = _across(body.tangent)
    half = person.walls[vessel.name].thickness_mm / person.scale / 2
    around = np.zeros(len(body.points))
    for angle in np.deg2rad(np.arange(0, 360, 15)):
        ring = body.points + (body.radius - half)[:, None] * (np.cos(angle) * left + np.sin(angle) * front)
        around += wall_uptake(vessel, ring, person) / 24
    return around


def _level_flat(vessel: Vessel, person: Person) -> Floats:
    recovery = erf(sqrt(log(2.0)) * person.walls[vessel.name].thickness_mm / PSF_FWHM_MM)
    first = next(name for name in vessel.region if name)
    names = np.where(vessel.region == "", first, vessel.region)
    wanted = np.array([person.target_tbr[name] for name in names])
    smooth = np.convolve(np.pad(wanted, 40, mode="edge"), np.full(81, 1 / 81), mode="valid")
    return np.asarray((smooth - (1 - recovery) / 2 * (1 + FAT_TO_BLOOD)) / recovery)


def _level_round(vessel: Vessel, person: Person) -> Floats:
    """A disc of radius r has the share 1 - exp(-r^2 / 2 s^2) of a point's Gaussian PSF in its middle."""
    radius = vessel.tube.radius * person.scale
    inner = radius - person.walls[vessel.name].thickness_mm
    sigma = PSF_FWHM_MM / FWHM_TO_SIGMA
    disc, lumen = (-np.expm1(-(edge**2) / (2 * sigma**2)) for edge in (radius, inner))
    return np.asarray((person.target_tbr[vessel.name] - lumen - (1 - disc) * FAT_TO_BLOOD) / (disc - lumen))


def _hot(vessel: Tube, sample: NDArray[np.int64], points: Floats, spots: Sequence[HotSpot]) -> Floats:
    gain = np.ones(len(points))
    angle = angle_around(vessel, sample, points)
    arc = vessel.arc[sample]
    for spot in spots:
        turn = (angle - spot.angle_deg + 180.0) % 360.0 - 180.0
        gain += spot.gain * np.exp(
            -0.5 * ((arc - spot.arc_mm) / spot.length_mm) ** 2 - 0.5 * (turn / spot.width_deg) ** 2
        )
    return gain


def angle_around(vessel: Tube, sample: NDArray[np.int64], points: Floats) -> Floats:
    """Angle about the centreline in degrees: 0 to the patient's left, 90 towards the frontal part of the vessel."""
    left, front = _across(vessel.tangent[sample])
    away = points - vessel.points[sample]
    return np.asarray(np.rad2deg(np.arctan2((away * front).sum(axis=1), (away * left).sum(axis=1))) % 360.0)


def _across(tangent: Floats) -> tuple[Floats, Floats]:
    """Unit vectors across the vessel, towards the patient's left and towards the front."""
    left = np.array([-1.0, 0.0, 0.0]) - tangent * -tangent[:, :1]
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    front = np.cross(left, tangent)
    front *= np.sign(front[:, 1:2] + 1e-12)
    return left, front
