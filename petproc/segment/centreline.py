"""Centreline of a tubular mask: from its very first to its very last section, in the direction of flow.

The two geodesically farthest voxels are the ends; the cheapest path between them through the distance map lies near
the middle; then every millimetre of it is moved to the centroid of the section across it until it rests there.
World space is RAS+ mm.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.signal import savgol_filter

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import REGIONS, regions_of
from petproc.core.volume import Labels
from petproc.segment.sections import Floats, Mask, Sections, Solid
from petproc.segment.stations import STEP_MM as STATION_MM
from petproc.segment.stations import Tube, arc_length

STEP_MM = 1.0
"""between sections while the line is being centred"""
SMOOTH_MM = 15.0
"""window of the local parabola through the centroids: wide enough to hide voxel steps, and true to an arch"""
END_MM = 0.1
"""how exactly the end of the tube is found"""
LEAD_MM = 24.0
"""length of whole tube that tells where the line goes on between sections that an end cuts"""
CUT = 0.85
"""near an end, a ray this much shorter than further in is cut short by the end and not by the wall"""
LONGER_THAN_WIDE = 1.4
"""a shorter piece has no sure direction: the line through a slab runs sideways and comes out at up to 1.25"""
OBLONG = 1.6
"""sections this much wider than round are those of a flat piece, through which the line runs sideways"""
ROUNDS = 5


def centreline_of(labels: Labels, vessel: str) -> Tube:
    """Centreline of the union of all regions of `vessel` that `labels` holds, with flow; the union must be one piece.

    Points (n, 3) are 2 mm apart, radii (n,) those of the circle of equal area. Refused as `vessel-too-short` where the
    mask is hardly longer than it is wide.
    """
    tube = centreline_of_mask(labels.mask(*regions_of(vessel)), labels.grid)
    return tube if _with_flow(tube, region_along(tube, labels), vessel) else _turned(tube)


def region_along(tube: Tube, labels: Labels) -> tuple[str | None, ...]:
    """Name of the label at each point of the tube, None where there is none."""
    voxel = np.rint(labels.grid.to_index(tube.points_mm)).astype(int)
    voxel = np.clip(voxel, 0, np.array(labels.grid.shape) - 1)
    return tuple(labels.names.get(int(value)) for value in labels.data[tuple(voxel.T)])


def _with_flow(tube: Tube, regions: tuple[str | None, ...], vessel: str) -> bool:
    """Two regions tell the direction; a single one runs roughly as its blood does."""
    place = {name: np.mean([n for n, seen in enumerate(regions) if seen == name]) for name in set(regions) if name}
    along_flow = [place[name] for name in regions_of(vessel) if name in place]
    if len(along_flow) > 1:
        return bool(along_flow[0] < along_flow[-1])
    region = next(iter(place), regions_of(vessel)[0])
    return bool((tube.points_mm[-1] - tube.points_mm[0]) @ np.array(REGIONS[region].flow) > 0)


def _turned(tube: Tube) -> Tube:
    return Tube(tube.points_mm[::-1], tube.radii_mm[::-1])


def centreline_of_mask(mask: Mask, grid: Grid) -> Tube:
    """Centreline of a mask in one piece, in either direction; refused as `vessel-too-short` if it has none."""
    solid = Solid.of(mask, grid)
    path, radius = _path(solid)
    if len(path) * STEP_MM < SMOOTH_MM:
        raise _too_short(mask, grid)
    # A farthest voxel lies on the rim of its end and the path leaves it aslant: the line grows anew from further in.
    trim = round(min(2 * radius / STEP_MM, len(path) / 3))
    line = _smooth(path[trim : len(path) - trim])
    for _ in range(ROUNDS):
        line = _centred(solid, _prolonged(solid, line, radius))
    line = _prolonged(solid, line, radius)
    sections = solid.sections(line)
    radii = _inward(sections, sections.radii())
    arc = arc_length(line)
    width = float(np.median(sections.widths()))
    if arc[-1] < LONGER_THAN_WIDE * width or width > OBLONG * 2 * np.median(radii):
        raise _too_short(mask, grid)
    stations = np.arange(0.0, arc[-1] + 1e-9, STATION_MM)
    points = np.stack([np.interp(stations, arc, line[:, axis]) for axis in range(3)], axis=1)
    return Tube(points, np.interp(stations, arc, radii))


def _too_short(mask: Mask, grid: Grid) -> Refusal:
    return Refusal(
        "vessel-too-short",
        f"A piece of vessel of {mask.sum() * grid.voxel_ml:.1f} mL is hardly longer than it is wide: no centreline.",
        "Label a longer part of the vessel.",
    )


def _path(solid: Solid) -> tuple[Floats, float]:
    """Cheapest path between the two farthest voxels, as points `STEP_MM` apart, and the tube's typical radius."""
    from skimage.graph import MCP_Geometric

    inside = solid.field > 0.5
    spacing = tuple(solid.grid.spacing)
    depth = ndimage.distance_transform_edt(inside, sampling=spacing)

    def farthest(start: tuple[int, ...]) -> tuple[int, ...]:
        reached, _ = MCP_Geometric(np.where(inside, 1.0, -1.0), sampling=spacing).find_costs([start])
        reached[~np.isfinite(reached)] = -1.0
        return tuple(map(int, np.unravel_index(np.argmax(reached), reached.shape)))

    first = farthest(tuple(map(int, np.unravel_index(np.argmax(depth), depth.shape))))
    last = farthest(first)
    with np.errstate(divide="ignore"):
        middle = MCP_Geometric(np.where(inside, (depth.max() / depth) ** 3, -1.0), sampling=spacing)
    middle.find_costs([first], [last])
    voxels = np.array(middle.traceback(last))
    radius = float(np.median(depth[tuple(voxels.T)]))
    return _spaced(solid.grid.to_mm(voxels), STEP_MM), radius


def _centred(solid: Solid, line: Floats) -> Floats:
    """The line, each point moved to the centroid of its section, or on where the whole sections lead."""
    sections = solid.sections(line)
    first, last = _whole(sections)
    centres = sections.centroids()
    arc = arc_length(line)
    window = round(LEAD_MM / STEP_MM)
    for cut, near in (
        (slice(0, first), slice(first, min(last, first + window))),
        (slice(last, None), slice(max(first, last - window), last)),
    ):
        parabola = np.polynomial.polynomial.polyfit(arc[near] - arc[near][0], centres[near], 2)
        centres[cut] = np.polynomial.polynomial.polyval(arc[cut] - arc[near][0], parabola).T
    return _smooth(_spaced(centres, STEP_MM))


def _whole(sections: Sections) -> tuple[int, int]:
    """Range of the sections that an end of the tube does not cut: near an end, rays against further in."""
    count = len(sections.rays)
    reach = int(min(count // 2 - 2, 2 * np.median(sections.radii()) / STEP_MM))

    def cut(rays: Floats) -> int:
        usual = np.median(rays[reach // 2 : reach + 1], axis=0)
        short = np.flatnonzero((rays[: reach // 2] < CUT * usual).any(axis=1))
        return int(short[-1]) + 1 if len(short) else 0

    return cut(sections.walls), count - cut(sections.walls[::-1])


def _inward(sections: Sections, radii: Floats) -> Floats:
    """Radii in which a section cut by an end of the tube has that of the nearest whole one."""
    first, last = _whole(sections)
    return radii[np.clip(np.arange(len(radii)), first, last - 1)]


def _prolonged(solid: Solid, line: Floats, at_most_mm: float) -> Floats:
    """The line without points outside the tube, prolonged straight to its two ends or by `at_most_mm`."""
    within = np.flatnonzero(solid.holds(line))
    line = line[within[0] : within[-1] + 1]
    for _ in range(2):
        line = line[::-1]
        outward = line[-1] - line[-min(4, len(line))]
        steps = np.arange(0.0, at_most_mm, END_MM)[:, None] * outward / np.linalg.norm(outward)
        inside = solid.holds(line[-1] + steps)
        last = len(inside) - 1 if inside.all() else int(np.argmin(inside)) - 1
        line = np.vstack([line, line[-1] + steps[last]])
    return _spaced(line, STEP_MM)


def _smooth(line: Floats) -> Floats:
    window = (min(round(SMOOTH_MM / STEP_MM), len(line)) - 1) // 2 * 2 + 1
    return np.asarray(savgol_filter(line, window, 2, axis=0))


def _spaced(line: Floats, step_mm: float) -> Floats:
    """The polyline (N, 3) as points exactly evenly spaced, about `step_mm` apart, ends included."""
    arc = arc_length(line)
    even = np.linspace(0.0, arc[-1], max(2, round(arc[-1] / step_mm) + 1))
    return np.stack([np.interp(even, arc, line[:, axis]) for axis in range(3)], axis=1)
