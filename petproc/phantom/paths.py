"""Where the vessels run: control points (x, y, z, outer radius) in body space, mm, in the direction of flow."""

from __future__ import annotations

import numpy as np

from petproc.core.regions import LEFT_CAROTID, RIGHT_CAROTID
from petproc.phantom.person import Person
from petproc.phantom.shapes import Tube

Path = list[tuple[float, float, float, float]]
LEFT_JUGULAR, RIGHT_JUGULAR = "left_internal_jugular", "right_internal_jugular"
JUGULARS = (LEFT_JUGULAR, RIGHT_JUGULAR)

_AORTA: Path = [
    (-8, 18, -76, 14.5), (2, 22, -62, 15.5), (11, 25, -45, 15.2), (15, 26, -25, 15), (14, 23, -5, 14.6),
    (6, 16, 17, 13.8), (-11, 5, 30, 13.2), (-24, -12, 29, 12.8), (-28.5, -28, 14, 12.5), (-28.5, -37, -10, 12.2),
    (-27, -37, -60, 11.8), (-22, -33, -110, 11.4), (-14, -20, -160, 11), (-9, -12, -200, 10.5), (-8, -3, -250, 9.8),
    (-6, 1, -300, 9), (-4, 1, -322, 8.6),
]  # fmt: skip
_SVC: Path = [
    (30, 15, 42, 8), (35, 10, 22, 8.6), (37, 7, 0, 8.8), (38, 6, -25, 9), (38, 7, -45, 9.2), (38, 10, -64, 10),
]  # fmt: skip
UPPER_VEINS: list[Path] = [
    [(32, 16, 38, 6.5), (10, 37, 46, 6.5), (-20, 34, 58, 6.5), (-42, 16, 78, 6)],
    [(30, 15, 40, 7.5), (35, 14, 58, 7), (42, 12, 78, 6.5)],
]
LOWER_VEINS: list[Path] = [
    [(20, -8, -330, 9), (22, -6, -250, 10.5), (24, -2, -190, 11), (25, 4, -140, 12), (30, 14, -112, 12)],
    [(20, -8, -328, 8), (36, -16, -365, 7), (52, -10, -430, 6)],
    [(20, -8, -328, 8), (-14, -18, -360, 7), (-44, -14, -430, 6)],
    [(10, -36, -150, 3), (11, -36, -5, 4), (16, -36, 8, 4.2), (27, -18, 14, 4.4), (36, 4, 10, 4.4)],
    [(22, -6, -228, 5), (2, 14, -228, 4.5), (-34, -20, -230, 5)],
    [(22, -6, -232, 5), (38, -24, -236, 5)],
]
LUNG_VESSELS: list[Path] = [
    [(-9, 46, -74, 13), (-19, 42, -54, 13), (-21, 28, -36, 12.5), (-14, 8, -27, 10), (0, -3, -27, 9.4),
     (20, -7, -28, 8.8), (44, -11, -31, 7.6), (62, -15, -38, 6)],
    [(-20, 22, -31, 10.5), (-34, 4, -20, 9), (-50, -13, -20, 7.5), (-62, -22, -34, 6)],
    [(24, -4, -76, 6), (50, -12, -70, 5), (66, -14, -62, 4)],
    [(-30, -6, -76, 6), (-50, -10, -70, 5), (-64, -12, -62, 4)],
]  # fmt: skip
BRANCHES: list[Path] = [
    [(7, 16, 22, 6.4), (14, 14, 45, 6.2), (20, 8, 66, 5.8)],
    [(20, 8, 66, 5), (48, 4, 84, 4.5), (90, -6, 86, 4.5)],
    [(-20, -7, 34, 5.2), (-26, -10, 62, 5), (-46, -4, 84, 4.5), (-90, -6, 86, 4.5)],
    [(-4, 1, -318, 6.5), (-22, -6, -350, 5.8), (-44, -10, -390, 5.2), (-54, 0, -430, 5)],
    [(-4, 1, -318, 6.5), (16, -2, -350, 5.8), (40, -8, -390, 5.2), (50, 0, -430, 5)],
    [(-8, -1, -212, 4), (-6, 24, -224, 3.8), (-4, 30, -270, 3.2)],
    [(-9, -6, -222, 3.5), (-40, -26, -230, 3)],
    [(-8, -6, -222, 3.5), (18, -20, -226, 3), (40, -28, -236, 3)],
]  # fmt: skip
_NECK_TOP = 205.0
_COMMON_CAROTID = {
    LEFT_CAROTID: [(-9, 6, 34), (-14, 3, 60), (-21, -1, 90), (-28, 0, 112)],
    RIGHT_CAROTID: [(20, 8, 66), (25, 1, 90), (28, 0, 112)],
}
"""From inside the arch, or the end of the brachiocephalic trunk, up to the neck."""
_NECK_X = {LEFT_CAROTID: -28.0, RIGHT_CAROTID: 28.0}
BULB, INTERNAL, EXTERNAL = 1.1, 0.75, 0.65
"""Radius of the carotid at its bifurcation, of the internal and the external one beyond it, in common carotid radii."""
_JUGULAR = {
    LEFT_JUGULAR: [(-41, 12, _NECK_TOP), (-42, 9, 150), (-42, 8, 110), (-42, 16, 78)],
    RIGHT_JUGULAR: [(41, 12, _NECK_TOP), (42, 9, 150), (42, 8, 110), (42, 12, 78)],
}


def aorta_of(person: Person) -> Tube:
    controls = np.array(_AORTA)
    controls[:, 3] *= person.aorta_scale
    below = np.clip((-60 - controls[:, 2]) / 60, 0, 1)
    controls[:, 0] += person.tortuosity_mm * below * np.sin((controls[:, 2] + 60) / 55)
    return Tube.through([tuple(row) for row in controls])


def vena_cava_of(person: Person) -> Tube:
    return Tube.through([(x, y, z, r * (0.5 + 0.5 * person.aorta_scale)) for x, y, z, r in _SVC])


def carotid_of(person: Person, side: str) -> Tube:
    """Common and internal carotid in one, through the bifurcation at `person.bifurcation[side]`."""
    radius, x, fork = person.radius_mm[side] / person.scale, _NECK_X[side], person.bifurcation[side]
    common = [(*point, radius) for point in _COMMON_CAROTID[side]]
    outwards = 1.0 if x > 0 else -1.0
    return Tube.through(
        [
            *common,
            (x, 2.0, fork - 12.0, radius),
            (x, 3.0, fork, BULB * radius),
            (x + 1.5 * outwards, 0.0, fork + 14.0, INTERNAL * radius),
            (x + 2.0 * outwards, 0.0, _NECK_TOP, INTERNAL * radius),
        ]
    )


def external_carotid_of(person: Person, side: str) -> Tube:
    radius, x, fork = EXTERNAL * person.radius_mm[side] / person.scale, _NECK_X[side], person.bifurcation[side]
    return Tube.through([(x, 3, fork, radius), (0.9 * x, 9, fork + 14, radius), (0.85 * x, 14, _NECK_TOP, radius)])


def jugular_of(person: Person, side: str) -> Tube:
    radius = person.radius_mm[side] / person.scale
    return Tube.through([(x, y, z, radius) for x, y, z in _JUGULAR[side]])
