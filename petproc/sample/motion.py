"""A segmentation made ready for sampling: cut to its vessels, and moved to where the PET has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from petproc.core.grid import Floats, Grid
from petproc.core.results import Alignment, Segmentation
from petproc.core.tables import Station
from petproc.core.volume import Labels, Volume

CROP_MARGIN = 4
"""Voxels kept around the labels: more than the wall's fit looks at."""


def cropped(segmentation: Segmentation) -> Segmentation:
    """The same vessels on the box of the grid that holds them."""
    labels = segmentation.labels
    found = [np.flatnonzero(labels.data.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    if not len(found[0]):
        return segmentation
    low = [max(int(places[0]) - CROP_MARGIN, 0) for places in found]
    box = tuple(slice(n, int(places[-1]) + CROP_MARGIN + 1) for n, places in zip(low, found, strict=True))
    affine = np.array(labels.grid.affine)
    affine[:3, 3] = labels.grid.to_mm(low)
    data = labels.data[box]
    return replace(segmentation, labels=Labels(data, Grid(data.shape, affine), labels.names))


def matrix_of(alignment: Alignment) -> Floats:
    """p_pet = matrix p_ct in RAS+ mm, (4, 4)."""
    x, y, z = np.radians(alignment.rotation_deg)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = about_z @ about_y @ about_x
    centre = np.asarray(alignment.centre_mm)
    matrix[:3, 3] = centre + alignment.translation_mm - matrix[:3, :3] @ centre
    return matrix


def moved(ct: Volume, segmentation: Segmentation, alignment: Alignment) -> tuple[Volume, Segmentation]:
    """CT and vessels where the PET has them; as they were unless the alignment is applied."""
    if not alignment.applied:
        return ct, segmentation
    matrix = matrix_of(alignment)
    labels = segmentation.labels
    moved_landmarks = {name: _point(matrix, place) for name, place in segmentation.landmarks.items()}
    return Volume(ct.data, _grid(ct.grid, matrix), ct.unit), replace(
        segmentation,
        labels=Labels(labels.data, _grid(labels.grid, matrix), labels.names),
        stations=tuple(_station(station, matrix) for station in segmentation.stations),
        landmarks=moved_landmarks,
    )


def _grid(grid: Grid, matrix: Floats) -> Grid:
    return Grid(grid.shape, matrix @ grid.affine)


def _point(matrix: Floats, place: tuple[float, float, float]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in matrix[:3, :3] @ np.asarray(place) + matrix[:3, 3])
    return x, y, z


def _station(station: Station, matrix: Floats) -> Station:
    x, y, z = _point(matrix, (station.x_mm, station.y_mm, station.z_mm))
    along = matrix[:3, :3] @ (station.tangent_x, station.tangent_y, station.tangent_z)
    return replace(
        station,
        x_mm=x,
        y_mm=y,
        z_mm=z,
        tangent_x=float(along[0]),
        tangent_y=float(along[1]),
        tangent_z=float(along[2]),
    )
