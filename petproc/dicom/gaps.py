"""Are the slices of a series evenly spaced, all there, and each there once?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding, Refusal

Floats = NDArray[np.float64]

GAP_TOLERANCE = 0.05
"""A gap between neighbours may differ from the median gap by this share of it (bed seams of a Discovery STE: 2.4 %)."""
LATTICE_TOLERANCE = 0.25
"""A slice may lie this share of the spacing away from its place on the even lattice."""
WOBBLE_MM = 0.01
"""Gaps that differ by less are rounding of the printed positions; by more a finding."""
ONE_BY_ONE = "The series holds more than one acquisition or reconstruction: ask the site for them one by one."


def check_gaps(along: Floats, names: Sequence[str]) -> tuple[Finding, ...]:
    """Findings about positions `along` the slice normal in mm, ascending; a `Refusal` in the `names` of the slices."""
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    _check_doubles(gaps, usual, names)
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


def _check_doubles(gaps: Floats, usual: float, names: Sequence[str]) -> None:
    double = [n for n in range(len(gaps)) if gaps[n] < 0.5 * usual or gaps[n] < WOBBLE_MM]
    if double:
        pairs = "; ".join(f"{names[n]} and {names[n + 1]}" for n in double[:3])
        raise Refusal(
            "duplicate-slices",
            f"{len(double)} pairs of slices lie at or almost at the same place: {pairs}.",
            ONE_BY_ONE,
        )
