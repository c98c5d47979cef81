"""Where the slices of a series lie: from ImagePositionPatient and ImageOrientationPatient, never from numbers.

DICOM's world is LPS+ (x to the left, y to the back, z to the head); ours is RAS+. i runs along a row of the image,
j down its columns, k along the normal of the slices, upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Grid
from petproc.dicom.header import Header

Floats = NDArray[np.float64]

SLICES_MIN = 3
GAP_TOLERANCE = 0.05
"""A gap between neighbours may differ from the median gap by this share of it (bed seams of a Discovery STE: 2.4 %)."""
LATTICE_TOLERANCE = 0.25
"""A slice may lie this share of the spacing away from its place on the even lattice."""
WOBBLE_MM = 0.01
"""Gaps that differ by less are rounding of the printed positions; by more a finding."""
SIDEWAYS_MM = 0.5
"""A slice may lie this far beside the normal through the first one; more is a tilted gantry or a moved table."""
ORIENTATION_TOLERANCE = 1e-3
FAR_MM = 1e5
"""No voxel is further from the origin than 100 m."""
UPRIGHT_MIN = 0.707
"""Least z component of the slice normal: slices tilted by more than 45 degrees are not axial."""

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Stack:
    """`order[k]` is the index of the file that holds slice k; `position_mm[k]` its delivered place along the normal."""

    grid: Grid
    order: tuple[int, ...]
    position_mm: tuple[float, ...]
    findings: tuple[Finding, ...]


def stack(headers: Sequence[Header]) -> Stack:
    """Sort slices upwards and put them on an even lattice; a `Refusal` names the slices that do not fit."""
    if len(headers) < SLICES_MIN:
        raise Refusal("too-few-slices", f"The series has {len(headers)} slices.", "Ask the site for the whole series.")
    size, spacing, axes = _common(headers)
    normal = np.cross(axes[0], axes[1])
    if abs(normal[2]) < UPRIGHT_MIN:
        raise Refusal("not-axial", "The slices are not axial.", "Choose the axial series, not a reformatted one.")
    normal = normal * np.sign(normal[2])
    corners = np.array([_vector(header, "ImagePositionPatient", 3) for header in headers])
    along = corners @ normal
    order = sorted(range(len(headers)), key=lambda n: (along[n], headers[n].text("SOPInstanceUID") or ""))
    along, corners = along[order], corners[order]
    names = [_name(headers[n], position) for n, position in zip(order, along, strict=True)]
    finding = _check_gaps(along, names)
    _check_sideways(corners, normal, names)

    step = float((along[-1] - along[0]) / (len(along) - 1))
    affine = np.eye(4)
    affine[:3, :3] = _LPS_TO_RAS @ np.column_stack([axes[0] * spacing[1], axes[1] * spacing[0], normal * step])
    affine[:3, 3] = _LPS_TO_RAS @ corners[0]
    grid = Grid((size[1], size[0], len(headers)), affine + 0.0)
    return Stack(grid, tuple(order), tuple(map(float, along)), finding)


def _common(headers: Sequence[Header]) -> tuple[tuple[int, int], Floats, Floats]:
    """Rows and columns, their spacing, and the unit vectors (2, 3) along a row and a column, shared by all slices."""
    sizes = [(header.integer("Rows") or 0, header.integer("Columns") or 0) for header in headers]
    spacings = np.array([_vector(header, "PixelSpacing", 2) for header in headers])
    directions = np.array([_vector(header, "ImageOrientationPatient", 6) for header in headers])
    size = max(set(sizes), key=lambda found: (sizes.count(found), found))
    spacing, direction = np.median(spacings, axis=0), np.median(directions, axis=0)
    turned = np.abs(directions - direction).max(axis=1) > ORIENTATION_TOLERANCE
    if turned.any():
        _refuse("mixed-orientation", "is turned against the others", headers, turned)
    other = np.abs(spacings / spacing - 1).max(axis=1) > ORIENTATION_TOLERANCE
    other |= np.array([found != size for found in sizes])
    if other.any():
        _refuse("mixed-size", "has another matrix or pixel size than the others", headers, other)
    pair = direction.reshape(2, 3)
    lengths = np.linalg.norm(pair, axis=1)
    if np.abs(lengths - 1).max() > ORIENTATION_TOLERANCE or abs(pair[0] @ pair[1]) > ORIENTATION_TOLERANCE:
        raise Refusal(
            "orientation-invalid",
            "ImageOrientationPatient (0020,0037) does not hold two unit vectors at a right angle.",
            "Ask the site to send the series again from the scanner.",
        )
    return size, spacing, pair / lengths[:, None]


def _check_gaps(along: Floats, names: Sequence[str]) -> tuple[Finding, ...]:
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    double = [n for n in range(len(gaps)) if gaps[n] < 0.5 * usual or gaps[n] < WOBBLE_MM]
    if double:
        pairs = "; ".join(f"{names[n]} and {names[n + 1]}" for n in double[:3])
        raise Refusal(
            "duplicate-slices",
            f"{len(double)} pairs of slices lie at or almost at the same place: {pairs}.",
            "The series holds more than one acquisition or reconstruction: ask the site for them one by one.",
        )
    wide = [n for n in range(len(gaps)) if gaps[n] > 1.5 * usual]
    if wide:
        places = "; ".join(f"{round(gaps[n] / usual) - 1} between {names[n]} and {names[n + 1]}" for n in wide[:3])
        raise Refusal("slices-missing", f"Slices are missing: {places}.", "Ask the site to send the whole series.")
    even = along[0] + (along[-1] - along[0]) / len(gaps) * np.arange(len(along))
    spacing = float(gaps.mean())
    apart = np.abs(along - even)
    worst = int(np.argmax(np.abs(gaps - usual)))
    if abs(gaps[worst] - usual) > GAP_TOLERANCE * usual or apart.max() > LATTICE_TOLERANCE * spacing:
        raise Refusal(
            "slice-spacing-irregular",
            f"The slices are not evenly spaced: {gaps[worst]:.3f} mm between {names[worst]} and {names[worst + 1]}, "
            f"elsewhere {usual:.3f} mm; up to {apart.max():.2f} mm from an even lattice.",
            "Ask the site for the original reconstruction.",
        )
    if abs(gaps[worst] - usual) <= WOBBLE_MM:
        return ()
    return (
        Finding(
            "slice-spacing-wobble",
            f"The gaps between slices run from {gaps.min():.3f} to {gaps.max():.3f} mm (bed seams); the image has the "
            f"mean of {spacing:.4f} mm, on which no slice lies more than {apart.max():.2f} mm from its place.",
            "info",
        ),
    )


def _check_sideways(corners: Floats, normal: Floats, names: Sequence[str]) -> None:
    steps = corners - corners[0]
    beside = np.linalg.norm(steps - np.outer(steps @ normal, normal), axis=1)
    worst = int(np.argmax(beside))
    if beside[worst] > SIDEWAYS_MM:
        raise Refusal(
            "gantry-tilt",
            "The slices are not stacked along their normal (a tilted gantry): "
            f"{names[worst]} lies {beside[worst]:.1f} mm beside the line through {names[0]}.",
            "Ask the site for a reconstruction without tilt.",
        )


def _vector(header: Header, keyword: str, length: int) -> Floats:
    values = header.numbers(keyword)
    absurd = values is None or len(values) != length or max(map(abs, values)) > FAR_MM
    if values is None or absurd or (keyword == "PixelSpacing" and min(values) <= 0):
        raise Refusal(
            "geometry-missing",
            f"The slice with InstanceNumber {header.text('InstanceNumber')} has no usable {keyword}.",
            "Ask the site to send the series again from the scanner.",
        )
    return np.array(values)


def _name(header: Header, position: float) -> str:
    return f"slice {header.text('InstanceNumber')} (at {position:.2f} mm)"


def _refuse(code: str, what: str, headers: Sequence[Header], odd: NDArray[np.bool_]) -> None:
    found = sorted(
        (header.integer("InstanceNumber") or 0) for header, is_odd in zip(headers, odd, strict=True) if is_odd
    )
    names = ", ".join(map(str, found[:5])) + (", ..." if len(found) > 5 else "")
    raise Refusal(
        code,
        f"{len(found)} of {len(headers)} slices do not fit (InstanceNumber {names}): each {what}.",
        "The series holds more than one set of images: ask the site for them one by one.",
    )
