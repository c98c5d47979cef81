"""A centreline as a smooth curve with a frame that does not twist. Points (n, 3) in RAS+ mm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from petproc.segment.stations import STEP_MM, arc_length

Floats = NDArray[np.float64]


def smoothed(points_mm: Floats, *values: Floats, sigma_mm: float) -> tuple[Floats, ...]:
    """Points and values along them (n,), about 2 mm apart, Gaussian-smoothed along the curve, whose ends stay."""
    arc = arc_length(points_mm)
    distinct = np.concatenate([[True], np.diff(arc) > 1e-6])
    arc = arc[distinct]
    at = np.linspace(0.0, arc[-1], max(4, round(float(arc[-1]) / STEP_MM) + 1))
    columns = [*np.asarray(points_mm)[distinct].T, *(value[distinct] for value in values)]
    sampled = np.stack([np.interp(at, arc, column) for column in columns], axis=1)
    reach = min(int(3 * sigma_mm / STEP_MM), len(sampled) - 1)
    # Point reflection at both ends keeps them in place and does not shorten the curve.
    head = 2 * sampled[0] - sampled[reach:0:-1]
    tail = 2 * sampled[-1] - sampled[-2 : -reach - 2 : -1]
    long = np.concatenate([head, sampled, tail])
    smooth = ndimage.gaussian_filter1d(long, sigma_mm / STEP_MM, axis=0)[reach : reach + len(sampled)]
    return smooth[:, :3], *smooth[:, 3:].T


def frames(points_mm: Floats) -> tuple[Floats, Floats, Floats]:
    """Unit tangents, normals and binormals (n, 3 each), the normals carried along without twist."""
    tangents = np.gradient(points_mm, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    # Starting from the axis most across the curve the cross product cannot vanish.
    across = np.eye(3)[np.abs(tangents[0]).argmin()]
    normal = np.cross(tangents[0], across)
    normals = np.empty_like(tangents)
    for n, tangent in enumerate(tangents):
        normal = normal - tangent * (normal @ tangent)
        normal = normal / np.linalg.norm(normal)
        normals[n] = normal
    return tangents, normals, np.cross(tangents, normals)
