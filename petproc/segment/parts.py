"""Where the aorta's parts begin and end, by the same rule for every backend.

The clinical limits are the sinotubular junction (root | ascending), the brachiocephalic origin (ascending | arch), the
left subclavian (arch | descending) and the diaphragm (descending | abdominal). Each is taken from the best that is
there. Where masks of its neighbours are given (`Guides`), they say it:

* root: what lies before the sinotubular junction, or else below 1 cm above the highest myocardium; it is no region.
  With neither, the ascending aorta begins where the tube does;
* arch: from 5 mm before the brachiocephalic trunk touches the aorta to 5 mm after the left subclavian does, so that the
  widening at an origin is part of the arch (the margins with which TotalSegmentator reports its segments);
* descending: to the height of the middle of the twelfth thoracic vertebra.

The branches cannot be seen reliably on low-dose CT without contrast. Without their masks these are rules of ours, on
landmarks that can be seen:

* arch: the part of the tube, around its highest point, that lies more than 5 mm above the carina;
* descending: from there to the last place with lung within 45 mm in the same axial plane (the diaphragm's crura);
* abdominal: below that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from petproc.core.errors import Refusal
from petproc.segment.stations import Floats, arc_length

ARCH_ABOVE_CARINA_MM = 5.0
RISE_MM = 15.0
"""A centreline that rises more than this before it descends has an ascending limb."""
ORIGIN_MM = 5.0
"""of the aorta on either side of the arch's branches, counted to the arch"""
ABOVE_MYOCARDIUM_MM = 10.0
NO_REGION = ""
"""of points of the root"""

Point = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Guides:
    """What other masks tell of the aorta's limits: places (n, 3) in RAS+ mm, none where there is no such mask.

    Of the two branches those where they touch the aorta; of the others the whole mask.
    """

    sinotubular_junction: Floats | None = None
    myocardium: Floats | None = None
    brachiocephalic_trunk: Floats | None = None
    left_subclavian: Floats | None = None
    vertebra_t12: Floats | None = None


def split_aorta(
    points_mm: ArrayLike, *, carina: Point | None, lung_beside: NDArray[np.bool_], guides: Guides | None = None
) -> tuple[str, ...]:
    """Region of every point of the aorta's centreline (n, 3), RAS+ mm, ordered with flow; any stretch of it will do.

    `carina` comes from `airway.find_carina`, None where it is not in view; `lung_beside` (n,) from
    `torso.Torso.lung_beside`. Points of the root have `NO_REGION` where `guides` show its end. An ascending limb
    whose arch has no limits is refused as `no-carina`, one whose descending aorta has none as `no-diaphragm`.
    """
    points = np.asarray(points_mm, dtype=np.float64)
    guides = guides or Guides()
    height = points[:, 2]
    apex = int(height.argmax())
    before, after = _arch_limits(points, apex, carina, guides)
    diaphragm = _diaphragm(height, after, lung_beside, guides)
    if diaphragm is None:
        if height[apex] - height[0] > RISE_MM:
            raise _no_diaphragm()
        diaphragm = after
    root = min(_root(points, apex, guides), before)
    lengths = (root, before - root, after - before, diaphragm - after, len(points) - diaphragm)
    names = (NO_REGION, "ascending_aorta", "aortic_arch", "descending_aorta", "abdominal_aorta")
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


def _arch_limits(points: Floats, apex: int, carina: Point | None, guides: Guides) -> tuple[int, int]:
    """Index of the first point of the arch and of the first point after it; equal where there is no arch."""
    along = arc_length(points)
    before, after = _limits_by_carina(points[:, 2], apex, carina)
    if guides.brachiocephalic_trunk is not None:
        origin = along[_nearest(points, guides.brachiocephalic_trunk)].min()
        before = int(np.searchsorted(along, origin - ORIGIN_MM))
    if guides.left_subclavian is not None:
        origin = along[_nearest(points, guides.left_subclavian)].max()
        after = int(np.searchsorted(along, origin + ORIGIN_MM, side="right"))
    if before is None or after is None:
        raise Refusal(
            "no-carina",
            "The aorta cannot be split into ascending aorta, arch and descending aorta: neither the carina nor both "
            "the brachiocephalic trunk and the left subclavian artery show where its arch begins and ends.",
            "Give a CT that shows the trachea down to the main bronchi, masks of these two branches, or labels that "
            "are split already.",
        )
    return before, max(before, after)


def _limits_by_carina(height: Floats, apex: int, carina: Point | None) -> tuple[int | None, int | None]:
    """The arch's limits by the height of the carina; none of an ascending limb without one."""
    rises = height[apex] - height[0] > RISE_MM
    if carina is None:
        return (None, None) if rises else (0, 0)
    if height[apex] <= carina[2] + ARCH_ABOVE_CARINA_MM:
        ascending = apex + 1 if rises else 0
        return ascending, ascending
    low = height <= carina[2] + ARCH_ABOVE_CARINA_MM
    before = np.flatnonzero(low[:apex])
    after = np.flatnonzero(low[apex:])
    return int(before[-1]) + 1 if len(before) else 0, apex + int(after[0]) if len(after) else len(height)


def _diaphragm(height: Floats, after: int, lung_beside: NDArray[np.bool_], guides: Guides) -> int | None:
    """Index of the first point of the abdominal aorta; None where nothing tells."""
    if guides.vertebra_t12 is not None:
        middle = (guides.vertebra_t12[:, 2].min() + guides.vertebra_t12[:, 2].max()) / 2
        below = np.flatnonzero(height[after:] < middle)
        return after + int(below[0]) if len(below) else len(height)
    if not lung_beside.any():
        return len(height) if after == len(height) else None
    beside = np.flatnonzero(lung_beside[after:])
    return after + (int(beside[-1]) + 1 if len(beside) else 0)


def _root(points: Floats, apex: int, guides: Guides) -> int:
    """Index of the first point of the ascending aorta."""
    limb = points[: apex + 1]
    if guides.sinotubular_junction is not None:
        return int(_nearest(limb, guides.sinotubular_junction.mean(axis=0)[None])[0])
    if guides.myocardium is not None:
        low = np.flatnonzero(limb[:, 2] < guides.myocardium[:, 2].max() + ABOVE_MYOCARDIUM_MM)
        return int(low[-1]) + 1 if len(low) and limb[-1, 2] - limb[0, 2] > RISE_MM else 0
    return 0


def _nearest(points: Floats, places: Floats) -> NDArray[np.intp]:
    """Index of the point of the line that is nearest to each place."""
    apart = np.linalg.norm(places[:, None] - points[None], axis=2)
    return np.asarray(apart.argmin(axis=1))


def _no_diaphragm() -> Refusal:
    return Refusal(
        "no-diaphragm",
        "The aorta cannot be split into descending and abdominal aorta: no lung was found on the CT.",
        "Give a CT that shows the lungs, a mask of the twelfth thoracic vertebra, or labels that are split already.",
    )
