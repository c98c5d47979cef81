"""Closed contours of an RTSTRUCT filled on the slices of the CT: a voxel is inside when its centre is.

Contours of one structure in one slice exclude each other, so that a contour within another is a hole.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from skimage.draw import polygon

from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Grid
from petproc.core.volume import Labels
from petproc.dicom.masks import CtSource, Masks, check_source, named, overlap, rows_of

OFF_PLANE = 0.3
"""A contour may lie this share of the slice spacing from its slice: printed positions drift, tables sag."""
FLAT = 0.1
"""Points of one contour may differ by this share of the spacing along the normal of the slices."""
_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


def draw_contours(dataset: Dataset, source: CtSource, values: Mapping[str, int]) -> Masks:
    """See `masks.read_masks`."""
    names = {int(roi.ROINumber): str(roi.ROIName) for roi in rows_of(dataset, "StructureSetROISequence")}
    contours = {int(roi.ReferencedROINumber): roi for roi in rows_of(dataset, "ROIContourSequence")}
    chosen = named(names, values)
    check_source(
        {uid for roi in contours.values() for one in rows_of(roi, "ContourSequence") for uid in _referred(one)}, source
    )
    data = np.zeros(source.grid.shape, dtype=np.uint8, order="F")
    shared, open_ones = 0, 0
    for number, value in sorted(chosen.items(), key=lambda entry: entry[1]):
        drawn, left = _filled(rows_of(contours.get(number, Dataset()), "ContourSequence"), source)
        open_ones += left
        for k, plane in sorted(drawn.items()):
            shared += int((data[:, :, k][plane] > 0).sum())
            data[:, :, k][plane] = value
        _check_gaps(sorted(drawn), names[number] if names[number] in values else "")
    findings = overlap(shared)
    if open_ones:
        words = f"{open_ones} contours are points or open lines and were left out."
        findings = (*findings, Finding("contours-open", words, "info"))
    regions = {value: name for name, value in values.items()}
    return Masks(Labels(data, source.grid, regions), findings)


def _referred(contour: Dataset) -> list[str]:
    return [str(image.ReferencedSOPInstanceUID) for image in rows_of(contour, "ContourImageSequence")]


def _filled(contours: list[Dataset], source: CtSource) -> tuple[dict[int, NDArray[np.bool_]], int]:
    """Planes (I, J) by slice, and how many contours enclose nothing."""
    slice_of = {uid: k for k, uid in enumerate(source.instances)}
    planes: dict[int, NDArray[np.bool_]] = {}
    left = 0
    for contour in contours:
        if contour.ContourGeometricType not in ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR"):
            left += 1
            continue
        points = np.asarray(contour.ContourData, dtype=np.float64).reshape(-1, 3) * _LPS_TO_RAS
        index = source.grid.to_index(points)
        k = _slice(index[:, 2], [slice_of[uid] for uid in _referred(contour) if uid in slice_of], source.grid)
        plane = planes.setdefault(k, np.zeros(source.grid.shape[:2], dtype=bool))
        plane[polygon(index[:, 0], index[:, 1], plane.shape)] ^= True
    return planes, left


def _slice(along: NDArray[np.float64], named_slices: list[int], grid: Grid) -> int:
    """The slice on which a contour lies, `along` being its points in units of slices."""
    k = named_slices[0] if named_slices else round(float(np.median(along)))
    if not np.isfinite(along).all() or np.ptp(along) > FLAT or np.abs(along - k).max() > OFF_PLANE:
        away = float(np.abs(along - k).max() * grid.spacing[2])
        raise Refusal(
            "contour-off-slice",
            f"A contour lies {away:.2f} mm from the slice of the CT that it belongs to, or is not in its plane.",
            "Draw the contours on this very CT.",
        )
    if not 0 <= k < grid.shape[2]:
        raise Refusal(
            "contour-off-slice", "A contour lies above or below the CT.", "Draw the contours on this very CT."
        )
    return k


def _check_gaps(slices: list[int], name: str) -> None:
    missing = [k for k in range(slices[0], slices[-1]) if k not in set(slices)] if slices else []
    if len(missing) > len(slices) // 4:
        raise Refusal(
            "contours-skip-slices",
            f"The structure {name} is drawn on {len(slices)} slices and missing on {len(missing)} between them.",
            "Interpolate the contours in the program that made them.",
        )
