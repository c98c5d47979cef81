"""Masks that a person changed in any editor: checked against those before, kept beside them, recorded.

Both stay in `decisions/edits/`, by number, and nothing there is ever written over. The ledger holds the SHA-256 of both
and, of every region, its volume before and after and its Dice coefficient 2 |A and B| / (|A| + |B|)
(doi:10.2307/1932409), which is 1 where nothing was changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from petproc import layout
from petproc.audit.decisions import Edit
from petproc.audit.ledger import Entry, Event, append, who
from petproc.core.errors import Refusal
from petproc.core.regions import LABEL_NAMES
from petproc.core.volume import Labels
from petproc.io import read_labels, write_labels


@dataclass(frozen=True, eq=False)
class Edited:
    """Masks of a scan by `backend`, before and after, with our label values on the same grid.

    `source` is the file of those before, in the study; `given` the SHA-256 of the file that was handed in;
    `bifurcations` those of the masks before, RAS+ mm by carotid.
    """

    participant: str
    session: str
    backend: str
    before: Labels
    after: Labels
    source: Path
    given: str
    bifurcations: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class RegionEdited:
    """How much of a region is as it was; both volumes are 0 nowhere, one is where it was added or removed."""

    dice: float
    before_ml: float
    after_ml: float


def record_edit(study: Path, edited: Edited, *, why: str, by: str | None = None) -> Entry:
    """Keep both masks under the next free number, and write the ledger's entry.

    Refused where the new masks hold nothing (`edit-empty`), values that are no region (`edit-values-unknown`) or what
    they held before (`edit-changes-nothing`), and as the ledger refuses; then nothing is kept.
    """
    _check(edited)
    kept = _keep(study, edited)
    subject = {"participant": edited.participant, "session": edited.session, "backend": edited.backend}
    before, after = ({"mask": path.as_posix(), "sha256": digest(study / path)} for path in kept)
    told = {
        **after,
        "given": edited.given,
        "bifurcations": {region: list(place) for region, place in edited.bifurcations.items()},
        "regions": {region: asdict(one) for region, one in regions_edited(edited.before, edited.after).items()},
    }
    try:
        return append(study, Event("edit", who(by), why, subject, before=before, after=told))
    except Refusal:
        for path in set(kept) - {edited.source}:
            (study / path).unlink()
        raise


def regions_edited(before: Labels, after: Labels) -> dict[str, RegionEdited]:
    """Every region of either image, in the order of label values."""
    same = before.data[before.data == after.data]
    old, new, both = (np.bincount(data.reshape(-1), minlength=256) for data in (before.data, after.data, same))
    ml = before.grid.voxel_ml
    return {
        name: RegionEdited(
            float(2 * both[value] / (old[value] + new[value])), float(old[value] * ml), float(new[value] * ml)
        )
        for value, name in LABEL_NAMES.items()
        if old[value] + new[value]
    }


def read_edited(study: Path, mask: str, sha256: str) -> Labels:
    """The masks of an edit; refused as `edit-damaged` where the file is not what the ledger recorded."""
    path = study / mask
    if not path.is_file() or digest(path) != sha256:
        raise Refusal(
            "edit-damaged",
            f"The edited masks with hash {sha256[:12]} are not in decisions/edits/ as they were recorded.",
            "Bring the folder decisions/ back from a backup, or withdraw the edit.",
        )
    return read_labels(path, LABEL_NAMES)


def masks_of(study: Path, edit: Edit) -> Labels:
    return read_edited(study, edit.mask, edit.sha256)


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check(edited: Edited) -> None:
    values = set(np.unique(edited.after.data).tolist()) - {0}
    if not values:
        raise Refusal(
            "edit-empty", "The edited masks hold nothing.", "Export the labels themselves; reject a region by verdict."
        )
    if strange := sorted(values - set(LABEL_NAMES)):
        raise Refusal(
            "edit-values-unknown",
            f"The edited masks hold values that are no region: {', '.join(map(str, strange))}.",
            "Keep the values of the label image that was edited; its table (_dseg.tsv) lists them.",
        )
    if np.array_equal(edited.before.data, edited.after.data):
        raise Refusal(
            "edit-changes-nothing", "The masks are those that hold already.", "Give the file that was changed."
        )


def _keep(study: Path, edited: Edited) -> tuple[Path, Path]:
    """Paths in the study of the masks before and after; those before are kept once more unless they are an edit."""
    names = {"participant": edited.participant, "session": edited.session, "backend": edited.backend}
    folder = layout.path(layout.EDITED_MASK, study, **names, number="1").parent
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{os.getpid()}.unfinished.nii.gz"
    write_labels(unfinished, edited.after)
    number, after = 0, Path()
    while unfinished.exists():
        number += 1
        after = layout.path(layout.EDITED_MASK, Path(), **names, number=str(number))
        try:
            os.link(unfinished, study / after)
        except FileExistsError:
            continue
        unfinished.unlink()
    if edited.source.parent == after.parent:
        return edited.source, after
    before = layout.path(layout.MASK_BEFORE, Path(), **names, number=str(number))
    (study / before).write_bytes((study / edited.source).read_bytes())
    return before, after
