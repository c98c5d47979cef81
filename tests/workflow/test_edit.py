"""Masks changed in an editor: checked on the way in, planned for their scan alone, measured, withdrawn."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from test_plan import TABLES, Study

from petproc import layout
from petproc.audit.decisions import Place, exclude_scan, withdraw
from petproc.audit.edits import Edited, record_edit
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import LABEL_NAMES
from petproc.core.tables import PointRow, ScanRow
from petproc.core.volume import Labels, Volume
from petproc.io import write_json, write_labels, write_rows, write_volume
from petproc.phantom import CHEST, make_scan
from petproc.segment import imported
from petproc.workflow.edit import edit, print_edit, segment_edited
from petproc.workflow.handover.images import write_segmentation
from petproc.workflow.plan import Plan
from petproc.workflow.study import init_study

SCAN = ("1", "baseline")
NAMES = {"participant": "1", "session": "baseline"}
BY = {"why": "leaked into the vein", "by": "reader1"}
ONE = np.diag([1.0, 1.0, 1.0, 1.0])


def block(value: int) -> Labels:
    return Labels(np.full((2, 2, 2), value, np.uint8), Grid((2, 2, 2), ONE), LABEL_NAMES)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study(tmp_path_factory.mktemp("edit"))
    study.make()
    status, said = study.snakemake()
    assert status == 0, said
    return study


@pytest.fixture
def study(ran: Study, tmp_path: Path) -> Study:
    copy = Study(tmp_path)
    copy.workflow = ran.workflow
    shutil.copytree(ran.folder, copy.folder)
    return copy


def record(study: Study, before: int, after: int) -> int:
    source = layout.path(layout.LABELS, Path(), **NAMES, backend="classical")
    done = Edited(*SCAN, "classical", block(before), block(after), source, "0" * 64, {"left_common_carotid": [1, 2, 3]})
    return record_edit(study.folder, done, **BY).entry


def test_an_edit_plans_its_scan_and_the_tables_and_its_withdrawal_the_tables_alone(study: Study) -> None:
    first = record(study, 1, 2)
    assert study.planned() == {"segment_edited": 1, "sample": 1, **TABLES}
    status, said = study.snakemake()
    assert status == 0, said
    assert study.planned() == {}
    assert layout.path(layout.VOXELS, study.folder, **NAMES, backend="classical_desc-edited").is_file()
    assert layout.path(layout.VOXELS, study.folder, **NAMES, backend="classical").is_file()
    second = record(study, 2, 3)
    assert study.planned() == {"segment_edited": 1, "sample": 1, **TABLES}
    withdraw(study.folder, second, **BY)
    assert study.planned() == {}
    withdraw(study.folder, first, **BY)
    assert study.planned() == TABLES


def test_an_edit_of_a_scan_left_out_or_of_another_backend_plans_nothing_of_it(study: Study) -> None:
    record(study, 1, 2)
    exclude_scan(study.folder, Place(*SCAN), **BY)
    assert {"segment_edited", "sample"} & set(study.planned()) == set()
    source = layout.path(layout.LABELS, Path(), participant="2", session="baseline", backend="classical")
    record_edit(study.folder, Edited("2", "baseline", "seeded", block(1), block(2), source, "0" * 64), **BY)
    assert {"segment_edited", "sample"} & set(study.planned()) == set()


def test_the_carotid_divides_where_it_did_unless_a_reader_says_otherwise(study: Study) -> None:
    record(study, 1, 2)
    (told,) = Plan.read(study.folder).bifurcations_of(*SCAN, "classical")
    assert (told["region"], told["x_mm"], told["y_mm"], told["z_mm"]) == ("left_common_carotid", 1, 2, 3)
    point = PointRow(*SCAN, "left_common_carotid", 9.0, 9.0, 9.0, "bifurcation", "A")
    write_rows(study.folder / layout.POINTS, [point], PointRow)
    (told,) = Plan.read(study.folder).bifurcations_of(*SCAN, "classical")
    assert told["x_mm"] == 9.0


# one scan with real masks ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A study with one scan of the phantom that `imported` has segmented."""
    scan, folder = make_scan(seed=3, grid=CHEST, noise=0), tmp_path_factory.mktemp("edited") / "study"
    init_study(folder)
    config = folder / layout.CONFIG
    config.write_text(config.read_text().replace("classical", "imported"))
    write_rows(folder / layout.SCANS, [ScanRow(*SCAN, "FDG", "1", "2", "yes", "")], ScanRow)
    values = {name: value for value, name in LABEL_NAMES.items()}
    made = imported.segment(scan.ct, scan.labels, names=values, scan="")
    templates = {
        "labels": layout.LABELS,
        "label_names": layout.LABEL_NAMES,
        "segmentation": layout.SEGMENTATION,
        "centrelines": layout.CENTRELINES,
    }
    files = SimpleNamespace(
        **{name: layout.path(template, folder, **NAMES, backend="imported") for name, template in templates.items()}
    )
    write_segmentation(files, made, {"status": "ok", "refusal": None, "findings": []})
    write_volume(layout.path(layout.CT, folder, **NAMES), Volume(scan.ct.data, scan.ct.grid, "HU"))
    write_json(layout.path(layout.CT_SIDECAR, folder, **NAMES), {"petproc": {"status": "ok", "slices": []}})
    return SimpleNamespace(folder=folder, scan=scan, made=made)


@pytest.fixture
def one(segmented: SimpleNamespace, tmp_path: Path) -> SimpleNamespace:
    shutil.copytree(segmented.folder, tmp_path / "study")
    return SimpleNamespace(folder=tmp_path / "study", scan=segmented.scan, made=segmented.made)


def without_cava(labels: Labels) -> Labels:
    return Labels(np.where(labels.data == 5, 0, labels.data).astype(np.uint8), labels.grid, labels.names)


def test_masks_with_axes_turned_by_an_editor_come_back_in_the_order_of_the_ct(
    one: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = without_cava(one.made.labels)
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = changed.grid.shape[0] - 1
    turned = Labels(changed.data[::-1], Grid(changed.grid.shape, changed.grid.affine @ flip), LABEL_NAMES)
    write_labels(tmp_path / "from_slicer.nii.gz", turned)
    done = edit(one.folder, SCAN, tmp_path / "from_slicer.nii.gz", backend="imported", **BY)
    found = done.entry.after["regions"]
    assert {region for region, told in found.items() if told["dice"] != 1.0} == {"superior_vena_cava"}
    assert found["superior_vena_cava"]["after_ml"] == 0.0
    print_edit(done)
    assert "removed" in capsys.readouterr().out
    plan = Plan.read(one.folder)
    again = segment_edited(one.scan.ct, plan.edited(*SCAN, "imported"), scan="", points=[], study=one.folder)
    assert again.backend == "imported_desc-edited"
    assert np.array_equal(again.labels.data, changed.data)
    assert list(again.stations) == [row for row in one.made.stations if row.vessel == "aorta"]
    assert all(row.ring_score is None for row in again.stations)


def test_a_second_edit_before_a_run_is_told_apart_from_the_first(one: SimpleNamespace, tmp_path: Path) -> None:
    write_labels(tmp_path / "a.nii.gz", without_cava(one.made.labels))
    first = edit(one.folder, SCAN, tmp_path / "a.nii.gz", backend="imported", **BY).entry
    with pytest.raises(Refusal, match="edit-changes-nothing"):
        edit(one.folder, SCAN, tmp_path / "a.nii.gz", backend="imported", **BY)
    write_labels(tmp_path / "b.nii.gz", one.made.labels)
    second = edit(one.folder, SCAN, tmp_path / "b.nii.gz", backend="imported", **BY).entry
    assert second.before["sha256"] == first.after["sha256"]
    assert second.after["sha256"] == first.before["sha256"]


def test_masks_numbered_anew_are_called_out(
    one: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = np.zeros(256, np.uint8)
    order[[1, 2, 3]] = [2, 3, 1]
    write_labels(tmp_path / "a.nii.gz", replace(one.made.labels, data=order[one.made.labels.data]))
    print_edit(edit(one.folder, SCAN, tmp_path / "a.nii.gz", backend="imported", **BY))
    assert "number the labels anew" in capsys.readouterr().out


def test_masks_off_the_ct_are_refused_and_nothing_is_recorded(one: SimpleNamespace, tmp_path: Path) -> None:
    shifted = one.made.labels.grid.affine.copy()
    shifted[0, 3] += 1.0
    labels = without_cava(one.made.labels)
    write_labels(tmp_path / "a.nii.gz", Labels(labels.data, Grid(labels.grid.shape, shifted), LABEL_NAMES))
    with pytest.raises(Refusal, match="labels-off-grid"):
        edit(one.folder, SCAN, tmp_path / "a.nii.gz", backend="imported", **BY)
    assert not (one.folder / "decisions/edits").exists()


def test_what_cannot_be_an_edit_is_refused_in_words(one: SimpleNamespace, tmp_path: Path) -> None:
    write_labels(tmp_path / "a.nii.gz", without_cava(one.made.labels))
    with pytest.raises(Refusal, match="edit-missing"):
        edit(one.folder, SCAN, tmp_path / "b.nii.gz", backend="imported", **BY)
    with pytest.raises(Refusal, match="edit-of-nothing"):
        edit(one.folder, SCAN, tmp_path / "a.nii.gz", backend="classical", **BY)
    with pytest.raises(Refusal, match="scan-unknown"):
        edit(one.folder, ("1", "followup"), tmp_path / "a.nii.gz", backend="imported", **BY)
    (tmp_path / "c.nii.gz").write_bytes(b"no image")
    with pytest.raises(Refusal, match="nifti-unreadable"):
        edit(one.folder, SCAN, tmp_path / "c.nii.gz", backend="imported", **BY)


def test_edited_masks_that_were_lost_are_refused_by_the_job(one: SimpleNamespace) -> None:
    told = {"mask": "decisions/edits/gone.nii.gz", "sha256": "0" * 64, "edited": "imported"}
    with pytest.raises(Refusal, match="edit-damaged"):
        segment_edited(one.scan.ct, told, scan="", points=[], study=one.folder)
