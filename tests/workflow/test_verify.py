"""One changed byte anywhere is found and named; every number of the digital trial comes again from the DICOM."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from studies import petproc

from petproc import layout
from petproc.audit.decisions import Place, exclude_arc
from petproc.audit.verification import Checked
from petproc.core.tables import IndexRow, ScanRow, UptakeRow
from petproc.io import read_json, read_rows, read_table, write_json, write_rows, write_table
from petproc.workflow.verify import Verification, verify_files, verify_numbers

SCAN = {"participant": "P001", "session": "baseline"}
NAMES = {**SCAN, "backend": "imported", "analysis": "primary"}
KEY = ("P001", "baseline", "ascending_aorta", "mean_tbr_max")


def unseen(*_: object) -> None:
    """No progress display."""


@pytest.fixture(scope="module")
def study(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study that ran, elsewhere."""
    return shutil.copytree(ran, tmp_path_factory.mktemp("verify") / "study")


@contextlib.contextmanager
def changed(path: Path) -> Iterator[None]:
    """The file with the lowest bit of its middle byte turned over, as it was again afterwards."""
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    try:
        yield
    finally:
        path.write_bytes(content)


def deviations(study: Path) -> list[str]:
    return [one.where for check in verify_files(study, unseen).checks for one in check.deviations]


def numbers(study: Path, key: tuple[str, str, str, str] | None = KEY) -> Verification:
    found = Verification([Checked("nothing")])
    verify_numbers(study, found, key, "primary", unseen)
    return found


def series(study: Path, kind: str) -> list[IndexRow]:
    scan = next(one for one in read_rows(study / layout.SCANS, ScanRow) if (one.participant, one.session) == KEY[:2])
    return read_rows(layout.path(layout.INDEX, study, series=getattr(scan, kind)), IndexRow)


def test_everything_follows_after_a_run_and_every_number_comes_again(study: Path) -> None:
    said = petproc("verify", study, "--all", "--json")
    told = json.loads(said.stdout[said.stdout.index("\n{") :])
    assert (said.returncode, told["holds"]) == (0, True)
    assert {one["verdict"] for one in told["numbers"]} <= {"ok", "no number"}
    assert sum(one["verdict"] == "ok" for one in told["numbers"]) > 100
    assert {one["region"] for one in told["numbers"] if one["verdict"] == "ok"} >= {"aortic_arch", "ascending_aorta"}
    assert not [note for check in told["checks"] for note in check["notes"]]


def test_a_changed_byte_in_every_file_of_results_and_decisions_is_named(study: Path) -> None:
    folders = (study / "results", study / "decisions")
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.stat().st_size]
    ledger = study / layout.LEDGER
    with contextlib.ExitStack() as stack:
        for path in paths:
            if path != ledger:
                stack.enter_context(changed(path))
        named = set(deviations(study))
    manifest = {path for path in paths if path.parent.name == "history"}
    assert {path.relative_to(study).as_posix() for path in manifest} <= named
    for path in set(paths) - manifest - {ledger}:
        with changed(path):
            assert deviations_of_files(study) == {path.relative_to(study).as_posix()}


def deviations_of_files(study: Path) -> set[str]:
    from petproc.audit.ledger import sound
    from petproc.audit.verification import check_files

    return {one.where for one in check_files(study, sound(study)).deviations}


@pytest.mark.parametrize(
    "template", [layout.PET, layout.PET_SIDECAR, layout.CT_SIDECAR, layout.VOXELS, layout.QUANTIFY, layout.COMPARE]
)
def test_a_changed_byte_is_named_by_all_checks_together(study: Path, template: str) -> None:
    path = layout.path(template, study, **NAMES)
    with changed(path):
        assert path.relative_to(study).as_posix() in deviations(study)


def test_a_changed_byte_of_the_ledger_is_named_with_its_line(study: Path) -> None:
    with changed(study / layout.LEDGER):
        said = petproc("verify", study)
    assert said.returncode == 1
    assert f"{layout.LEDGER}, line " in said.stdout


@pytest.mark.parametrize("kind", ["pet", "ct"])
def test_a_changed_byte_of_the_delivery_is_named(study: Path, kind: str) -> None:
    path = Path(series(study, kind)[7].path)
    with changed(path):
        assert deviations(study) == [str(path)]


def test_a_changed_mask_is_named(study: Path) -> None:
    with changed(study / "masks/P001_baseline.nii.gz"):
        assert deviations(study) == ["masks/P001_baseline.nii.gz"]


def test_an_edited_config_is_a_note_and_no_deviation(study: Path) -> None:
    config = study / layout.CONFIG
    text = config.read_text()
    config.write_text(text.replace("active_tbr: 2.0", "active_tbr: 1.6"))
    assert config.read_text() != text
    try:
        found = verify_files(study, unseen)
    finally:
        config.write_text(text)
    notes = [note for check in found.checks for note in check.notes]
    assert found.holds
    assert any("active_tbr = 2.0; the config says 1.6 now" in note for note in notes)
    assert any("was edited since" in note for note in notes)


def test_a_config_that_cannot_be_read_is_named_and_hides_nothing_else(study: Path) -> None:
    config = study / layout.CONFIG
    text = config.read_text()
    config.write_text(f"{text}\nanalyse: {{}}\n")
    try:
        with changed(study / "masks/P001_baseline.nii.gz"):
            said = petproc("verify", study, "--all")
    finally:
        config.write_text(text)
    assert said.returncode == 1
    assert "masks/P001_baseline.nii.gz: is not as the run left it" in said.stdout
    assert "no number was recomputed" in said.stdout


def test_one_number_by_name(study: Path) -> None:
    said = petproc("verify", study, "--number", *KEY)
    assert said.returncode == 0, said.stdout
    assert "recomputed from the DICOM" in said.stdout
    unknown = petproc("verify", study, "--number", *KEY[:3], "nothing")
    assert (unknown.returncode, "number-unknown" in unknown.stdout) == (1, True)


def test_a_number_that_does_not_follow_is_told_with_what_comes_out(study: Path) -> None:
    path = layout.path(layout.UPTAKE, study, **NAMES)
    before, rows = path.read_bytes(), read_rows(path, UptakeRow)
    at = next(n for n, row in enumerate(rows) if (row.participant, row.session, row.region, row.metric) == KEY)
    true = rows[at].value
    assert true
    rows[at] = replace(rows[at], value=true * 1.00001)
    write_rows(path, rows, UptakeRow)
    try:
        (number,) = numbers(study).numbers
    finally:
        path.write_bytes(before)
    assert number.verdict == "deviates"
    assert number.again == pytest.approx(true, rel=1e-6)


def test_a_voxel_table_that_is_not_the_dicom_is_told_with_its_voxel(study: Path) -> None:
    path = layout.path(layout.VOXELS, study, **NAMES)
    before, table = path.read_bytes(), read_table(path)
    activity = table.column("activity").to_numpy().copy()
    activity[100] *= np.float32(1.000001)
    place = table.column_names.index("activity")
    write_table(path, table.set_column(place, "activity", pa.array(activity)))
    voxel = tuple(table.column(axis)[100].as_py() for axis in "ijk")
    try:
        (found,) = [one for check in numbers(study).checks for one in check.deviations]
    finally:
        path.write_bytes(before)
    assert str(voxel) in found.where


def test_a_mask_that_is_another_than_the_table_was_made_from_is_told(study: Path) -> None:
    labels = layout.path(layout.LABELS, study, **NAMES)
    other = layout.path(layout.LABELS, study, **{**NAMES, "participant": "P002"})
    before = labels.read_bytes()
    labels.write_bytes(other.read_bytes())
    try:
        found = [one for check in numbers(study).checks for one in check.deviations]
    finally:
        labels.write_bytes(before)
    assert any("on the other side of the wall" in one.why for one in found)


def test_a_setting_that_the_plain_path_does_not_know_is_not_called_right(study: Path) -> None:
    path = layout.path(layout.QUANTIFY, study, **NAMES)
    before, content = path.read_bytes(), read_json(path)
    content["settings"]["quantify"]["lucky_mm"] = 7.0
    write_json(path, content)
    try:
        (number,) = numbers(study).numbers
    finally:
        path.write_bytes(before)
    assert (number.verdict, "quantify.lucky_mm" in number.why) == ("not recomputed", True)


def test_a_decision_made_since_the_run_is_a_note_and_does_not_enter_its_numbers(study: Path, tmp_path: Path) -> None:
    later = shutil.copytree(study, tmp_path / "later")
    place = Place("P001", region="ascending_aorta")
    exclude_arc(later, place, (-400.0, 400.0), code="node", why="a node", by="reader1")
    found = verify_files(later, unseen)
    assert found.holds
    assert any("1 decisions were made since" in note for check in found.checks for note in check.notes)
    assert numbers(later).holds
