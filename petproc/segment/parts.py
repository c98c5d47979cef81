"""Where the aorta's parts begin and end, by the same rule for every backend.

The clinical limits are the brachiocephalic origin (ascending | arch), the left subclavian (arch | descending) and the
diaphragm (descending | abdominal). The branches cannot be seen reliably on low-dose CT without contrast, so these are
rules of ours, on landmarks that can:

* arch: the part of the tube, around its highest point, that lies more than 5 mm above the carina;
* descending: from there to the last place with lung within 45 mm in the same axial plane (the diaphragm's crura);
* abdominal: below that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petproc.core.errors import Refusal

ARCH_ABOVE_CARINA_MM = 5.0
RISE_MM = 15.0
"""A centreline that rises more than this before it descends has an ascending limb."""

Point = tuple[float, float, float]


def split_aorta(points_mm: ArrayLike, *, carina: Point | None, lung_beside: NDArray[np.bool_]) -> tuple[str, ...]:
    """Region of every point of the aorta's centreline (n, 3), RAS+ mm, ordered with flow; any stretch of it will do.

    `carina` comes from `airway.find_carina`, None where it is not in view; `lung_beside` (n,) from
    `torso.Torso.lung_beside`. A tube with an ascending limb and without a carina is refused: its arch has no limits.
    """
    points = np.asarray(points_mm, dtype=np.float64)
    height = points[:, 2]
    apex = int(height.argmax())
    if carina is None and height[apex] - height[0] > RISE_MM:
        raise Refusal(
            "no-carina",
            "The aorta cannot be split into ascending aorta, arch and descending aorta: the carina was not found.",
            "Give a CT that shows the trachea down to the main bronchi, or labels that are split already.",
        )
    before, after = _arch_limits(height, apex, carina)
    beside = np.flatnonzero(lung_beside[after:])
    diaphragm = after + (int(beside[-1]) + 1 if len(beside) else 0)
    lengths = (before, after - before, diaphragm - after, len(points) - diaphragm)
    names = ("ascending_aorta", "aortic_arch", "descending_aorta", "abdominal_aorta")
    return tuple(name for name, length in zip(names, lengths, strict=True) for _ in range(length))


def aortic_landmark(points_mm: ArrayLike, *, carina: Point | None) -> Point | None:
    """The place from which the aorta's arc length counts: on the descending limb, at the height of the carina.

    The arch runs around the carina at nearly one distance, so that the nearest point of the whole tube would jump
    between its limbs from visit to visit; on the descending limb the place is sharp. None where the carina is not in
    view or the tube does not cross its height.
    """
    if carina is None:
        return None
    points = np.asarray(points_mm, dtype=np.float64)
    apex = int(points[:, 2].argmax())
    below = np.flatnonzero(points[apex:, 2] <= carina[2])
    if len(below) == 0 or apex + below[0] == 0:
        return None
    lower = apex + int(below[0])
    upper = lower - 1
    share = (points[upper, 2] - carina[2]) / (points[upper, 2] - points[lower, 2])
    x, y, z = points[upper] + share * (points[lower] - points[upper])
    return float(x), float(y), float(z)


def _arch_limits(height: NDArray[np.float64], apex: int, carina: Point | None) -> tuple[int, int]:
    """Index of the first point of the arch and of the first point after it; equal where there is no arch."""
    if carina is None or height[apex] <= carina[2] + ARCH_ABOVE_CARINA_MM:
        ascending = apex + 1 if height[apex] - height[0] > RISE_MM else 0
        return ascending, ascending
    low = height <= carina[2] + ARCH_ABOVE_CARINA_MM
    before = np.flatnonzero(low[:apex])
    after = np.flatnonzero(low[apex:])
    return int(before[-1]) + 1 if len(before) else 0, apex + int(after[0]) if len(after) else len(height)
