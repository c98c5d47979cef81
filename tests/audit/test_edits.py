"""Masks that a person changed: checked, kept with those before, measured against them, recorded."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from petproc import layout
from petproc.audit.decisions import decisions, withdraw
from petproc.audit.edits import Edited, masks_of, record_edit, regions_edited
from petproc.audit.ledger import read
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import LABEL_NAMES
from petproc.core.volume import Labels
from petproc.io import read_labels, write_labels

SCAN = {"participant": "P1", "session": "baseline", "backend": "classical"}
GRID = Grid((10, 4, 2), np.diag([2.0, 2.0, 2.5, 1.0]))
"""voxels of 0.01 mL"""
BY = {"why": "leaked into the vein", "by": "reader1"}


def labels(**rows: slice) -> Labels:
    """One row of voxels (i) of each region."""
    data = np.zeros(GRID.shape, np.uint8)
    for (name, along), j in zip(rows.items(), range(4), strict=False):
        data[along, j, 0] = next(value for value, known in LABEL_NAMES.items() if known == name)
    return Labels(data, GRID, LABEL_NAMES)


BEFORE = labels(ascending_aorta=slice(0, 4), aortic_arch=slice(0, 5), liver=slice(0, 3))
AFTER = labels(ascending_aorta=slice(2, 8), aortic_arch=slice(0, 5))


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    source = layout.path(layout.LABELS, Path(), **SCAN)
    write_labels(tmp_path / source, BEFORE)
    return Edited(**SCAN, before=BEFORE, after=AFTER, source=source, given="0" * 64)


def test_dice_and_volumes_are_those_worked_out_by_hand() -> None:
    """Voxels 0-3 and 2-7 share two: 2 * 2 / (4 + 6)."""
    found = regions_edited(BEFORE, AFTER)
    assert list(found) == ["ascending_aorta", "aortic_arch", "liver"]
    assert [one.dice for one in found.values()] == [pytest.approx(0.4), 1.0, 0.0]
    assert [round(one.before_ml, 9) for one in found.values()] == [0.04, 0.05, 0.03]
    assert [round(one.after_ml, 9) for one in found.values()] == [0.06, 0.05, 0.0]


def test_both_masks_are_kept_and_the_ledger_has_their_hashes(tmp_path: Path, edited: Edited) -> None:
    entry = record_edit(tmp_path, edited, **BY)
    assert (entry.what, entry.who, entry.why) == ("edit", "reader1", "leaked into the vein")
    assert dict(entry.subject) == SCAN
    assert entry.after["mask"] == "decisions/edits/sub-P1_ses-baseline_seg-classical_desc-edited1_dseg.nii.gz"
    for told, truth in ((entry.before, BEFORE), (entry.after, AFTER)):
        path = tmp_path / told["mask"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == told["sha256"]
        assert np.array_equal(read_labels(path, LABEL_NAMES).data, truth.data)
    assert entry.after["regions"]["ascending_aorta"]["dice"] == pytest.approx(0.4)


def test_a_second_edit_has_the_next_number_and_writes_over_nothing(tmp_path: Path, edited: Edited) -> None:
    first = record_edit(tmp_path, edited, **BY)
    again = replace(edited, before=AFTER, after=BEFORE, source=Path(first.after["mask"]))
    second = record_edit(tmp_path, again, **BY)
    assert second.after["mask"].endswith("desc-edited2_dseg.nii.gz")
    assert second.before == {name: first.after[name] for name in ("mask", "sha256")}
    (holds,) = decisions(read(tmp_path)).edits
    assert (holds.entry, holds.mask) == (second.entry, second.after["mask"])
    assert np.array_equal(masks_of(tmp_path, holds).data, BEFORE.data)
    assert len(list((tmp_path / "decisions/edits").iterdir())) == 3


def test_when_an_edit_is_withdrawn_the_one_before_holds_again(tmp_path: Path, edited: Edited) -> None:
    first = record_edit(tmp_path, edited, **BY)
    second = record_edit(tmp_path, replace(edited, after=labels(liver=slice(0, 9))), **BY)
    withdraw(tmp_path, second.entry, **BY)
    assert [one.entry for one in decisions(read(tmp_path)).edits] == [first.entry]
    withdraw(tmp_path, first.entry, **BY)
    assert decisions(read(tmp_path)).edits == ()


def strange() -> Labels:
    data = AFTER.data.copy()
    data[0, 3, 1] = 77
    return Labels(data, GRID, LABEL_NAMES)


@pytest.mark.parametrize(
    ("after", "code"),
    [(labels(), "edit-empty"), (strange(), "edit-values-unknown"), (BEFORE, "edit-changes-nothing")],
)
def test_what_is_no_edit_is_refused_and_nothing_is_kept(
    tmp_path: Path, edited: Edited, after: Labels, code: str
) -> None:
    with pytest.raises(Refusal, match=code):
        record_edit(tmp_path, replace(edited, after=after), **BY)
    assert not (tmp_path / "decisions").exists()


@pytest.mark.parametrize("by", [{"why": " ", "by": "reader1"}, {"why": "right", "by": "two words"}])
def test_an_edit_without_a_reason_or_a_person_leaves_nothing(
    tmp_path: Path, edited: Edited, by: dict[str, str]
) -> None:
    with pytest.raises(Refusal, match=r"reason-missing|who-missing"):
        record_edit(tmp_path, edited, **by)
    assert list((tmp_path / "decisions/edits").iterdir()) == []
    assert (tmp_path / edited.source).is_file()


def test_kept_masks_that_were_changed_afterwards_are_refused(tmp_path: Path, edited: Edited) -> None:
    record_edit(tmp_path, edited, **BY)
    (holds,) = decisions(read(tmp_path)).edits
    write_labels(tmp_path / holds.mask, BEFORE)
    with pytest.raises(Refusal, match="edit-damaged"):
        masks_of(tmp_path, holds)
    (tmp_path / holds.mask).unlink()
    with pytest.raises(Refusal, match="edit-damaged"):
        masks_of(tmp_path, holds)
