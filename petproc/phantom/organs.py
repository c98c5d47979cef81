"""Airways, oesophagus, heart, and the organs and muscles of the abdomen (body space, mm)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc.phantom.canvas import Canvas
from petproc.phantom.person import Myocardium, Person
from petproc.phantom.shapes import Distance, Tube, ellipsoid, tube
from petproc.phantom.space import Lattice
from petproc.phantom.tissues import (
    AIRWAY_WALL,
    BOWEL,
    GAS,
    KIDNEY,
    LIVER,
    MUSCLE,
    MYOCARDIUM,
    NODE,
    OESOPHAGUS,
    SPLEEN,
    STOMACH,
    THYROID,
    Contrast,
    blood,
    inner_fat,
)
from petproc.phantom.torso import cavity, diaphragm

CARINA = (3.0, -22.0, 0.0)
"""The ridge between the main bronchi: their centrelines part higher, inside the trachea."""
_FORK = (3.0, -22.0, 9.0)
TRACHEA = [(*_FORK, 8.5), (3, -19, 40, 8.5), (2, -9, 80, 8.5), (1, 2, 130, 8.5), (0, 6, 205, 9.0)]
BRONCHI = [
    [(*_FORK, 8.0), (20, -24, -5, 7.0), (40, -26, -17, 6.5), (56, -28, -32, 5.0)],
    [(*_FORK, 8.0), (-14, -19, -5, 6.5), (-34, -15, -17, 6.0), (-52, -14, -28, 5.0)],
]
OESOPHAGUS_PATH = [
    (1, -9, 190, 5.5), (1, -13, 130, 5.5), (1, -25, 80, 5.5), (-1, -33, 40, 5.5), (-3, -35, 0, 5.5),
    (-4, -32, -40, 6.0), (-8, -29, -90, 6.0), (-14, -9, -135, 6.5), (-32, 8, -152, 8.0),
]  # fmt: skip
LV_CENTRE = (-45.0, 22.0, -106.0)
LV_AXIS = (-0.65, 0.45, -0.6)
"""From the base to the apex: to the left, forward and down."""
LV_OUTER = (46.0, 29.0, 29.0)
LV_WALL_MM = 10.0
LV_BASE_MM = -20.0
"""Along the axis from the middle: where the valves are."""
MYOCARDIUM_TO_BLOOD = {"cold": 1.0, "patchy": 5.0, "hot": 10.0}
HOT_TO_BLOOD = 4.0
"""Myocardium of at least so many times the blood's activity counts as hot."""


def draw_airways(canvas: Canvas) -> None:
    tubes = [Tube.through(path) for path in (TRACHEA, *BRONCHI)]
    for airway in tubes:
        canvas.paint(tube(canvas.lattice, airway, grow=1.5), AIRWAY_WALL)
    for airway in tubes:
        canvas.paint(tube(canvas.lattice, airway), GAS)


def draw_oesophagus(canvas: Canvas) -> None:
    canvas.paint(tube(canvas.lattice, Tube.through(OESOPHAGUS_PATH)), OESOPHAGUS)


def myocardium(lattice: Lattice) -> Distance:
    """Left-ventricular wall: a shell, open at its base."""
    box, outer = ellipsoid(lattice, LV_CENTRE, LV_OUTER, axis=LV_AXIS)
    inner = _along(lattice, box)
    cut = np.float32(LV_BASE_MM) - inner
    return box, np.maximum(np.maximum(outer, -(outer + np.float32(LV_WALL_MM))), cut)


def hot_myocardium(lattice: Lattice, kind: Myocardium) -> NDArray[np.float64]:
    """Body coordinates (N, 3) of voxels of PET-hot myocardium; none where it is cold."""
    if MYOCARDIUM_TO_BLOOD[kind] < HOT_TO_BLOOD:
        return np.zeros((0, 3))
    box, distance = myocardium(lattice)
    hot = (distance <= 0) & (_uptake(lattice, box, kind) >= HOT_TO_BLOOD)
    return lattice.points(np.argwhere(hot) + [side.start for side in box])


def draw_heart(canvas: Canvas, person: Person, blood_suv: float, contrast: Contrast) -> None:
    """Pericardial fat, the chambers' blood, the left ventricle's wall."""
    lattice = canvas.lattice
    canvas.paint(ellipsoid(lattice, (-18, 24, -102), (70, 55, 48)), inner_fat(person.inner_fat_hu))
    for centre, radii, hu in (
        ((-4, 0, -76), (30, 19, 17), contrast.artery),
        ((34, 20, -94), (21, 25, 30), contrast.lower_vein),
        ((-6, 50, -106), (42, 21, 32), contrast.lower_vein),
    ):
        canvas.paint(ellipsoid(lattice, centre, [r + 3 for r in radii]), MUSCLE)
        canvas.paint(ellipsoid(lattice, centre, radii), blood(hu))
    box, outer = ellipsoid(lattice, LV_CENTRE, LV_OUTER, axis=LV_AXIS)
    canvas.paint((box, np.maximum(outer, np.float32(LV_BASE_MM) - _along(lattice, box))), blood(contrast.artery))
    shell = myocardium(lattice)
    canvas.paint(shell, MYOCARDIUM, suv=_uptake(lattice, shell[0], person.myocardium) * np.float32(blood_suv))


def _along(lattice: Lattice, box: Any) -> NDArray[np.float32]:
    """Distance from the ventricle's middle along its axis."""
    x, y, z = lattice.xyz(box)
    u = np.asarray(LV_AXIS) / np.linalg.norm(LV_AXIS)
    return np.asarray(
        (x - LV_CENTRE[0]) * u[0] + (y - LV_CENTRE[1]) * u[1] + (z - LV_CENTRE[2]) * u[2], dtype=np.float32
    )


def _uptake(lattice: Lattice, box: Any, kind: Myocardium) -> NDArray[np.float32]:
    """Myocardial activity in units of blood; patchy: hot on the lateral wall, cold on the septum."""
    along = _along(lattice, box)
    if kind != "patchy":
        return np.full_like(along, MYOCARDIUM_TO_BLOOD[kind])
    x, _, z = lattice.xyz(box)
    lateral = np.clip((LV_CENTRE[0] - 4 - x) / 12, 0, 1) * np.clip((LV_CENTRE[2] + 12 - z) / 12, 0, 1)
    return np.asarray(1 + (MYOCARDIUM_TO_BLOOD[kind] - 1) * lateral + 0 * along, dtype=np.float32)


def draw_abdomen(canvas: Canvas, rng: np.random.Generator) -> None:
    lattice = canvas.lattice
    for side in (-1, 1):
        psoas = [
            (side * 24, -36, -190, 5),
            (side * 36, -36, -250, 13),
            (side * 46, -26, -310, 18),
            (side * 58, -8, -430, 20),
        ]
        canvas.paint(tube(lattice, Tube.through(psoas)), MUSCLE)
    for _ in range(24):
        centre = np.array([rng.uniform(-85, 85), rng.uniform(26, 62), rng.uniform(-400, -215)])
        radii = rng.uniform(11, 22, 3)
        canvas.paint(ellipsoid(lattice, centre, radii), BOWEL)
        if rng.random() < 0.35:
            canvas.paint(ellipsoid(lattice, centre + np.array([0, 4, 0]), radii * 0.5), GAS)
    for organ, middle, half in (
        (KIDNEY, (62, -38, -240), (27, 25, 54)),
        (KIDNEY, (-62, -38, -230), (27, 25, 54)),
        (SPLEEN, (-98, -38, -172), (26, 40, 46)),
        (STOMACH, (-56, 22, -164), (38, 34, 40)),
        (LIVER, (58, 16, -166), (86, 80, 80)),
        (LIVER, (-8, 50, -150), (60, 30, 30)),
    ):
        canvas.paint(_under_diaphragm(lattice, ellipsoid(lattice, middle, half)), organ)
    canvas.paint(ellipsoid(lattice, (-58, 40, -148), (24, 12, 16)), GAS)
    for crus in ([(15, -18, -170, 4.5), (17, -10, -235, 4)], [(-30, -20, -170, 4.5), (-23, -12, -235, 4)]):
        canvas.paint(tube(lattice, Tube.through(crus)), MUSCLE)


def draw_neck(canvas: Canvas) -> None:
    for side in (-1, 1):
        canvas.paint(ellipsoid(canvas.lattice, (side * 15, 6, 112), (8, 9, 20)), THYROID)


def draw_nodes(canvas: Canvas, rng: np.random.Generator) -> None:
    for _ in range(8):
        centre = (rng.uniform(-30, 30), rng.uniform(30, 60), rng.uniform(-40, 60))
        canvas.paint(ellipsoid(canvas.lattice, centre, rng.uniform(2, 4, 3)), NODE)


def _under_diaphragm(lattice: Lattice, shape: Distance) -> Distance:
    box, distance = shape
    x, y, z = lattice.xyz(box)
    if not distance.size:
        return shape
    under = (z - diaphragm(x, y) + np.float32(3)) * np.float32(0.75)
    return box, np.maximum(np.maximum(distance, under), cavity(x, y, z) + np.float32(3))
