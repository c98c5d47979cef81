"""findings.tsv: queries to the site that open, close and open again, and never lose what a person wrote to them."""

from __future__ import annotations

import csv
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dicom_twin import CT_SERIES, PET_SERIES, SLICES, Change, files, in_folder, setting
from inventory_twin import both, config, index, put, queries, query, scans, visit
from pydicom.dataset import Dataset

from petproc import layout
from petproc.core.tables import ScanRow, WorksheetRow
from petproc.ingest import ingest_scan
from petproc.ingest.inventory import InventoryReport, take_inventory
from petproc.io import write_rows
from petproc.settings import IngestSettings

SCAN = "sub-001_ses-baseline"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return tmp_path / "study"


def on(day: int, study: Path, *deliveries: Path) -> InventoryReport:
    return take_inventory(study, deliveries, today=lambda: date(2025, 6, day))


def pet(**tags: Any) -> Change:
    """Tags of the PET alone; those of the injection go into its sequence."""
    change = setting(**tags)
    return lambda one, k: change(one, k) if one.Modality == "PT" else None


@pytest.mark.parametrize(
    ("tags", "code", "tag", "value", "words"),
    [
        ({"PatientWeight": None}, "weight", "PatientWeight (0010,1030)", "empty", "in kg?"),
        ({"RadionuclideTotalDose": None}, "dose", "RadionuclideTotalDose (0018,1074)", "empty", "MBq"),
        ({"RadionuclideTotalDose": "350"}, "dose", "RadionuclideTotalDose (0018,1074)", "350", "MBq"),
        (
            {"RadiopharmaceuticalStartTime": "093000"},
            "injection-time",
            "RadiopharmaceuticalStartDateTime (0018,1078)",
            "20250101100000",
            "injected?",
        ),
    ],
)
def test_what_suv_lacks_is_asked_before_anything_is_computed(
    tmp_path: Path, study: Path, tags: dict[str, Any], code: str, tag: str, value: str, words: str
) -> None:
    on(1, study, in_folder(tmp_path / "in", both(pet(**tags))))
    (row,) = (one for one in queries(study) if one.severity != "info" and one.code.startswith(code))
    assert (row.subject, row.scan, row.status, row.first_seen) == (PET_SERIES, SCAN, "open", "2025-06-01")
    assert tag in row.tag
    assert value in row.value
    assert words in row.question


def test_what_ingest_would_refuse_is_asked_as_a_refusal(tmp_path: Path, study: Path) -> None:
    on(1, study, in_folder(tmp_path / "in", both(pet(Units="PROPCNTS"))))
    (row,) = (one for one in queries(study) if one.severity == "refusal")
    assert row.tag == "Units (0054,1001)"
    assert row.value == "PROPCNTS"


@pytest.mark.parametrize(("modality", "uid"), [("pt", PET_SERIES), ("ct", CT_SERIES)])
def test_missing_slices_are_asked_for_at_once(tmp_path: Path, study: Path, modality: str, uid: str) -> None:
    content = both()
    late = content.pop(f"{modality}-05.dcm")
    delivery = in_folder(tmp_path / "in", content)
    on(1, study, delivery)
    told = query(study, "slices-missing")
    assert (told.subject, told.scan, told.severity) == (uid, SCAN, "refusal")
    on(2, study, in_folder(delivery, {"late.dcm": late}))
    assert query(study, "slices-missing").status == "open"  # it is named, and not mixed in unasked
    assert query(study, "series-grew").value == "1 images"


def test_a_resolved_query_is_closed_and_opens_again_when_it_comes_back(tmp_path: Path, study: Path) -> None:
    delivery = tmp_path / "in"
    on(1, study, in_folder(delivery, both(pet(PatientWeight=None))))
    (first,) = (one for one in queries(study) if one.code.startswith("weight"))
    assert on(2, study, delivery).closed == ()
    report = on(3, study, in_folder(delivery, both()))
    assert [row.code for row in report.closed] == [first.code]
    assert (report.findings, report.open) == ((), ())
    row = query(study, first.code)
    assert (row.status, row.first_seen, row.closed) == ("closed", "2025-06-01", "2025-06-03")
    report = on(4, study, in_folder(delivery, both(pet(PatientWeight=None))))
    row = query(study, first.code)
    assert (row.status, row.first_seen, row.closed) == ("open", "2025-06-01", "n/a")
    assert report.findings == (row,)


def test_a_correction_sent_to_another_place_closes_nothing_while_the_first_files_are_read(
    tmp_path: Path, study: Path
) -> None:
    on(1, study, in_folder(tmp_path / "one", both(pet(PatientWeight="0"))))
    second = in_folder(tmp_path / "two", both())
    on(2, study, second)
    assert query(study, "weight-unusable").status == "open"
    told = query(study, "series-resent-differently")
    assert (told.severity, told.tag, told.status) == ("warning", "PatientWeight (0010,1030)", "open")
    layout.path(layout.INDEX, study, series=PET_SERIES).unlink()
    table = layout.path(layout.EXCLUDED_SERIES, study)
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(line for line in lines if not line.startswith(PET_SERIES)))
    on(3, study, second)
    assert query(study, "weight-unusable").status == "closed"
    assert query(study, "series-resent-differently").status == "closed"
    assert len(scans(study)) == 1


def test_what_was_not_looked_at_stays_open(tmp_path: Path, study: Path) -> None:
    def light(one: Dataset, k: int) -> None:
        visit("A", 3)(one, k)
        put(one, k, {"PatientWeight": "0"})

    on(1, study, in_folder(tmp_path / "one", {**both(light), "notes.txt": b"hello"}))
    before = queries(study)
    assert {row.code for row in before} >= {"not-dicom"}
    on(2, study, in_folder(tmp_path / "two", both(visit("B", 4))))
    assert queries(study) == before


def test_a_file_that_was_replaced_or_removed_is_no_finding_any_more(tmp_path: Path, study: Path) -> None:
    content = both()
    delivery = in_folder(tmp_path / "in", {**content, "pt-03.dcm": content["pt-03.dcm"][:-40], "notes.txt": b"hello"})
    on(1, study, delivery)
    assert {row.code for row in queries(study)} == {"file-truncated", "not-dicom"}
    in_folder(delivery, {"pt-03.dcm": content["pt-03.dcm"]})
    (delivery / "notes.txt").unlink()
    on(2, study, delivery)
    assert {(row.code, row.status, row.closed) for row in queries(study)} == {
        ("file-truncated", "closed", "2025-06-02"),
        ("not-dicom", "closed", "2025-06-02"),
    }


def test_a_delivery_of_the_same_name_elsewhere_closes_nothing(tmp_path: Path, study: Path) -> None:
    on(1, study, in_folder(tmp_path / "a" / "DICOM", {**both(visit("A", 3)), "notes.txt": b"hello"}))
    on(2, study, in_folder(tmp_path / "b" / "DICOM", both(visit("B", 4))))
    assert query(study, "not-dicom").status == "open"


def edit(study: Path, **cells: str) -> None:
    """What a reviewer writes into the only row of scans.tsv."""
    (row,) = scans(study)
    write_rows(layout.path(layout.SCANS, study), [ScanRow(**{**vars(row), **cells})], ScanRow)


def test_a_ct_that_a_person_enters_closes_the_query_without_a_delivery_of_it(tmp_path: Path, study: Path) -> None:
    on(1, study, in_folder(tmp_path / "in", files("PT")))
    late = in_folder(tmp_path / "late", files("CT"))
    on(2, study, late)
    assert query(study, "ct-missing").status == query(study, "ct-came-later").status == "open"
    edit(study, ct=CT_SERIES)
    on(3, study, in_folder(tmp_path / "other", both(visit("B", 4))))
    assert query(study, "ct-missing").closed == query(study, "ct-came-later").closed == "2025-06-03"


def test_a_ct_that_is_put_beside_its_pet_later_is_told(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", files("PT"))
    on(1, study, delivery)
    on(2, study, in_folder(delivery, files("CT")))
    assert query(study, "ct-came-later").subject == CT_SERIES
    edit(study, ct=CT_SERIES)
    on(3, study, delivery)
    assert {row.status for row in queries(study)} == {"closed"}


def test_nothing_is_asked_about_an_excluded_scan(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", both(pet(PatientWeight="0")))
    on(1, study, delivery)
    (asked,) = (row for row in queries(study) if row.severity == "warning")
    edit(study, include="no", reason="withdrew")
    on(2, study, in_folder(tmp_path / "other", both(visit("B", 4))))
    assert query(study, asked.code).closed == "2025-06-02"
    edit_back = layout.path(layout.SCANS, study)
    edit_back.write_text(edit_back.read_text().replace("\tno\twithdrew", "\tyes\tcame back"))
    on(3, study, delivery)
    assert query(study, asked.code).status == "open"


def test_a_scan_that_is_called_otherwise_keeps_its_queries(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", both(pet(PatientWeight="0")))
    on(1, study, delivery)
    edit(study, session="screening")
    on(2, study, in_folder(tmp_path / "other", both(visit("B", 4))))
    assert query(study, "weight-unusable").status == "open"
    on(3, study, delivery)
    assert query(study, "weight-unusable").scan == "sub-001_ses-screening"


def test_a_value_that_is_no_number_is_not_repeated(tmp_path: Path, study: Path) -> None:
    on(1, study, in_folder(tmp_path / "in", both(pet(Units="J\xf6rg M\xfcller"))))
    assert "J\xf6rg" not in layout.path(layout.SCANS, study).read_text()
    assert "J\xf6rg" not in "".join(row.value for row in queries(study))


def test_the_worksheet_answers_a_query(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", both(pet(PatientWeight="0")))
    on(1, study, delivery)
    (asked,) = (row for row in queries(study) if row.severity == "warning")
    told = {field.name: None for field in fields(WorksheetRow)}
    row = WorksheetRow(**{**told, "participant": "001", "session": "baseline", "weight_kg": 71.0})
    write_rows(layout.path(layout.WORKSHEET, study), [row], WorksheetRow)
    on(2, study, in_folder(tmp_path / "other", both(visit("B", 4))))
    assert query(study, asked.code).status == "closed"
    on(3, study, delivery)
    assert query(study, asked.code).status == "closed"


def test_what_a_person_wrote_stays_with_its_row(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", both(pet(PatientWeight="0")))
    on(1, study, delivery)
    path = layout.path(layout.FINDINGS, study)
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    columns = ["answer", *reversed(rows[0])]
    with path.open("w", newline="") as stream:
        table = csv.DictWriter(stream, columns, delimiter="\t", lineterminator="\r\n")
        table.writeheader()
        table.writerows({**row, "answer": 'asked Ann,\t"70 kg"'} for row in rows)
    on(2, study, in_folder(tmp_path / "more", both(visit("B", 4, PatientSize="9"))), delivery)
    with path.open(newline="") as stream:
        after = list(csv.DictReader(stream, delimiter="\t"))
    assert [row["answer"] for row in after][: len(rows)] == ['asked Ann,\t"70 kg"'] * len(rows)
    assert len(after) > len(rows)
    assert list(after[0]) == columns
    assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n")


def test_taken_again_on_another_day_it_changes_nothing(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", {**both(pet(PatientWeight="0")), "notes.txt": b"hello"})
    on(1, study, delivery)
    before = config(study)
    report = on(2, study, delivery)
    assert config(study) == before
    assert (report.findings, report.closed) == ((), ())
    assert len(report.open) == 1


def test_values_tell_nobody_who_it_is(tmp_path: Path, study: Path) -> None:
    secrets = {
        "PatientID": "PLANTED-ID-1",
        "PatientName": "Planted^Name",
        "PatientBirthDate": "19111213",
        "InstitutionName": "Planted Clinic",
        "AccessionNumber": "PLANTED-ACC",
        "PatientSize": "9",
    }

    def planted(one: Dataset, k: int) -> None:
        put(one, k, secrets)
        pet(RadionuclideTotalDose=None)(one, k)

    def again(one: Dataset, k: int) -> None:
        visit("planted id1", 9, PatientName="Other^Planted", PatientBirthDate="19121314", PatientSex="M")(one, k)

    on(1, study, in_folder(tmp_path / "in", both(planted)), in_folder(tmp_path / "more", both(again)))
    text = layout.path(layout.FINDINGS, study).read_text().casefold()
    assert "participant-ids-alike" in text
    for secret in ("planted", "19111213", "19121314", "1911", "clinic"):
        assert secret not in text


def test_a_series_sent_twice_is_one_finding_with_its_count(tmp_path: Path, study: Path) -> None:
    again = {f"again/{name}": data for name, data in files("PT").items()}
    on(1, study, in_folder(tmp_path / "in", both() | again))
    row = query(study, "instance-sent-twice")
    assert (row.subject, row.value, row.severity) == (PET_SERIES, f"{SLICES} repeats, {SLICES} images", "info")


def test_what_is_asked_is_what_ingest_finds(tmp_path: Path, study: Path) -> None:
    """The headers that the inventory keeps give the derivation that ingest makes of the files."""
    heavy = pet(PatientWeight="75000", PatientSize="175", RadionuclideTotalDose="350")
    on(1, study, in_folder(tmp_path / "in", both(heavy)))
    (row,) = scans(study)
    files_of = [index(study, uid) for uid in (row.pet, row.ct)]
    done = ingest_scan(*files_of, settings=IngestSettings(), threads=1, scan="s")
    found = {one.code for one in done.findings} | {one.code for one in done.acquisition.unknown}
    assert {one.code for one in queries(study)} == found
    assert len(found) >= 2
