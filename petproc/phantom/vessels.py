"""Arteries and veins: their paths, the aorta's regions, and the uptake of its wall (body space, mm)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petproc.core.regions import AORTA, SVC, regions_of
from petproc.phantom.canvas import Canvas
from petproc.phantom.person import HotSpot, Person
from petproc.phantom.shapes import Distance, Tube, tube
from petproc.phantom.space import Floats
from petproc.phantom.tissues import Contrast, Tissue, blood
from petproc.phantom.torso import lungs

Path = list[tuple[float, float, float, float]]

SHEATH_MM = 3.5
"""Fat around every vessel of the mediastinum and the abdomen."""
ARCH_ABOVE_CARINA_MM = 5.0
LUNG_BESIDE_MM = 45.0
LUNG_BESIDE_SHARE = 0.02
ROOT_MARGIN_MM = 10.0
"""The ascending aorta begins so far above the highest myocardium (world mm)."""
SVC_SPAN = (-30.0, 26.0)

_AORTA: Path = [
    (-8, 18, -76, 14.5), (2, 22, -62, 15.5), (11, 25, -45, 15.2), (15, 26, -25, 15), (14, 23, -5, 14.6),
    (6, 16, 17, 13.8), (-11, 5, 30, 13.2), (-24, -12, 29, 12.8), (-28.5, -28, 14, 12.5), (-28.5, -37, -10, 12.2),
    (-27, -37, -60, 11.8), (-22, -33, -110, 11.4), (-14, -20, -160, 11), (-9, -12, -200, 10.5), (-8, -3, -250, 9.8),
    (-6, 1, -300, 9), (-4, 1, -322, 8.6),
]  # fmt: skip
_SVC: Path = [
    (30, 15, 42, 8), (35, 10, 22, 8.6), (37, 7, 0, 8.8), (38, 6, -25, 9), (38, 7, -45, 9.2), (38, 10, -64, 10),
]  # fmt: skip
_UPPER_VEINS: list[Path] = [
    [(32, 16, 38, 6.5), (10, 37, 46, 6.5), (-20, 34, 58, 6.5), (-42, 16, 78, 6)],
    [(30, 15, 40, 7.5), (35, 14, 58, 7), (42, 12, 78, 6.5)],
    [(-42, 16, 78, 6), (-36, 6, 110, 6), (-34, 8, 205, 6)],
    [(42, 12, 78, 6), (36, 6, 110, 6), (34, 8, 205, 6)],
]
_LOWER_VEINS: list[Path] = [
    [(20, -8, -330, 9), (22, -6, -250, 10.5), (24, -2, -190, 11), (25, 4, -140, 12), (30, 14, -112, 12)],
    [(20, -8, -328, 8), (36, -16, -365, 7), (52, -10, -430, 6)],
    [(20, -8, -328, 8), (-14, -18, -360, 7), (-44, -14, -430, 6)],
    [(10, -36, -150, 3), (11, -36, -5, 4), (16, -36, 8, 4.2), (27, -18, 14, 4.4), (36, 4, 10, 4.4)],
    [(22, -6, -228, 5), (2, 14, -228, 4.5), (-34, -20, -230, 5)],
    [(22, -6, -232, 5), (38, -24, -236, 5)],
]
_LUNG_VESSELS: list[Path] = [
    [(-9, 46, -74, 13), (-19, 42, -54, 13), (-21, 28, -36, 12.5), (-14, 8, -27, 10), (0, -3, -27, 9.4),
     (20, -7, -28, 8.8), (44, -11, -31, 7.6), (62, -15, -38, 6)],
    [(-20, 22, -31, 10.5), (-34, 4, -20, 9), (-50, -13, -20, 7.5), (-62, -22, -34, 6)],
    [(24, -4, -76, 6), (50, -12, -70, 5), (66, -14, -62, 4)],
    [(-30, -6, -76, 6), (-50, -10, -70, 5), (-64, -12, -62, 4)],
]  # fmt: skip
_BRANCHES: list[Path] = [
    [(7, 16, 22, 6.4), (14, 14, 45, 6.2), (20, 8, 66, 5.8)],
    [(20, 8, 66, 4), (25, 0, 100, 3.6), (26, 4, 140, 3.4), (27, 6, 205, 3.4)],
    [(20, 8, 66, 5), (48, 4, 84, 4.5), (90, -6, 86, 4.5)],
    [(-9, 6, 34, 4.4), (-14, 3, 60, 4), (-20, -2, 90, 3.6), (-26, 4, 140, 3.4), (-27, 6, 205, 3.4)],
    [(-20, -7, 34, 5.2), (-26, -10, 62, 5), (-46, -4, 84, 4.5), (-90, -6, 86, 4.5)],
    [(-4, 1, -318, 6.5), (-22, -6, -350, 5.8), (-44, -10, -390, 5.2), (-54, 0, -430, 5)],
    [(-4, 1, -318, 6.5), (16, -2, -350, 5.8), (40, -8, -390, 5.2), (50, 0, -430, 5)],
    [(-8, -1, -212, 4), (-6, 24, -224, 3.8), (-4, 30, -270, 3.2)],
    [(-9, -6, -222, 3.5), (-40, -26, -230, 3)],
    [(-8, -6, -222, 3.5), (18, -20, -226, 3), (40, -28, -236, 3)],
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Vessel:
    """A measured vessel: its tube, ordered with flow, and the region of each sample ("" where it has none)."""

    name: str
    tube: Tube
    region: NDArray[np.str_]


def aorta_of(person: Person) -> Tube:
    controls = np.array(_AORTA)
    controls[:, 3] *= person.aorta_scale
    below = np.clip((-60 - controls[:, 2]) / 60, 0, 1)
    controls[:, 0] += person.tortuosity_mm * below * np.sin((controls[:, 2] + 60) / 55)
    return Tube.through([tuple(row) for row in controls])


def vena_cava_of(person: Person) -> Tube:
    return Tube.through([(x, y, z, r * (0.5 + 0.5 * person.aorta_scale)) for x, y, z, r in _SVC])


def regions_of_aorta(aorta: Tube, *, top_of_myocardium: float, scale: float) -> NDArray[np.str_]:
    """Region of every sample, by the rules that every segmentation follows (`core.regions`; carina, lung beside)."""
    z = aorta.points[:, 2]
    apex = int(z.argmax())
    limit = ARCH_ABOVE_CARINA_MM / scale
    root = int(np.argmax(z > top_of_myocardium + ROOT_MARGIN_MM / scale))
    before = int(np.flatnonzero(z[:apex] <= limit)[-1]) + 1
    after = apex + int(np.flatnonzero(z[apex:] <= limit)[0])
    beside = np.flatnonzero(_lung_beside(aorta.points[after:], LUNG_BESIDE_MM / scale))
    diaphragm = after + int(beside[-1]) + 1
    names = np.full(len(z), "", dtype="<U24")
    for name, start, stop in zip(
        regions_of(AORTA), (root, before, after, diaphragm), (before, after, diaphragm, len(z)), strict=True
    ):
        names[start:stop] = name
    return names


def regions_of_vena_cava(vena_cava: Tube) -> NDArray[np.str_]:
    z = vena_cava.points[:, 2]
    return np.where((z >= SVC_SPAN[0]) & (z <= SVC_SPAN[1]), SVC, "")


def _lung_beside(points: Floats, reach: float) -> NDArray[np.bool_]:
    """Whether more than 2 % of a disc around each point, in its axial plane, is lung."""
    step = np.arange(-reach, reach + 1e-9, 3.0)
    dx, dy = np.meshgrid(step, step)
    inside = dx**2 + dy**2 <= reach**2
    x = points[:, 0:1] + dx[inside]
    y = points[:, 1:2] + dy[inside]
    z = np.broadcast_to(points[:, 2:3], x.shape)
    return np.asarray((lungs(x.astype(np.float32), y.astype(np.float32), z) < 0).mean(axis=1) > LUNG_BESIDE_SHARE)


def draw(canvas: Canvas, aorta: Tube, vena_cava: Tube, *, fat: Tissue, contrast: Contrast) -> None:
    """Fat around all vessels first, then their blood, so that no sheath eats a neighbour."""
    kinds = (
        (_UPPER_VEINS, contrast.upper_vein),
        (_LOWER_VEINS, contrast.lower_vein),
        ([*_LUNG_VESSELS, *_BRANCHES], contrast.artery),
    )
    others = [(Tube.through(path), blood(hu)) for paths, hu in kinds for path in paths]
    others.append((vena_cava, blood(contrast.upper_vein)))
    for vessel in (aorta, *(vessel for vessel, _ in others)):
        canvas.paint(tube(canvas.lattice, vessel, grow=SHEATH_MM), fat)
    for vessel, tissue in others:
        canvas.paint(tube(canvas.lattice, vessel), tissue)


def draw_aorta(canvas: Canvas, vessel: Vessel, person: Person, contrast: Contrast) -> Distance:
    """Lay the aorta over everything; returns the box and the activity of its wall per unit of blood.

    The wall is left out of the canvas' activity: it is the part that treatment scales.
    """
    box, outer = tube(canvas.lattice, vessel.tube)
    wall = person.wall_mm / person.scale
    canvas.paint((box, outer), blood(contrast.artery))
    shell = canvas.occupancy(outer) - canvas.occupancy(outer + np.float32(wall))
    canvas.blood[box] -= shell
    uptake = np.zeros_like(shell)
    index = np.argwhere(shell > 1e-3)
    points = canvas.lattice.points(index + [side.start for side in box])
    uptake[tuple(index.T)] = wall_uptake(vessel, points, person)
    return box, shell * uptake


def wall_uptake(vessel: Vessel, points: Floats, person: Person) -> NDArray[np.float32]:
    """Activity of the wall at body `points` (M, 3) in units of blood: smooth between regions, with hot spots.

    The level of a region is what a flat wall needs to show the region's target through the scanner's PSF
    (slab formula, recovery erf(sqrt(ln 2) t / FWHM), fat outside).
    """
    _, sample = vessel.tube.nearest(points)
    level = _level_along(vessel, person)[sample]
    return np.asarray(level * _hot(vessel.tube, sample, points, person.hot_spots), dtype=np.float32)


def mean_wall_uptake(vessel: Vessel, person: Person) -> Floats:
    """Activity of the wall in units of blood at every centreline sample (N,), mean around the vessel."""
    body = vessel.tube
    left, front = _across(body.tangent)
    half = person.wall_mm / person.scale / 2
    around = np.zeros(len(body.points))
    for angle in np.deg2rad(np.arange(0, 360, 15)):
        ring = body.points + (body.radius - half)[:, None] * (np.cos(angle) * left + np.sin(angle) * front)
        around += wall_uptake(vessel, ring, person) / 24
    return around


def _level_along(vessel: Vessel, person: Person) -> Floats:
    from math import erf, log, sqrt

    from petproc.phantom.scanner import PSF_FWHM_MM

    recovery = erf(sqrt(log(2.0)) * person.wall_mm / PSF_FWHM_MM)
    first = next(name for name in vessel.region if name)
    names = np.where(vessel.region == "", first, vessel.region)
    wanted = np.array([person.target_tbr[name] for name in names])
    smooth = np.convolve(np.pad(wanted, 40, mode="edge"), np.full(81, 1 / 81), mode="valid")
    return np.asarray((smooth - (1 - recovery) / 2 * 1.2) / recovery)


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
