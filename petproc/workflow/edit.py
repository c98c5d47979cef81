"""Masks changed by hand come back into a study: what `petproc edit` does, and the rule `segment_edited`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from petproc import layout
from petproc.audit.edits import Edited, RegionEdited, digest, masks_of, read_edited, record_edit, regions_edited
from petproc.audit.ledger import Entry
from petproc.core.errors import Refusal
from petproc.core.regions import CAROTIDS, LABEL_NAMES, LANDMARKS, REGIONS
from petproc.core.results import Segmentation
from petproc.core.tables import PointRow
from petproc.core.volume import Labels, Volume
from petproc.segment.labelled import from_masks
from petproc.segment.lattice import onto_grid
from petproc.workflow.decide import place
from petproc.workflow.handover.images import read_mask, read_segmentation
from petproc.workflow.plan import Plan

Bifurcations = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Recorded:
    """The ledger's entry, and how much of every region is as it was."""

    entry: Entry
    regions: Mapping[str, RegionEdited]


def edit(study: Path, scan: tuple[str, str], mask: Path, *, backend: str, why: str, by: str | None = None) -> Recorded:
    """Record `mask` (NIfTI with our label values, or SEG or RTSTRUCT with our region names) as what `backend` gives of
    the scan from now on. Refused where it is not on the CT's voxels, holds other values, nothing or nothing new."""
    place(study, *scan)
    before, source, bifurcations = _before(study, scan, backend)
    edited = Edited(*scan, backend, before, _given(study, scan, mask, before), source, digest(mask), bifurcations)
    entry = record_edit(study, edited, why=why, by=by)
    return Recorded(entry, regions_edited(edited.before, edited.after))


def print_edit(recorded: Recorded) -> None:
    """A line per region; one that is nowhere where it was stands out, as values in another order would make it."""
    from rich.console import Console
    from rich.table import Table

    table = Table("region", "Dice", "mL before", "mL now", "", box=None)
    for region, one in recorded.regions.items():
        table.add_row(region, f"{one.dice:.3f}", f"{one.before_ml:.2f}", f"{one.after_ml:.2f}", _remark(one))
    console = Console()
    console.print(table)
    if any(one.dice == 0 and one.before_ml and one.after_ml for one in recorded.regions.values()):
        console.print(
            "A region is nowhere where it was: did the editor number the labels anew? If so, withdraw this edit: "
            f"petproc verdict withdraw STUDY {recorded.entry.entry}",
            style="yellow",
        )


def _remark(one: RegionEdited) -> str:
    if not one.before_ml:
        return "added"
    if not one.after_ml:
        return "removed"
    return "elsewhere" if one.dice == 0 else "unchanged" if one.dice == 1 else ""


def _before(study: Path, scan: tuple[str, str], backend: str) -> tuple[Labels, Path, Bifurcations]:
    """The masks that hold now, their file in the study and the bifurcations that they were made with."""
    plan = Plan.read(study)
    if earlier := plan.edit_of(*scan, backend):
        return masks_of(study, earlier), Path(earlier.mask), earlier.bifurcations
    names = {"participant": scan[0], "session": scan[1], "backend": backend}
    paths = {
        "labels": layout.LABELS,
        "label_names": layout.LABEL_NAMES,
        "segmentation": layout.SEGMENTATION,
        "centrelines": layout.CENTRELINES,
    }
    files = SimpleNamespace(**{name: layout.path(template, study, **names) for name, template in paths.items()})
    if backend not in plan.settings.segment.backends or not files.segmentation.is_file():
        raise Refusal(
            "edit-of-nothing",
            f"There are no masks by {backend} of this scan that could have been edited.",
            f"segment.backends are {', '.join(plan.settings.segment.backends)}; make their masks with petproc run.",
        )
    made = read_segmentation(files)
    found = {name: made.landmarks[LANDMARKS[name]] for name in CAROTIDS if LANDMARKS[name] in made.landmarks}
    return made.labels, layout.path(layout.LABELS, Path(), **names), found


def _given(study: Path, scan: tuple[str, str], mask: Path, before: Labels) -> Labels:
    """The masks of the file, in the order of the CT's voxels."""
    if not mask.is_file():
        raise Refusal("edit-missing", f"There is no file {mask.name}.", "Give the path of the masks that were edited.")
    with mask.open("rb") as stream:
        dicom = stream.read(132)[128:] == b"DICM"
    names: dict[str, int | str] = {name: name if dicom else region.value for name, region in REGIONS.items()}
    sidecar = layout.path(layout.CT_SIDECAR, study, participant=scan[0], session=scan[1])
    files = SimpleNamespace(mask=[mask], ct_sidecar=sidecar)
    read = read_mask(files, before.grid, names, wanted=mask.name)
    data = onto_grid(read.labels, before.grid, scan=layout.scan_name(*scan))
    return Labels(data, before.grid, LABEL_NAMES)


def segment_edited(
    ct: Volume, told: Mapping[str, Any], *, scan: str, points: Sequence[PointRow], study: Path = Path()
) -> Segmentation:
    """What the edited masks that `Plan.edited` names are as a backend's result: its stations have no scores."""
    masks = onto_grid(read_edited(study, told["mask"], told["sha256"]), ct.grid, scan=scan)
    names = {name: region.value for name, region in REGIONS.items()}
    made = from_masks(ct, masks, names=names, backend=layout.edited(told["edited"]), points=points)
    return replace(made, made_with=dict(told))
