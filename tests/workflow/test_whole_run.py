"""Whole runs of a digital trial from DICOM to the page, with true masks in place of a segmentation."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from studies import new_study, petproc

from petproc import layout
from petproc.core.metrics import METRICS
from petproc.core.tables import ChangeRow, FragilityRow, IndexRow, ScanRow, SliceRow, UptakeRow
from petproc.io import read_json, read_rows, write_rows
from petproc.report import CompleteRow

CORRUPTED = ("P001", "followup")


def rows_of(study: Path, template: str, kind: type) -> list:
    return read_rows(layout.path(template, study, analysis="primary"), kind)


def copy_of(study: Path, folder: Path) -> Path:
    """The study elsewhere, as it was: a run of the copy has nothing to do."""
    shutil.copytree(study, folder)
    return folder


def jobs_planned(study: Path) -> str:
    return petproc("run", study, "--dry-run").stdout


@pytest.fixture(scope="module")
def corrupted(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """The study that ran, one CT slice of one scan cut short since, run again: study, exit status, what was said."""
    study = copy_of(ran, tmp_path_factory.mktemp("corrupted") / "study")
    scan = next(row for row in read_rows(study / layout.SCANS, ScanRow) if (row.participant, row.session) == CORRUPTED)
    index = layout.path(layout.INDEX, study, series=scan.ct)
    rows = read_rows(index, IndexRow)
    broken = study / "broken.dcm"
    broken.write_bytes(Path(rows[20].path).read_bytes()[:-5000])
    write_rows(index, [*rows[:20], replace(rows[20], path=str(broken)), *rows[21:]], IndexRow)
    said = petproc("run", study, "--cores", "2")
    return study, said.returncode, said.stdout


def test_every_scan_is_measured_and_the_page_is_there(ran: Path) -> None:
    complete = read_rows(ran / layout.COMPLETE, CompleteRow)
    assert {(row.participant, row.session): row.status for row in complete} == {
        (person, visit): "measured" for person in ("P001", "P002") for visit in ("baseline", "followup")
    }
    page = layout.path(layout.REPORT, ran, analysis="primary").read_text()
    assert "P001" in page
    assert "data:image/png;base64," in page


def test_the_planted_change_is_found(ran: Path, trial: Path) -> None:
    said = petproc("check", ran, trial, "--tolerance", "3")
    assert said.returncode == 0, said.stdout
    assert petproc("check", ran, trial, "--tolerance", "0.0001").returncode == 1


def test_every_number_of_a_vessel_has_an_interval_and_every_change_a_flag(ran: Path) -> None:
    uptake = [row for row in rows_of(ran, layout.UPTAKE, UptakeRow) if row.metric in METRICS]
    rows = rows_of(ran, layout.FRAGILITY, FragilityRow)
    assert [(row.region, row.metric, row.value) for row in rows] == [(r.region, r.metric, r.value) for r in uptake]
    measured = [row for row in rows if row.value is not None and row.metric == "mean_tbr_max"]
    assert {row.status for row in measured} == {"measured"}
    assert all(row.low <= row.value <= row.high and row.width > 0 for row in measured)
    changes = {(row.participant, row.region, row.metric): row.change for row in rows_of(ran, layout.CHANGE, ChangeRow)}
    assert all((row.fragile is None) == (changes[row.participant, row.region, row.metric] is None) for row in rows)
    index = {row.participant: row.fragile for row in measured if row.index_vessel}
    assert index == {"P001": "no", "P002": "yes"}, "16 % is more than small errors make, 4 % is not"
    told = json.loads(petproc("explain", ran, "P002", "baseline", "ascending_aorta", "--json").stdout)
    assert told["fragility"]["fragile"] == "yes"
    assert "How firm: from" in petproc("explain", ran, "P002", "baseline", "ascending_aorta").stdout


def test_nothing_is_to_be_done_right_after_a_run(ran: Path) -> None:
    assert "Nothing to be done" in jobs_planned(ran)


def test_nothing_personal_and_no_path_is_in_the_results(ran: Path, trial: Path) -> None:
    for path in (ran / "results").rglob("*"):
        if path.suffix in (".json", ".tsv", ".html", ".log"):
            text = path.read_text()
            assert "PHANTOM^" not in text, path
            assert str(trial / "dicom") not in text, path


def test_one_core_and_files_in_another_order_give_the_same_bytes(ran: Path, trial: Path, tmp_path: Path) -> None:
    delivery = tmp_path / "delivery.zip"
    with zipfile.ZipFile(delivery, "w") as archive:
        for path in sorted((trial / "dicom/P002").rglob("*.dcm"), reverse=True):
            archive.write(path, path.relative_to(trial))
    study = new_study(tmp_path / "study", trial, delivery)
    said = petproc("run", study, "--cores", "1")
    assert said.returncode == 0, said.stdout
    for again in sorted((study / "results").glob("*/sub-*/**/*")):
        if again.is_file():
            assert again.read_bytes() == (ran / again.relative_to(study)).read_bytes(), again.name
    for template in (layout.SLICES, layout.UPTAKE, layout.CHANGE, layout.FRAGILITY):
        path = layout.path(template, analysis="primary")
        whole = (ran / path).read_text().splitlines()
        assert (study / path).read_text().splitlines() == [line for line in whole if not line.startswith("P001")]


def test_a_corrupted_scan_is_named_and_the_others_keep_their_numbers(
    ran: Path, corrupted: tuple[Path, int, str]
) -> None:
    study, status, said = corrupted
    assert status != 0
    assert "sub-P001_ses-followup" in said
    assert "1 not measured" in said
    before, after = (rows_of(folder, layout.UPTAKE, UptakeRow) for folder in (ran, study))
    assert [row for row in after if (row.participant, row.session) != CORRUPTED] == [
        row for row in before if (row.participant, row.session) != CORRUPTED
    ]
    lost = [row for row in after if (row.participant, row.session) == CORRUPTED]
    assert {(row.status, row.value) for row in lost} == {("refused", None)}
    refusal = read_json(layout.path(layout.CT_SIDECAR, study, participant="P001", session="followup"))["petproc"][
        "refusal"
    ]
    assert all(row.reason and row.reason.startswith(refusal["code"]) for row in lost)
    assert refusal["remedy"] in said


def test_a_number_of_a_refused_scan_is_explained_by_its_reason(corrupted: tuple[Path, int, str]) -> None:
    sidecar = layout.path(layout.CT_SIDECAR, corrupted[0], participant="P001", session="followup")
    refusal = read_json(sidecar)["petproc"]["refusal"]
    said = petproc("explain", corrupted[0], *CORRUPTED, "ascending_aorta")
    assert said.returncode == 0, said.stdout
    assert "mean_tbr_max = refused" in said.stdout
    assert str(refusal["code"]) in said.stdout.splitlines()[1]
    page = layout.path(layout.REPORT, corrupted[0], analysis="primary").read_text()
    (one,) = [part for part in page.split('class="number"') if "STUDY P001 followup ascending_aorta " in part]
    assert "refused" in one
    assert str(refusal["code"]) in one


def test_the_page_has_the_way_back_of_every_number_as_explain_tells_it(ran: Path) -> None:
    page = layout.path(layout.REPORT, ran, analysis="primary").read_text()
    section = page[page.index('<section id="way-back">') : page.index('<section id="method">')]
    asked = [row for row in rows_of(ran, layout.UPTAKE, UptakeRow) if row.metric == "mean_tbr_max"]
    assert section.count('class="number"') == len(asked) == 16
    told = json.loads(petproc("explain", ran, "P001", "baseline", "aortic_arch", "--json").stdout)
    (one,) = [part for part in section.split('class="number"') if "STUDY P001 baseline aortic_arch " in part]
    for words in (
        told["formula"]["arithmetic"],
        told["hottest"]["dicom"]["instance"],
        f"{told['background']['n_voxel']} voxels",
        told["suv"]["words"][0],
        told["settings"]["hash"],
    ):
        assert words in one
    assert len(told["background"]["voxels"]) == told["background"]["n_voxel"]
    assert told["formula"]["agrees"]


def test_the_change_of_a_participant_with_a_refused_scan_is_a_row_without_a_number(
    corrupted: tuple[Path, int, str],
) -> None:
    change = rows_of(corrupted[0], layout.CHANGE, ChangeRow)
    assert {row.percent_change for row in change if row.participant == "P001"} == {None}
    assert all(row.reason for row in change if row.participant == "P001" and row.status != "measured")
    assert any(row.percent_change is not None for row in change if row.participant == "P002")


def test_the_corrupted_scan_excluded_with_a_reason_ends_well(corrupted: tuple[Path, int, str], tmp_path: Path) -> None:
    study = copy_of(corrupted[0], tmp_path / "study")
    scans = read_rows(study / layout.SCANS, ScanRow)
    write_rows(
        study / layout.SCANS,
        [
            replace(row, include="no", reason="one CT slice is cut short")
            if (row.participant, row.session) == CORRUPTED
            else row
            for row in scans
        ],
        ScanRow,
    )
    said = petproc("run", study, "--cores", "2")
    assert said.returncode == 0, said.stdout
    explained = petproc("explain", study, *CORRUPTED, "ascending_aorta")
    assert (explained.returncode, "one CT slice is cut short" in explained.stdout) == (0, True)
    excluded = [row for row in rows_of(study, layout.UPTAKE, UptakeRow) if (row.participant, row.session) == CORRUPTED]
    assert [(row.status, row.reason) for row in excluded] == [("excluded", "one CT slice is cut short")]
    assert not [row for row in rows_of(study, layout.SLICES, SliceRow) if (row.participant, row.session) == CORRUPTED]


def test_a_missing_mask_and_a_missing_series_are_refused_and_the_others_finish(ran: Path, tmp_path: Path) -> None:
    study = copy_of(ran, tmp_path / "study")
    (study / "masks/P002_baseline.nii.gz").unlink()
    scans = read_rows(study / layout.SCANS, ScanRow)
    write_rows(study / layout.SCANS, [replace(scans[0], pet="1.2.3"), *scans[1:]], ScanRow)
    said = petproc("run", study, "--cores", "2")
    assert said.returncode != 0
    why = {(row.participant, row.session): row.reason for row in rows_of(study, layout.UPTAKE, UptakeRow)}
    assert (why["P001", "baseline"] or "").startswith("series-not-indexed")
    assert (why["P002", "baseline"] or "").startswith("mask-missing")
    assert "2 not measured" in said.stdout
    assert "sub-P001_ses-baseline" in said.stdout
