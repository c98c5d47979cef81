"""One line through a vessel that is labelled in pieces, such as an aorta without its arch.

Between two pieces runs the cubic Hermite curve through their ends along their directions: straight between ends that
point at each other, an arch between two limbs that point upwards. Points are RAS+ mm in the direction of flow.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from petproc.segment.stations import STEP_MM, Floats, Tube

GAP = ""
"""region of points between two pieces"""
END_MM = 20.0
"""length of a piece's end that gives its direction"""


def joined(pieces: Sequence[tuple[Tube, tuple[str, ...]]]) -> tuple[Tube, tuple[str, ...]]:
    """The pieces, each a tube and the region of its every point, as one; points of the gaps have the region `GAP`."""
    tube, regions = pieces[0]
    for following, named in pieces[1:]:
        bridge = _bridge(tube.points_mm, following.points_mm)
        radii = np.linspace(tube.radii_mm[-1], following.radii_mm[0], len(bridge) + 2)[1:-1]
        points = np.vstack([tube.points_mm, bridge, following.points_mm])
        tube = Tube(points, np.concatenate([tube.radii_mm, radii, following.radii_mm]))
        regions = (*regions, *[GAP] * len(bridge), *named)
    return tube, regions


def _bridge(before: Floats, after: Floats) -> Floats:
    """Points about every 2 mm strictly between the last point of `before` and the first of `after`."""
    start, end = before[-1], after[0]
    out, into = _direction(before[::-1]), -_direction(after)
    distance = float(np.linalg.norm(end - start))
    # Straight: the distance itself. Two parallel limbs: twice it, which draws a half circle to within 2 %.
    speed = distance * (1.5 - 0.5 * float(out @ into))
    t = np.linspace(0.0, 1.0, max(2, round(1.5 * distance / STEP_MM)) + 1)[1:-1, None]
    return np.asarray(
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * speed * out
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * speed * into
    )


def _direction(points: Floats) -> Floats:
    """Unit vector outwards through the first of `points`, from the end of the piece."""
    chord = points[0] - points[min(len(points) - 1, round(END_MM / STEP_MM))]
    return np.asarray(chord / np.linalg.norm(chord))
