"""Who it is: labels, contradictions between visits, one person under two identifiers, and copies."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from dicom_twin import CT_SERIES, PET_SERIES, files, in_folder
from inventory_twin import both, findings, queries, query, scans, series, together, visit
from pydicom.dataset import Dataset

from petproc import layout
from petproc.core.errors import Refusal
from petproc.ingest.contradictions import alike_ids
from petproc.ingest.inventory import take_inventory
from petproc.ingest.people import looks_like_a_name


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return tmp_path / "study"


@pytest.mark.parametrize("together_", [True, False])
@pytest.mark.parametrize(
    ("tags", "code", "value"),
    [
        ({"PatientSex": "M"}, "participant-sex-differs", "F, then M"),
        ({"PatientBirthDate": "19500102"}, "participant-birth-date-differs", "differs"),
        ({"PatientSize": "1.81"}, "participant-height-differs", "1.75 m, then 1.81 m"),
        ({"PatientWeight": "88"}, "participant-weight-differs", "70 kg, then 88 kg"),
        ({"PatientWeight": "52"}, "participant-weight-differs", "70 kg, then 52 kg"),
        ({"PatientName": "Nobody^Else"}, "participant-name-differs", "differs"),
    ],
)
def test_visits_that_contradict_each_other_are_told(
    tmp_path: Path, study: Path, together_: bool, tags: dict[str, Any], code: str, value: str
) -> None:
    one, two = in_folder(tmp_path / "1", both(visit("A", 3))), in_folder(tmp_path / "2", both(visit("A", 20, **tags)))
    for deliveries in [[one, two]] if together_ else [[one], [two]]:
        take_inventory(study, deliveries)
    row = query(study, code)
    assert (row.scan, row.value, row.status) == ("sub-001_ses-followup", value, "open")
    assert [row.include for row in scans(study)] == ["yes", "yes"]


@pytest.mark.parametrize(
    "tags",
    [{"PatientSize": "1.79"}, {"PatientWeight": "87"}, {"PatientName": "Secret^Person^Q"}, {"PatientSex": "O"}],
)
def test_what_may_change_between_visits_is_no_contradiction(tmp_path: Path, study: Path, tags: dict[str, str]) -> None:
    take_inventory(study, [in_folder(tmp_path / "in", together(both(visit("A", 3)), both(visit("A", 20, **tags))))])
    assert not [code for code in findings(study).values() if code.startswith("participant-")]


@pytest.mark.parametrize("later", [False, True])
def test_one_patient_id_of_two_people_is_not_included_unseen(tmp_path: Path, study: Path, later: bool) -> None:
    other = visit("A", 20, PatientSex="M", PatientBirthDate="19800203")
    one, two = in_folder(tmp_path / "1", both(visit("A", 3))), in_folder(tmp_path / "2", both(other))
    for deliveries in [[one], [two]] if later else [[one, two]]:
        take_inventory(study, deliveries)
    assert [row.include for row in scans(study)] == ["yes", "no"]
    assert scans(study)[1].reason.startswith("by its tags another person than at the first visit")
    assert {row.code for row in queries(study)} >= {"participant-sex-differs", "participant-birth-date-differs"}


def test_a_ct_of_somebody_else_is_told(tmp_path: Path, study: Path) -> None:
    ct = visit("A", 3, PatientBirthDate="19800203")
    take_inventory(study, [in_folder(tmp_path / "in", both(visit("A", 3), ct))])
    assert query(study, "participant-birth-date-differs").subject == scans(study)[0].ct


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a-1", "A-1", True),
        ("A 1", "A1", True),
        ("7", "007", True),
        ("S01-007", "S1-7", True),
        ("S01-007", "S01-070", False),
        ("10", "1", False),
        ("1-11", "11-1", False),
        ("A-1", "B-1", False),
    ],
)
def test_identifiers_that_differ_by_printing_are_alike(one: str, other: str, alike: bool) -> None:
    assert bool(alike_ids([one], [other])) is alike
    assert bool(alike_ids([one, other])) is alike


def test_identifiers_that_are_alike_stay_two_people_and_are_told(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "1", both(visit("S-007", 3)))])
    take_inventory(study, [in_folder(tmp_path / "2", both(visit("s-7", 20)))])
    assert [(row.participant, row.session) for row in scans(study)] == [("001", "baseline"), ("002", "baseline")]
    row = query(study, "participant-ids-alike")
    assert (row.subject, row.tag, row.value) == (scans(study)[1].pet, "PatientID (0010,0020)", "differs")


@pytest.mark.parametrize("coded", ["TRIAL-7", "R01-005", "S01.007", "12345"])
def test_coded_identifiers_may_be_kept(coded: str) -> None:
    assert not looks_like_a_name(coded)


@pytest.mark.parametrize("named", ["Doe^Jane", "DOE JANE 1950", "Doe,Jane1", "DOEJANE", ""])
def test_identifiers_that_may_be_names_are_refused(named: str) -> None:
    assert looks_like_a_name(named)


def test_a_name_in_place_of_an_identifier_is_refused_and_nothing_is_written(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", both(visit("Doe^Jane7", 3)))
    with pytest.raises(Refusal) as refusal:
        take_inventory(study, [delivery], keep_ids=True)
    assert refusal.value.code == "patient-id-not-coded"
    assert "Doe" not in str(refusal.value)
    assert not (study / "config").exists()


def test_without_patient_id_a_number_is_given_though_others_keep_theirs(tmp_path: Path, study: Path) -> None:
    content = together(both(visit("A-1", 3)), both(visit("B", 4, PatientID="")))
    take_inventory(study, [in_folder(tmp_path / "in", content)], keep_ids=True)
    assert [row.participant for row in scans(study)] == ["A1", "001"]


def test_the_key_is_its_owners_whatever_the_umask_and_whatever_was_done_to_it(tmp_path: Path, study: Path) -> None:
    key = layout.path(layout.PARTICIPANTS_KEY, study)
    before = os.umask(0)
    try:
        take_inventory(study, [in_folder(tmp_path / "one", both(visit("A", 3)))])
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        key.chmod(0o644)
        take_inventory(study, [in_folder(tmp_path / "two", both(visit("B", 4)))])
    finally:
        os.umask(before)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_text().splitlines()) == 3


def copied(mark: str, person: str = "TRIAL-7", **tags: Any) -> dict[str, bytes]:
    """The twin under other UIDs."""

    def change(one: Dataset, _: int) -> None:
        for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
            setattr(one, name, f"{getattr(one, name)}.{mark}")
        one.PatientID = person
        for keyword, value in tags.items():
            setattr(one, keyword, value)

    return {f"copy{mark}/{name}": data for name, data in both(change).items()}


@pytest.mark.parametrize("later", [False, True])
def test_a_copy_under_new_uids_is_left_out(tmp_path: Path, study: Path, later: bool) -> None:
    one, two = in_folder(tmp_path / "1", both()), in_folder(tmp_path / "2", copied("5"))
    for deliveries in [[one], [two]] if later else [[one, two]]:
        take_inventory(study, deliveries)
    assert [(row.pet, row.ct) for row in scans(study)] == [(PET_SERIES, CT_SERIES)]
    told = {row.subject: (row.code, row.severity, row.value) for row in queries(study)}
    assert told == {
        f"{PET_SERIES}.5": ("series-copied", "info", f"copy of {PET_SERIES}"),
        f"{CT_SERIES}.5": ("series-copied", "info", f"copy of {CT_SERIES}"),
    }
    assert series(study)[f"{PET_SERIES}.5"].reason == f"copy of {PET_SERIES}"


def test_a_copy_with_another_dose_is_a_query(tmp_path: Path, study: Path) -> None:
    content = both() | copied("5", PatientWeight="75")
    take_inventory(study, [in_folder(tmp_path / "in", content)])
    row = query(study, "series-sent-differently")
    assert (row.subject, row.tag, row.severity) == (f"{PET_SERIES}.5", "PatientWeight (0010,1030)", "warning")


def test_the_same_scan_under_two_identifiers_is_told(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "in", both() | copied("5", "SOMEBODY-8"))])
    assert [row.participant for row in scans(study)] == ["001"]
    assert {row.subject for row in queries(study) if row.code == "same-scan-under-two-ids"} == {
        f"{PET_SERIES}.5",
        f"{CT_SERIES}.5",
    }


def test_images_of_the_same_time_and_place_with_other_pixels_are_no_copy(tmp_path: Path, study: Path) -> None:
    def filtered(one: Dataset, k: int) -> None:
        one.SeriesInstanceUID, one.SOPInstanceUID = "1.2.3.11", f"1.2.3.11.{k + 1}"
        one.PixelData = one.PixelData[2:] + b"\1\0"

    take_inventory(study, [in_folder(tmp_path / "in", together(both(), files("PT", filtered)))])
    assert "another reconstruction" in series(study)["1.2.3.11"].reason
    assert findings(study) == {}
