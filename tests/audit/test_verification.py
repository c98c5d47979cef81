"""What was recorded is found again, and one changed byte is named."""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from pathlib import Path

import pytest

from petproc import layout
from petproc.audit.ledger import Event, append, read, sound
from petproc.audit.manifest import changed, last, record
from petproc.audit.verification import check_delivery, check_files, check_history, check_ledger
from petproc.core.tables import IndexRow

TABLE, IMAGE = "results/analyses/primary/uptake.tsv", "results/raw/sub-1/pet.nii.gz"
LONG_AGO = time.time() - 3600.0


def put(path: Path, content: bytes, written: float | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if written:
        os.utime(path, (written, written))


def run(study: Path, *, writes: bytes | None = None) -> None:
    """A run that makes the table, if anything."""
    append(study, Event("run-started", "analyst", after={"config": {}}))
    if writes is not None:
        put(study / TABLE, writes)
    after = {"status": "ok", "published": {}, "manifest": record(study, read(study))}
    append(study, Event("run-finished", "analyst", after=after))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    put(tmp_path / IMAGE, b"image", LONG_AGO)
    run(tmp_path, writes=b"one")
    return tmp_path


def test_nothing_deviates_right_after_a_run(study: Path) -> None:
    entries = sound(study)
    assert not check_ledger(study).deviations
    assert not check_history(study, entries).deviations
    checked = check_files(study, entries)
    assert (checked.deviations, checked.notes) == ([], [])


def test_each_file_is_listed_with_the_hash_of_its_bytes(study: Path) -> None:
    listed = last(study, read(study))
    assert {listed[TABLE], listed[IMAGE]} == {hashlib.sha256(one).hexdigest() for one in (b"one", b"image")}


def test_a_changed_file_and_a_missing_one_are_named(study: Path) -> None:
    put(study / TABLE, b"onf")
    (study / IMAGE).unlink()
    found = check_files(study, sound(study)).deviations
    assert [(one.where, one.why) for one in found] == [
        (TABLE, "is not as the run left it"),
        (IMAGE, "is missing"),
    ]
    assert found[0].found == hashlib.sha256(b"onf").hexdigest()


def test_what_a_later_run_makes_anew_is_as_it_left_it(study: Path) -> None:
    run(study, writes=b"two")
    assert not check_files(study, sound(study)).deviations


def test_what_was_changed_between_runs_is_found_after_a_later_run_too(study: Path) -> None:
    put(study / IMAGE, b"imagf", LONG_AGO)
    run(study, writes=b"two")
    assert [one.where for one in check_files(study, sound(study)).deviations] == [IMAGE]


def test_what_a_run_wrote_that_was_broken_off_is_not_taken_for_a_change(study: Path) -> None:
    append(study, Event("run-started", "analyst", after={"config": {}}))
    put(study / TABLE, b"two")
    assert "has not ended" in check_files(study, sound(study)).notes[0]
    run(study)
    assert not check_files(study, sound(study)).deviations


def test_a_file_that_no_run_left_is_noticed(study: Path) -> None:
    put(study / "results/mine.tsv", b"")
    assert check_files(study, sound(study)).notes == ["no run left results/mine.tsv"]


def test_a_mask_that_was_recorded_as_input_is_held_to_its_hash(study: Path) -> None:
    put(study / "masks/1.nii.gz", b"mask", LONG_AGO)
    listed = record(study, read(study), ["masks/1.nii.gz", "masks/none.nii.gz"])
    append(study, Event("run-finished", "analyst", after={"status": "ok", "published": {}, "manifest": listed}))
    put(study / "masks/1.nii.gz", b"masl", LONG_AGO)
    assert [one.where for one in changed(study, last(study, read(study)))] == ["masks/1.nii.gz"]


@pytest.mark.parametrize("at", [4, 9, 12, -1], ids=["time of packing", "system", "content", "length"])
def test_a_byte_of_the_history_is_found_wherever_it_stands(study: Path, at: int) -> None:
    kept = next((study / layout.HISTORY).parent.glob("*.gz"))
    content = bytearray(kept.read_bytes())
    content[at] ^= 1
    kept.write_bytes(bytes(content))
    found = check_history(study, sound(study)).deviations
    assert [one.where for one in found] == [kept.relative_to(study).as_posix()]


@pytest.mark.parametrize("at", [0, 40, -2, -1], ids=["first", "inside", "bracket", "end of line"])
def test_a_byte_of_the_ledger_is_found_with_its_line(study: Path, at: int) -> None:
    path = study / layout.LEDGER
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))
    line = 1 if at >= 0 else 2
    assert check_ledger(study).deviations[0].where == f"{layout.LEDGER}, line {line}"


def test_history_that_no_line_names_is_noticed(study: Path) -> None:
    lines = (study / layout.LEDGER).read_bytes().splitlines(keepends=True)
    (study / layout.LEDGER).write_bytes(lines[0])
    assert "no line of the ledger names" in check_history(study, sound(study)).notes[0]


def test_a_mask_named_by_a_decision_is_held_to_its_hash(study: Path) -> None:
    mask = "decisions/edits/mask.nii.gz"
    put(study / mask, b"edited")
    after = {"mask": mask, "sha256": hashlib.sha256(b"edited").hexdigest()}
    append(study, Event("edit", "reader", "leaks", after=after))
    assert not check_files(study, sound(study)).deviations
    put(study / mask, b"editee")
    assert [one.where for one in check_files(study, sound(study)).deviations] == [mask]


def sidecar_of(*contents: bytes) -> dict[str, object]:
    files = [
        {"instance": str(n), "sha256": hashlib.sha256(one).hexdigest(), "size": len(one)}
        for n, one in enumerate(contents)
    ]
    return {"petproc": {"files": files}}


def test_a_changed_file_of_the_delivery_is_named_in_its_folder_and_in_its_archive(tmp_path: Path) -> None:
    put(tmp_path / "a.dcm", b"slice 0")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("in/b.dcm", b"slice 1")
    rows = [
        IndexRow("0", str(tmp_path / "a.dcm"), None, 7),
        IndexRow("1", str(tmp_path / "b.zip"), "in/b.dcm", 7),
    ]
    right = check_delivery(rows, sidecar_of(b"slice 0", b"slice 1"), "pet.json")
    assert (right.count, right.deviations) == (2, [])
    wrong = check_delivery(rows, sidecar_of(b"slice 8", b"slice 9"), "pet.json")
    assert [one.where for one in wrong.deviations] == [rows[0].path, f"{rows[1].path}, in/b.dcm"]


def test_a_file_of_the_delivery_that_is_gone_or_known_no_more_is_named(tmp_path: Path) -> None:
    gone = check_delivery([IndexRow("0", str(tmp_path / "a.dcm"), None, 7)], sidecar_of(b"0", b"1"), "pet.json")
    assert [one.where for one in gone.deviations] == ["pet.json, instance 1", str(tmp_path / "a.dcm")]


def test_a_sidecar_without_files_is_said_not_passed_over() -> None:
    assert "are not checked" in check_delivery([], {"petproc": {}}, "pet.json").notes[0]
