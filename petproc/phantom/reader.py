"""The points that a reader would set on a visit's CT: two in each common carotid, for the segmentation from seeds."""

from __future__ import annotations

import numpy as np

from petproc.core.regions import CAROTIDS
from petproc.core.tables import PointRow
from petproc.phantom.person import SESSIONS
from petproc.phantom.scan import Parts

JITTER_MM = 0.6
"""Standard deviation along each axis: about 1 mm away from the centreline, as a careful click is."""
READER = "phantom"
BIFURCATION = "bifurcation"


def points(parts: Parts, *, seed: int) -> list[PointRow]:
    """Where the measured part of each carotid in view begins, and its bifurcation; RAS+ mm, to a tenth."""
    person, session = parts.person.name, parts.visit.session
    rng = np.random.default_rng([seed, parts.person.number, 41 + SESSIONS.index(session)])
    rows = []
    for side in CAROTIDS:
        vessel = parts.anatomy.vessels[side]
        named = np.flatnonzero(vessel.region != "")
        if not len(named):
            continue
        ends = parts.anatomy.canvas.lattice.pose.to_world(vessel.tube.points[named[[0, -1]]])
        clicks = np.round(ends + rng.normal(0.0, JITTER_MM, (2, 3)), 1)
        for (x, y, z), place in zip(clicks.tolist(), (None, BIFURCATION), strict=True):
            rows.append(PointRow(person, session, side, x, y, z, place, READER))
    return rows
