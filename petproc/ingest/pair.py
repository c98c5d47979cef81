"""Do this PET and this CT belong together, and do they show the same part of the body?"""

from __future__ import annotations

import numpy as np

from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Grid
from petproc.dicom.series import Series

OVERLAP_MIN_MM = 20.0
"""PET and CT must share at least this length along z: ten stations of a vessel."""


def check_pair(pet: Series, ct: Series) -> tuple[Finding, ...]:
    """Findings about the pair; a `Refusal` where the CT is another person's or shows another place."""
    if pet.first.text("PatientID") != ct.first.text("PatientID"):
        raise Refusal(
            "participants-differ",
            "The PET and the CT carry different patient identifiers.",
            "Correct the column ct in config/scans.tsv.",
        )
    pet_box, ct_box = _box(pet.grid), _box(ct.grid)
    shared = np.minimum(pet_box[1], ct_box[1]) - np.maximum(pet_box[0], ct_box[0])
    if shared[2] < OVERLAP_MIN_MM or (shared <= 0).any():
        raise Refusal(
            "ct-does-not-overlap-pet",
            f"The CT does not show what the PET shows: they share {max(0.0, shared[2]):.0f} mm along the body "
            f"(PET {pet_box[0][2]:.0f} to {pet_box[1][2]:.0f} mm, CT {ct_box[0][2]:.0f} to {ct_box[1][2]:.0f} mm).",
            "Correct the column ct in config/scans.tsv.",
        )
    return (*_frames_of_reference(pet, ct), *_coverage(pet_box, float(shared[2])))


def _frames_of_reference(pet: Series, ct: Series) -> tuple[Finding, ...]:
    if pet.first.text("FrameOfReferenceUID") == ct.first.text("FrameOfReferenceUID"):
        return ()
    times = pet.first.moment("Acquisition"), ct.first.moment("Acquisition")
    apart = f", {abs((times[0] - times[1]).total_seconds()) / 60:.0f} min apart" if times[0] and times[1] else ""
    words = (
        "The PET and the CT name different frames of reference (FrameOfReferenceUID (0020,0052)). They were paired by "
        f"participant, time and extent{apart}; look at the overlay and the PET-CT offset."
    )
    return (Finding("frames-of-reference-differ", words),)


def _coverage(pet_box: np.ndarray, shared_mm: float) -> tuple[Finding, ...]:
    length = float(pet_box[1][2] - pet_box[0][2])
    if shared_mm > 0.9 * length:
        return ()
    words = f"The CT shows {shared_mm:.0f} of the {length:.0f} mm of body that the PET shows."
    return (Finding("ct-covers-part-of-pet", words, "info"),)


def _box(grid: Grid) -> np.ndarray:
    """Lowest and highest world coordinates of the voxel centres, shape (2, 3)."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in grid.shape])).reshape(3, -1).T
    places = grid.to_mm(corners)
    return np.array([places.min(axis=0), places.max(axis=0)])
