"""Masks in DICOM, RTSTRUCT or SEG from any program, as label values on the voxels of the CT they were drawn on.

They belong to the CT by what they say themselves: the instances they refer to must be the CT's. Contours go to the
slice that they name or, where they name none, to the one at whose place they lie.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import RTStructureSetStorage, SegmentationStorage

from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Grid
from petproc.core.volume import Labels


@dataclass(frozen=True)
class CtSource:
    """The CT that masks must have been drawn on: its grid, and the SOPInstanceUID of each slice k (none: unknown)."""

    grid: Grid
    instances: tuple[str, ...]


@dataclass(frozen=True)
class Masks:
    """`labels` holds the values that were asked for; `findings` what was noticed."""

    labels: Labels
    findings: tuple[Finding, ...]


def is_dicom(start: bytes) -> bool:
    """Whether a file that begins so is a DICOM file."""
    return start[128:132] == b"DICM"


def read_masks(path: Path, source: CtSource, *, values: Mapping[str, int]) -> Masks:
    """Labels of the structures that `values` names (name in the file -> label value), on the grid of `source`.

    A voxel in two structures is given to the one with the higher value, with a finding. Refused where the file is no
    RTSTRUCT or SEG, was drawn on other images, does not lie on the CT's voxels or has none of the names.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's quote values, and a value may be a name
        try:
            return _read(path, source, values)
        except Refusal:
            raise
        except Exception:  # pydicom and highdicom raise a dozen kinds on damaged files; all of them mean this
            raise Refusal("mask-damaged", "The DICOM file of the masks cannot be read.", "Export it anew.") from None


def _read(path: Path, source: CtSource, values: Mapping[str, int]) -> Masks:
    from petproc.dicom.rtstruct import draw_contours
    from petproc.dicom.seg import place_segments

    dataset = pydicom.dcmread(path)
    kinds = {RTStructureSetStorage: draw_contours, SegmentationStorage: place_segments}
    if (kind := kinds.get(dataset.get("SOPClassUID"))) is None:
        raise Refusal(
            "mask-not-understood",
            f"The file is DICOM, but no RTSTRUCT or SEG: its Modality (0008,0060) is {dataset.get('Modality')}.",
            "Export the masks as RTSTRUCT, SEG or a NIfTI label map.",
        )
    return kind(dataset, source, values)


def check_source(referred: set[str], source: CtSource) -> None:
    """Masks that refer to images must refer to those of the CT."""
    if referred and source.instances and not referred <= set(source.instances):
        others = len(referred - set(source.instances))
        raise Refusal(
            "mask-of-another-ct",
            f"{others} of the {len(referred)} images to which the masks refer are not of this scan's CT.",
            "Give the masks of this CT; where its identifiers were changed, export the masks as NIfTI instead.",
        )


def named(found: Mapping[int, str], values: Mapping[str, int]) -> dict[int, int]:
    """Number in the file -> label value, of the structures that were asked for."""
    twice = sorted({name for name in values if list(found.values()).count(name) > 1})
    if twice:
        raise Refusal(
            "mask-name-twice",
            f"{len(twice)} of the names in segment.imported.names stand for more than one structure of the file.",
            "Rename the structures in the program that made them.",
        )
    chosen = {number: values[name] for number, name in found.items() if name in values}
    if not chosen:
        raise Refusal(
            "mask-names-unknown",
            f"None of the file's {len(found)} structures has a name of segment.imported.names ({', '.join(values)}).",
            "Set segment.imported.names to the names in this file.",
        )
    return chosen


def overlap(voxels: int) -> tuple[Finding, ...]:
    if not voxels:
        return ()
    words = f"{voxels} voxels lie in two structures; each is given to the later region of segment.imported.names."
    return (Finding("masks-overlap", words),)


def rows_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where it is absent."""
    return list(dataset.get(keyword) or ())
