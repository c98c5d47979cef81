"""Body outline, muscle, the cavities with their fat, and the lungs (body space, mm).

Every profile is a table of heights above the carina, downwards, and of what holds there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from petproc.phantom.canvas import Canvas
from petproc.phantom.shapes import column
from petproc.phantom.space import Lattice
from petproc.phantom.tissues import FAT, LUNG, MUSCLE, Tissue

Array = NDArray[Any]

_OUTLINE = np.array(
    [  # z, half width, half depth, middle in y: muscle, without the fat under the skin
        (200, 54, 54, -14), (130, 56, 54, -14), (112, 80, 60, -13), (95, 140, 72, -10), (78, 178, 82, -6),
        (40, 166, 92, -2), (0, 160, 98, 0), (-60, 160, 104, 0), (-120, 158, 106, 0), (-180, 152, 103, 0),
        (-240, 144, 98, 0), (-300, 146, 94, 0), (-360, 162, 93, 0), (-430, 168, 92, 0),
    ]
)  # fmt: skip
_CAVITY = np.array(
    [  # z, half width, half depth, middle in y: inside of ribs and abdominal wall
        (85, 30, 28, -20), (70, 72, 48, -16), (50, 104, 62, -10), (20, 126, 74, -4), (-20, 138, 82, -2),
        (-80, 142, 88, 0), (-140, 140, 88, 2), (-190, 132, 82, 6), (-240, 122, 76, 10), (-300, 116, 64, 14),
        (-360, 116, 60, 14), (-430, 112, 58, 12),
    ]
)  # fmt: skip
_SPINE = np.array(
    [  # z, middle of the vertebral body in y, its half width and half depth
        (200, -24, 11, 9), (120, -30, 13, 10), (80, -42, 14, 11), (40, -52, 15, 12.5), (0, -56, 16, 14),
        (-50, -57, 17, 14.5), (-100, -55, 18, 15.5), (-150, -50, 19, 16), (-200, -44, 21, 17), (-250, -38, 23, 18),
        (-300, -34, 25, 18), (-340, -34, 26, 18), (-430, -44, 26, 18),
    ]
)  # fmt: skip
_MEDIASTINUM = np.array(
    [  # z, half width, half depth, middle in y: the fat between the lungs
        (85, 34, 44, 0), (40, 33, 50, 8), (0, 33, 54, 14), (-50, 34, 58, 20), (-80, 36, 60, 22), (-200, 36, 60, 22),
    ]
)  # fmt: skip
LUNG_TOP = 80.0
APEX_FADE_MM = 12.0


def profile(table: Array, z: Array) -> list[Array]:
    """The table's columns at heights `z`, constant beyond its ends."""
    order = table[::-1]
    inside = np.clip(z, order[0, 0], order[-1, 0])
    return [PchipInterpolator(order[:, 0], values)(inside).astype(np.float32) for values in order[:, 1:].T]


def spine_at(z: Array) -> tuple[Array, Array, Array]:
    """Middle of the vertebral body in y, half width and half depth at heights `z`."""
    middle, half_x, half_y = profile(_SPINE, np.asarray(z, dtype=float))
    return middle, half_x, half_y


def outline(z: Array) -> tuple[Array, Array, Array]:
    half_x, half_y, middle = profile(_OUTLINE, np.asarray(z, dtype=float))
    return half_x, half_y, middle


def cavity(x: Array, y: Array, z: Array) -> Array:
    """Distance to the inside of ribs and abdominal wall."""
    half_x, half_y, middle = profile(_CAVITY, z)
    return column(x, y - middle, half_x, half_y)


def diaphragm(x: Array, y: Array) -> Array:
    """Height of the two domes over (x, y): the right one higher, both low at the back."""
    peak = np.where(x > 0, np.float32(-92), np.float32(-106))
    low = ((np.abs(x) - 72) / 78) ** 2 + ((y - 8) / 88) ** 2
    return np.asarray(peak - 95 * np.minimum(low, np.float32(1.5)))


def lungs(x: Array, y: Array, z: Array) -> Array:
    """Distance to the lungs: the cavity without mediastinum and spine, down to the domes."""
    half_x, half_y, middle = profile(_MEDIASTINUM, z)
    back, wide, deep = spine_at(z)
    distance = cavity(x, y, z) + np.float32(2.5)
    np.maximum(distance, -column(x, y - middle, half_x, half_y), out=distance)
    np.maximum(distance, -column(x, y - back + 4, wide + 5, deep + 9), out=distance)
    np.maximum(distance, (diaphragm(x, y) - z) * np.float32(0.75), out=distance)
    return np.maximum(distance, z - np.float32(LUNG_TOP), out=distance)


def fat_mm(weight_kg: float, height_m: float, *, woman: bool) -> float:
    """Fat under the skin in body space."""
    return max(6.0, 5.0 + 2.2 * (weight_kg / height_m**2 - 20.0)) + (3.0 if woman else 0.0)


def half_extent(fat: float) -> tuple[float, float]:
    """Largest half width and half depth of a body with `fat`."""
    return float(_OUTLINE[:, 1].max() + fat), float((_OUTLINE[:, 2] + np.abs(_OUTLINE[:, 3])).max() + 1.2 * fat)


def draw(canvas: Canvas, fat: float, inner: Tissue) -> None:
    """Skin and fat, muscle, the cavities' fat (`inner`), lungs."""
    lattice = canvas.lattice
    whole = lattice.box((-999, -999, -999), (999, 999, 999))
    x, y, z = lattice.xyz(whole)
    half_x, half_y, middle = outline(z)
    layer = np.float32(fat) * np.interp(z, (-250, -120, 60, 110), (1.2, 1.0, 0.9, 0.35)).astype(np.float32)
    canvas.paint((whole, column(x, y - middle, half_x + layer, half_y + layer)), FAT)
    canvas.paint((whole, column(x, y - middle, half_x, half_y)), MUSCLE)
    box = lattice.box((-150, -110, -999), (150, 110, 84))
    canvas.paint((box, cavity(*lattice.xyz(box))), inner)
    neck = lattice.box((-40, -40, 60), (40, 40, 999))
    x, y, z = lattice.xyz(neck)
    canvas.paint((neck, np.maximum(column(x, y - 2, np.float32(34) + 0 * z, np.float32(20) + 0 * z), 78 - z)), inner)
    box = lung_box(lattice)
    canvas.paint((box, lungs(*lattice.xyz(box))), LUNG)


def lung_box(lattice: Lattice) -> tuple[slice, slice, slice]:
    return lattice.box((-146, -100, -255), (146, 100, LUNG_TOP + 4))
