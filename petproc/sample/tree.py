"""Which arteries are branches of which, and how far apart their stations are along them.

A branch begins in the wall of its parent: there the two are one lumen, and the cut between them is a cut plane as that
between two regions of the aorta, neither a wall nor a hot neighbour. So a vessel and its branches are one tree, in
which distance is counted along the vessels. This is a rule of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from petproc.core.regions import AORTA, LEFT_CAROTID, RIGHT_CAROTID
from petproc.core.tables import Station
from petproc.sample.place import Floats

TRUNK = "brachiocephalic_trunk"
ORIGINS: dict[str, tuple[str, ...]] = {
    TRUNK: (AORTA,),
    LEFT_CAROTID: (AORTA, TRUNK),
    RIGHT_CAROTID: (TRUNK, AORTA),
    "left_subclavian": (AORTA,),
    "right_subclavian": (TRUNK, AORTA),
    "left_iliac": (AORTA,),
    "right_iliac": (AORTA,),
}
"""Vessels from which a branch may spring; it springs from the one that is nearest."""
JOIN_MM = 10.0
"""A branch springs from a vessel when its first station lies at most so far outside that vessel's radius."""


@dataclass(frozen=True, eq=False)
class Tree:
    """Vessels that are one lumen: their stations, and the way along the vessels between each two of them (n, n) mm."""

    stations: tuple[Station, ...]
    along: Floats

    @property
    def vessels(self) -> set[str]:
        return {station.vessel for station in self.stations}


def trees_of(stations: Sequence[Station]) -> list[Tree]:
    """Every vessel is in exactly one tree, alone or with its branches; the order of the stations is kept."""
    if not stations:
        return []
    place = np.array([(s.x_mm, s.y_mm, s.z_mm) for s in stations])
    vessel = np.array([s.vessel for s in stations])
    links: list[tuple[int, int, float]] = []
    for name in dict.fromkeys(vessel.tolist()):
        own = np.flatnonzero(vessel == name)
        links += [(a, b, stations[b].arc_mm - stations[a].arc_mm) for a, b in pairwise(own.tolist())]
        if (origin := _origin(stations, place, vessel, name)) is not None:
            links.append((int(own[0]), origin, float(np.linalg.norm(place[own[0]] - place[origin]))))
    ends, others, way = zip(*links, strict=True) if links else ((), (), ())
    graph = coo_matrix((np.maximum(way, 1e-6), (ends, others)), shape=(len(stations), len(stations))).tocsr()
    along = dijkstra(graph, directed=False)
    count, part = connected_components(graph, directed=False)
    members = [np.flatnonzero(part == number) for number in range(count)]
    return [Tree(tuple(stations[n] for n in own.tolist()), along[np.ix_(own, own)]) for own in members]


def _origin(stations: Sequence[Station], place: Floats, vessel: NDArray[np.str_], name: str) -> int | None:
    """The station of another vessel from which this one springs, None where it springs from none of them."""
    first = int(np.flatnonzero(vessel == name)[0])
    able = np.flatnonzero(np.isin(vessel, ORIGINS.get(name, ())))
    if not len(able):
        return None
    radius = np.array([stations[n].radius_mm for n in able.tolist()])
    outside = np.linalg.norm(place[able] - place[first], axis=1) - radius
    nearest = int(outside.argmin())
    return int(able[nearest]) if outside[nearest] <= JOIN_MM else None
