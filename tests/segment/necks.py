"""A piece of neck: a carotid and the jugular vein that nearly touches it, in sheaths of fat between muscles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petproc.core.grid import Grid
from petproc.core.volume import Volume
from petproc.phantom import scanner
from petproc.phantom.canvas import Canvas
from petproc.phantom.shapes import Tube, ellipsoid, tube
from petproc.phantom.space import Lattice, Pose
from petproc.phantom.tissues import FAT, MUSCLE, THYROID, Tissue

BLOOD = Tissue(40.0, 0.0, blood=1.0)
SHEATH_MM = 3.5
HALF_MM = (36.0, 32.0)


@dataclass(frozen=True, eq=False)
class Neck:
    ct: Volume
    carotid: Tube
    jugular: Tube

    def mask(self, vessel: Tube) -> NDArray[np.bool_]:
        index = np.stack(np.meshgrid(*map(np.arange, self.ct.grid.shape), indexing="ij"), axis=-1)
        distance, _ = vessel.nearest(self.ct.grid.to_mm(index.reshape(-1, 3)))
        return (distance <= 0).reshape(self.ct.grid.shape)


def neck(
    seed: int,
    *,
    noise: float,
    fat: bool = True,
    mm=(1.95, 1.95, 3.0),
    radius: float = 3.4,
    hu: float = 40.0,
    length=120.0,
):
    """The carotid tapers by 0.5 mm to `radius` and winds a little; 0.3 to 2 mm lie between it and the vein."""
    rng = np.random.default_rng([seed, 5])
    fine = Grid(
        (72, 64, int(length) + 24), np.array([[1, 0, 0, -36.0], [0, 1, 0, -32.0], [0, 0, 1, -12.0], [0, 0, 0, 1]])
    )
    canvas = Canvas(Lattice(fine, Pose(1.0, 0.0, (0.0, 0.0, 0.0))))
    z, knots = np.linspace(-25, length + 25, 6), 6
    x = 4 + np.linspace(-4, 3, knots) + rng.uniform(-3, 3, knots)
    y = np.linspace(-4, 3, knots) + rng.uniform(-3, 3, knots)
    wide = np.linspace(radius + 0.5, radius, knots)
    gap, vein, turn = rng.uniform(0.3, 2.0, knots), rng.uniform(4.5, 6.5, knots), rng.uniform(0, 0.87, knots)
    apart = wide + vein + gap
    carotid = Tube.through([tuple(row) for row in np.c_[x, y, z, wide]])
    jugular = Tube.through([tuple(row) for row in np.c_[x + apart * np.cos(turn), y + apart * np.sin(turn), z, vein]])
    canvas.hu[:] = MUSCLE.hu
    for vessel in (carotid, jugular):
        canvas.paint(tube(canvas.lattice, vessel, grow=SHEATH_MM), FAT if fat else MUSCLE)
    canvas.paint(ellipsoid(canvas.lattice, (x.mean() - 12, y.mean() + 6, 36), (8, 9, 20)), THYROID)
    for vessel in (jugular, carotid):
        canvas.paint(tube(canvas.lattice, vessel), Tissue(hu, 0.0, blood=1.0))
    shape = tuple(int(2 * half / step) - 2 for half, step in zip(HALF_MM, mm[:2], strict=True))
    shape = (*shape, int((length + 16) / mm[2]))
    affine = np.diag([-mm[0], -mm[1], mm[2], 1.0])
    affine[:3, 3] = mm[0] * (shape[0] - 1) / 2, mm[1] * (shape[1] - 1) / 2, -6.0
    affine[:3, 3] += rng.uniform(-0.5, 0.5, 3) * mm
    grid = Grid(shape, affine)
    return Neck(Volume(scanner.ct_image(canvas.hu, fine, grid, rng=rng, noise_hu=noise), grid, "HU"), carotid, jugular)


def at_height(vessel: Tube, *heights: float) -> NDArray[np.float64]:
    """Points (m, 3) of the centreline at these heights."""
    return np.array([vessel.points[np.abs(vessel.points[:, 2] - height).argmin()] for height in heights])
