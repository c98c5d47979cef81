"""Spine with discs, canal and posterior arch; ribs, sternum, shoulders, iliac wings (body space, mm)."""

from __future__ import annotations

import numpy as np

from petproc.phantom.canvas import Canvas
from petproc.phantom.shapes import Tube, column, ellipsoid, tube
from petproc.phantom.tissues import BONE, CORD, CORTEX, DISC, MARROW
from petproc.phantom.torso import cavity, spine_at

CANAL_MM = 8.0
RIB_STEP_MM = 27.0
ILIAC_CREST = -308.0


def draw(canvas: Canvas) -> None:
    _ribs(canvas)
    _sternum(canvas)
    _shoulders(canvas)
    _iliac_wings(canvas)


def draw_spine(canvas: Canvas) -> None:
    """Drawn late: nothing lies over the spine."""
    lattice = canvas.lattice
    box = lattice.box((-46, -125, -999), (46, -2, 999))
    x, y, z = lattice.xyz(box)
    middle, wide, deep = spine_at(z)
    level = np.interp(z, (-430, -200, 0, 200), (-12.0, -5.4, 2.6, 13.5))
    in_disc = (np.abs((level % 1.0) - 0.5) < 0.11).astype(np.float32)
    body = column(x, y - middle, wide, deep)
    canvas.paint((box, body), CORTEX)
    canvas.paint((box, body + np.float32(2.0)), MARROW)
    canvas.paint((box, np.maximum(body, (0.5 - in_disc) * 8)), DISC)
    canal_y = middle - deep - np.float32(CANAL_MM)
    canal = column(x, y - canal_y, np.float32(CANAL_MM) + 0 * z, np.float32(CANAL_MM) + 0 * z)
    behind = y - canal_y - np.float32(3.0)
    canvas.paint((box, np.maximum(np.abs(canal - 2.0) - 2.5, behind)), BONE)
    gap = (in_disc - 0.5) * 8
    spinous = np.maximum(np.abs(x) - 3.0, np.abs(y - canal_y + 17) - 9.0)
    canvas.paint((box, np.maximum(spinous, gap)), BONE)
    transverse = np.maximum(np.abs(np.abs(x) - 21) - 12.0, np.abs(y - canal_y + 1) - 3.5)
    canvas.paint((box, np.maximum(transverse, gap)), BONE)
    canvas.paint((box, canal), CORD)


def _ribs(canvas: Canvas) -> None:
    """Rings around the chest, lower in front, open at the back where the spine is."""
    lattice = canvas.lattice
    box = lattice.box((-160, -112, -200), (160, 112, 78))
    x, y, z = lattice.xyz(box)
    shell = np.abs(cavity(x, y, z) - np.float32(3.5)) - np.float32(3.5)
    height = z - np.float32(0.35) * y + np.float32(400.0)
    off = np.abs(height % np.float32(RIB_STEP_MM) - np.float32(RIB_STEP_MM / 2)) - np.float32(5.0)
    ring = np.maximum(shell, off, out=shell)
    limit = np.where(z < -110, y - 40, np.float32(-9.0))
    canvas.paint((box, np.maximum(ring, limit)), BONE)


def _sternum(canvas: Canvas) -> None:
    lattice = canvas.lattice
    box = lattice.box((-26, 40, -130), (26, 112, 66))
    x, y, z = lattice.xyz(box)
    front = np.interp(z, (-120, -20, 20, 60), (91, 83, 73, 56)).astype(np.float32)
    plate = np.maximum(np.abs(x) - np.float32(17), np.abs(y - front) - np.float32(6))
    canvas.paint((box, np.maximum(plate, np.abs(z + 30) - np.float32(88))), BONE)


def _shoulders(canvas: Canvas) -> None:
    for side in (-1, 1):
        canvas.paint(ellipsoid(canvas.lattice, (side * 150, -12, 74), (23, 23, 25)), BONE)
        clavicle = [(side * 20, 50, 62, 6.0), (side * 70, 42, 80, 6.0), (side * 128, 0, 92, 6.0)]
        canvas.paint(tube(canvas.lattice, Tube.through(clavicle)), BONE)
        blade = [(side * 125, -40, 78, 6.0), (side * 112, -78, 40, 5.0), (side * 96, -90, -20, 4.0)]
        canvas.paint(tube(canvas.lattice, Tube.through(blade)), BONE)


def _iliac_wings(canvas: Canvas) -> None:
    lattice = canvas.lattice
    box = lattice.box((-140, -100, -999), (140, 60, ILIAC_CREST + 5))
    x, y, z = lattice.xyz(box)
    if not z.size:
        return
    flare = np.clip((np.float32(ILIAC_CREST) - z) / 60, 0, 1)
    wing = np.abs(column(x, y + 8, np.float32(112) - 4 * flare, np.float32(72) - 6 * flare)) - np.float32(5)
    where = np.maximum(np.maximum(np.float32(48) - np.abs(x), y - 34), z - np.float32(ILIAC_CREST) + np.abs(y + 10) / 4)
    canvas.paint((box, np.maximum(wing, where)), BONE)
