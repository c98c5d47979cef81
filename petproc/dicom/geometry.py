"""Where the slices of a series lie: from ImagePositionPatient and ImageOrientationPatient, never from numbers.

DICOM's world is LPS+ (x to the left, y to the back, z to the head); ours is RAS+. i runs along a row of the image,
j down its columns, k from slice to slice, upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Grid
from petproc.dicom.gaps import ONE_BY_ONE, WOBBLE_MM, check_gaps
from petproc.dicom.header import Header
from petproc.dicom.timeframes import frames_in_time

Floats = NDArray[np.float64]

SLICES_MIN = 3
SIDEWAYS_MM = 0.5
"""A slice may lie this far beside its place on a straight line; and this far the line may lean without being a tilt."""
ORIENTATION_TOLERANCE = 1e-3
SPACING_MIN_MM = 1e-3
FAR_MM = 1e5
"""No voxel is further from the origin than 100 m."""
UPRIGHT_MIN = 0.707
"""Least z component of the slice normal: slices tilted by more than 45 degrees are not axial."""

_TAGS = {
    "PixelSpacing": "(0028,0030)",
    "ImageOrientationPatient": "(0020,0037)",
    "ImagePositionPatient": "(0020,0032)",
}
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Stack:
    """`frames[f][k]` is the index of the image that shows slice k in time frame f; a static series has one frame.

    `position_mm[k]` is the delivered place of slice k along the slice normal. `grid` is the lattice of the slices as
    delivered: where they are not stacked along their normal it is sheared, and `tilt_deg` (else 0) is the angle between
    that direction and the normal.
    """

    grid: Grid
    frames: tuple[tuple[int, ...], ...]
    position_mm: tuple[float, ...]
    tilt_deg: float
    findings: tuple[Finding, ...]


def stack(headers: Sequence[Header]) -> Stack:
    """Sort images upwards and in time, on an even lattice; a `Refusal` names the slices that do not fit."""
    if len(headers) < SLICES_MIN:
        raise _too_few(len(headers))
    size, spacing, axes = _common(headers)
    normal = np.cross(axes[0], axes[1])
    if abs(normal[2]) < UPRIGHT_MIN:
        raise Refusal("not-axial", "The slices are not axial.", "Choose the axial series, not a reformatted one.")
    normal = normal * np.sign(normal[2])
    corners = _vectors(headers, "ImagePositionPatient", 3)
    along = corners @ normal
    frames = frames_in_time(headers, along)
    first = list(frames[0])
    if len(first) < SLICES_MIN:
        raise _too_few(len(first))
    _check_same_place(headers, corners, frames)
    along, corners = along[first], corners[first]
    names = [_name(headers[n], position) for n, position in zip(first, along, strict=True)]
    findings = check_gaps(along, names)
    step, tilt_deg = _step(corners, along, normal, names)

    affine = np.eye(4)
    affine[:3, :3] = _LPS_TO_RAS @ np.column_stack([axes[0] * spacing[1], axes[1] * spacing[0], step])
    affine[:3, 3] = _LPS_TO_RAS @ corners[0]
    grid = Grid((size[1], size[0], len(first)), affine + 0.0)
    return Stack(grid, frames, tuple(map(float, along)), tilt_deg, findings)


def _too_few(slices: int) -> Refusal:
    return Refusal("too-few-slices", f"The series has {slices} slices.", "Ask the site for the whole series.")


def _common(headers: Sequence[Header]) -> tuple[tuple[int, int], Floats, Floats]:
    """Rows and columns, their spacing, and the unit vectors (2, 3) along a row and a column, shared by all slices."""
    sizes = [(header.integer("Rows") or 0, header.integer("Columns") or 0) for header in headers]
    spacings = _vectors(headers, "PixelSpacing", 2)
    directions = _vectors(headers, "ImageOrientationPatient", 6)
    size = max(set(sizes), key=lambda found: (sizes.count(found), found))
    spacing, direction = np.median(spacings, axis=0), np.median(directions, axis=0)
    turned = np.abs(directions - direction).max(axis=1) > ORIENTATION_TOLERANCE
    if turned.any():
        raise Refusal(
            "mixed-orientation",
            f"{_odd(headers, turned)} are turned against the others (ImageOrientationPatient (0020,0037)).",
            ONE_BY_ONE,
        )
    other = np.abs(spacings / spacing - 1).max(axis=1) > ORIENTATION_TOLERANCE
    other |= np.array([found != size for found in sizes])
    if other.any():
        raise Refusal(
            "mixed-size",
            f"{_odd(headers, other)} have another matrix or PixelSpacing (0028,0030) than the others.",
            ONE_BY_ONE,
        )
    pair = direction.reshape(2, 3)
    lengths = np.linalg.norm(pair, axis=1)
    if np.abs(lengths - 1).max() > ORIENTATION_TOLERANCE or abs(pair[0] @ pair[1]) > ORIENTATION_TOLERANCE:
        raise Refusal(
            "orientation-invalid",
            "ImageOrientationPatient (0020,0037) does not hold two unit vectors at a right angle.",
            "Ask the site to send the series again from the scanner.",
        )
    return size, spacing, pair / lengths[:, None]


def _check_same_place(headers: Sequence[Header], corners: Floats, frames: Sequence[Sequence[int]]) -> None:
    """Every time frame must lie where the first one lies: what is averaged must be the same place."""
    for number, frame in enumerate(frames[1:], start=2):
        moved = np.abs(corners[list(frame)] - corners[list(frames[0])]).max(axis=1)
        if moved.max() > WOBBLE_MM:
            k = int(np.argmax(moved))
            raise Refusal(
                "frames-moved",
                f"The time frames do not lie at the same place: in frame {number} {_name(headers[frame[k]])} lies "
                f"{moved[k]:.2f} mm from its place in the first frame.",
                "Ask the site for the frames that were acquired with the table at rest.",
            )


def _step(corners: Floats, along: Floats, normal: Floats, names: Sequence[str]) -> tuple[Floats, float]:
    """From one slice to the next, (3,) in LPS mm, and the angle between this and the slice normal in degrees."""
    intervals = len(along) - 1
    upwards = float((along[-1] - along[0]) / intervals)
    steps = corners - corners[0]
    beside = steps - np.outer(along - along[0], normal)
    if np.linalg.norm(beside, axis=1).max() <= SIDEWAYS_MM:
        return normal * upwards, 0.0
    lean = beside[-1] / (along[-1] - along[0])
    off = np.linalg.norm(beside - np.outer(along - along[0], lean), axis=1)
    worst = int(np.argmax(off))
    if off[worst] > SIDEWAYS_MM:
        raise Refusal(
            "slices-shifted-sideways",
            "ImagePositionPatient (0020,0032) does not put the slices on a straight line: "
            f"{names[worst]} lies {off[worst]:.1f} mm beside the line from {names[0]} to {names[-1]}.",
            "Ask the site for the series as one acquisition, without movement of the table to the side.",
        )
    return (normal + lean) * upwards, float(np.degrees(np.arctan(np.linalg.norm(lean))))


def _vectors(headers: Sequence[Header], keyword: str, length: int) -> Floats:
    """The numbers of an element of every slice, shape (slices, length)."""
    found = [header.numbers(keyword) for header in headers]
    least = SPACING_MIN_MM if keyword == "PixelSpacing" else -FAR_MM
    for header, values in zip(headers, found, strict=True):
        if values is None or len(values) != length or max(values) > FAR_MM or min(values) < least:
            raise Refusal(
                "geometry-missing",
                f"The {_name(header)} has no usable {keyword} {_TAGS[keyword]}.",
                "Ask the site to send the series again from the scanner.",
            )
    return np.array(found, dtype=np.float64)


def _name(header: Header, position: float | None = None) -> str:
    """A slice in words: its InstanceNumber and its place along the normal or, where none is known, its z."""
    if position is None:
        where = header.numbers("ImagePositionPatient")
        position = where[2] if where and len(where) == 3 else None
    return f"slice {header.text('InstanceNumber')}" + ("" if position is None else f" (at {position:.2f} mm)")


def _odd(headers: Sequence[Header], odd: NDArray[np.bool_]) -> str:
    """The slices that are odd, in words."""
    found = sorted(
        (header.integer("InstanceNumber") or 0, _name(header))
        for header, is_odd in zip(headers, odd, strict=True)
        if is_odd
    )
    names = ", ".join(name for _, name in found[:5]) + (", ..." if len(found) > 5 else "")
    return f"{len(found)} of {len(headers)} slices ({names})"
