"""From a delivery to a table of scans that a person can review, and that later deliveries only add to."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from dicom_twin import CT_SERIES, PET_SERIES, files, in_folder, in_zip
from inventory_twin import both, config, findings, index, scans, series, visit
from pydicom.dataset import Dataset

from petproc import layout
from petproc.core.errors import Refusal
from petproc.ingest import ingest_scan
from petproc.ingest.inventory import take_inventory
from petproc.ingest.written import KeyRow
from petproc.io import read_rows
from petproc.settings import IngestSettings


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return tmp_path / "study"


def test_one_pet_ct_is_one_row_with_its_reasons(tmp_path: Path, study: Path) -> None:
    report = take_inventory(study, [in_folder(tmp_path / "in", both())])
    (row,) = scans(study)
    assert (row.participant, row.session, row.tracer, row.include) == ("001", "baseline", "FDG", "yes")
    assert (row.pet, row.ct) == (PET_SERIES, CT_SERIES)
    assert "attenuation-corrected, BQML, 10 slices" in row.reason
    assert "same study, same frame of reference, 5 min before the PET, covers 100 % of it" in row.reason
    assert report.added == (row,)
    assert {uid: found.role for uid, found in series(study).items()} == {PET_SERIES: "pet", CT_SERIES: "ct"}
    assert (report.files, report.series, report.kept) == (20, 2, 0)


def test_names_and_ids_are_only_in_the_key_which_only_its_owner_reads(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "in", both())])
    key = layout.path(layout.PARTICIPANTS_KEY, study)
    assert read_rows(key, KeyRow) == [KeyRow("001", "TRIAL-7")]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    for name, content in config(study).items():
        assert b"Secret" not in content
        assert (b"TRIAL-7" in content) == (name == str(key))


def test_the_index_is_enough_to_ingest(tmp_path: Path, study: Path) -> None:
    archive = in_zip(tmp_path / "in" / "deep" / "site.zip", {f"a b/{name}": data for name, data in both().items()})
    take_inventory(study, [tmp_path / "in"])
    rows = index(study, PET_SERIES)
    assert len(rows) == 10
    assert rows[0].path == str(archive)
    assert rows[0].member == "a b/pet-01.dcm" or rows[0].member == "a b/pt-01.dcm"
    done = ingest_scan(rows, index(study, CT_SERIES), settings=IngestSettings(), threads=2, scan="s")
    assert done.pet.data[3, 5, 7] == 0.75 * 753


def test_visits_are_sessions_in_order_of_time_whatever_the_order_of_files(tmp_path: Path, study: Path) -> None:
    for number in (9, 2, 20):
        in_folder(tmp_path / "in" / f"z{20 - number}", both(visit("Z-1", number)))
    in_folder(tmp_path / "in" / "other", both(visit("B-2", 5)))
    take_inventory(study, [tmp_path / "in"])
    told = [(row.participant, row.session) for row in scans(study)]
    assert told == [("001", "baseline"), ("001", "followup"), ("001", "visit3"), ("002", "baseline")]
    dates = [series(study)[row.pet].acquired[8:10] for row in scans(study)]  # type: ignore[index]
    assert dates == ["02", "09", "20", "05"]
    assert [row.patient_id for row in read_rows(layout.path(layout.PARTICIPANTS_KEY, study), KeyRow)] == ["Z-1", "B-2"]


def test_the_same_delivery_differently_named_gives_the_same_tables(tmp_path: Path) -> None:
    tables = []
    for order in (1, -1):
        names = sorted(both())[::order]
        content = {f"{n:03d}.dcm": both()[name] for n, name in enumerate(names)}
        study = tmp_path / f"study{order}"
        take_inventory(study, [in_folder(tmp_path / f"in{order}", content)])
        tables.append([layout.path(name, study).read_bytes() for name in (layout.SCANS, layout.EXCLUDED_SERIES)])
    assert tables[0] == tables[1]


def test_taken_twice_it_changes_nothing(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", {**both(), "notes.txt": b"hello"})
    take_inventory(study, [delivery])
    before = config(study)
    report = take_inventory(study, [delivery])
    assert config(study) == before
    assert (report.added, report.kept, report.findings) == ((), 1, ())


def test_a_later_delivery_adds_rows_and_leaves_reviewed_ones_to_the_byte(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "one", both(visit("A", 3)))])
    table = layout.path(layout.SCANS, study)
    header, row = table.read_text().splitlines()
    columns, cells = header.split("\t"), row.split("\t")
    reviewed = dict(zip(columns, cells, strict=True)) | {"include": "no", "reason": "moved, says Ann"}
    mixed = ["note", *columns[::-1]]
    old = "\t".join(mixed) + "\r\n" + "\t".join({"note": "seen", **reviewed}[name] for name in mixed)
    table.write_bytes(old.encode())
    in_folder(tmp_path / "two", both(visit("A", 10)))
    take_inventory(study, [in_folder(tmp_path / "two" / "b", both(visit("B", 4)))])
    take_inventory(study, [tmp_path / "two"])
    assert table.read_bytes().startswith(old.encode() + b"\r\n")
    told = [(row.participant, row.session, row.include) for row in scans(study)]
    assert told == [("001", "baseline", "no"), ("002", "baseline", "yes"), ("001", "followup", "yes")]


def test_an_earlier_visit_that_comes_late_is_not_included_unseen(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "one", both(visit("A", 20)))])
    take_inventory(study, [in_folder(tmp_path / "two", both(visit("A", 3)))])
    assert [(row.session, row.include) for row in scans(study)] == [("baseline", "yes"), ("followup", "no")]
    assert "acquired before baseline" in scans(study)[1].reason


def test_a_second_pet_ct_of_a_day_is_no_new_session(tmp_path: Path, study: Path) -> None:
    in_folder(tmp_path / "in" / "a", both(visit("A", 3)))
    again = visit("A", 4, AcquisitionDate="20250103", SeriesDate="20250103", AcquisitionTime="150000")
    in_folder(tmp_path / "in" / "b", both(again))
    in_folder(tmp_path / "in" / "c", both(visit("A", 9)))
    take_inventory(study, [tmp_path / "in"])
    told = [(row.session, row.include) for row in scans(study)]
    assert told == [("baseline", "yes"), ("baselinerepeat", "no"), ("followup", "yes")]
    assert scans(study)[1].reason.startswith("second PET/CT of the same day")


def test_the_corrected_pet_is_chosen_and_the_other_left_out(tmp_path: Path, study: Path) -> None:
    def uncorrected(one: Dataset, k: int) -> None:
        one.SeriesInstanceUID, one.SOPInstanceUID = "1.2.3.11", f"1.2.3.11.{k + 1}"
        one.CorrectedImage = ["NORM", "DECY"]

    nac = {f"nac/{name}": data for name, data in files("PT", uncorrected).items()}
    take_inventory(study, [in_folder(tmp_path / "in", both() | nac)])
    (row,) = scans(study)
    assert row.pet == PET_SERIES
    assert series(study)["1.2.3.11"].role == "left out"
    assert "not attenuation-corrected" in series(study)["1.2.3.11"].reason


def test_a_participant_with_only_an_uncorrected_pet_stays_visible(tmp_path: Path, study: Path) -> None:
    def uncorrected(one: Dataset, _: int) -> None:
        if one.Modality == "PT":
            one.CorrectedImage = ["NORM", "DECY"]

    take_inventory(study, [in_folder(tmp_path / "in", both(uncorrected))])
    (row,) = scans(study)
    assert row.include == "yes"
    assert "ingest will refuse it" in row.reason
    with pytest.raises(Refusal) as refusal:
        ingest_scan(index(study, row.pet), index(study, row.ct), settings=IngestSettings(), threads=1, scan="s")
    assert refusal.value.code == "not-attenuation-corrected"


def test_a_second_reconstruction_is_left_out(tmp_path: Path, study: Path) -> None:
    def sharper(one: Dataset, k: int) -> None:
        one.SeriesInstanceUID, one.SOPInstanceUID, one.SeriesNumber = "1.2.3.11", f"1.2.3.11.{k + 1}", 9
        one.ReconstructionMethod = "PSF+TOF"

    extra = {f"psf/{name}": data for name, data in files("PT", sharper).items()}
    take_inventory(study, [in_folder(tmp_path / "in", both() | extra)])
    assert [row.pet for row in scans(study)] == [PET_SERIES]
    assert "another reconstruction" in series(study)["1.2.3.11"].reason


def renamed_ct(uid: str, **tags: Any) -> dict[str, bytes]:
    def change(one: Dataset, k: int) -> None:
        one.SeriesInstanceUID, one.SOPInstanceUID = uid, f"{uid}.{k + 1}"
        for keyword, value in tags.items():
            setattr(one, keyword, value(k) if callable(value) else value)

    return {f"{uid}/{name}": data for name, data in files("CT", change).items()}


@pytest.mark.parametrize(
    "tags",
    [
        {"AcquisitionDate": "20241220", "StudyInstanceUID": "1.9"},  # a diagnostic CT of another day
        {"ImagePositionPatient": lambda k: [-30, -40, 500 + 4 * k]},  # of another place
        {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        {"FrameOfReferenceUID": "1.2.3.99", "AcquisitionTime": "105959"},
        {"StudyInstanceUID": "1.9", "AcquisitionTime": "105959"},
        {"AcquisitionTime": "103000"},  # of the same study, but longer before
    ],
)
def test_the_ct_that_belongs_to_the_pet_is_chosen(tmp_path: Path, study: Path, tags: dict[str, Any]) -> None:
    take_inventory(study, [in_folder(tmp_path / "in", both() | renamed_ct("1.2.3.19", **tags))])
    (row,) = scans(study)
    assert row.ct == CT_SERIES
    assert series(study)["1.2.3.19"].role == "left out"


def test_a_ct_of_another_study_and_frame_is_taken_by_day_and_extent(tmp_path: Path, study: Path) -> None:
    ct = renamed_ct("1.2.3.19", StudyInstanceUID="1.9", FrameOfReferenceUID="1.8")
    take_inventory(study, [in_folder(tmp_path / "in", files("PT") | ct)])
    (row,) = scans(study)
    assert row.ct == "1.2.3.19"
    assert "another study of the same participant and day, another frame of reference" in row.reason


def test_a_pet_without_ct_is_a_row_without_ct(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "in", files("PT"))])
    (row,) = scans(study)
    assert (row.ct, row.include) == ("n/a", "yes")
    take_inventory(study, [in_folder(tmp_path / "late", files("CT"))])
    assert [row.ct for row in scans(study)] == ["n/a"]
    assert findings(study) == {PET_SERIES: "ct-missing", CT_SERIES: "ct-came-later"}


def test_bad_files_are_one_finding_each_and_the_rest_goes_on(tmp_path: Path, study: Path) -> None:
    content = both()
    content["pt-03.dcm"] = content["pt-03.dcm"][:-40]
    content |= {"readme.txt": b"hello", "empty": b"", "DICOMDIR": b"x" * 400, "odd.zip": b"PK\x03\x04broken"}
    content["again/pt-07.dcm"] = content["pt-07.dcm"]
    take_inventory(study, [in_folder(tmp_path / "in", content)])
    assert findings(study) == {
        "in/pt-03.dcm": "file-truncated",
        "in/readme.txt": "not-dicom",
        "in/empty": "not-dicom",
        "in/odd.zip": "archive-unreadable",
        PET_SERIES: "instance-sent-twice",
    }
    (row,) = scans(study)
    assert len(index(study, row.pet)) == 10
    with pytest.raises(Refusal, match=r"1\.2\.3\.10\.3"):
        ingest_scan(index(study, row.pet), index(study, row.ct), settings=IngestSettings(), threads=1, scan="s")


def test_links_that_run_in_circles_do_not(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", both())
    (delivery / "loop").symlink_to(delivery, target_is_directory=True)
    (delivery / "gone.dcm").symlink_to(delivery / "nowhere.dcm")
    os.mkfifo(delivery / "pipe")
    take_inventory(study, [delivery])
    assert len(scans(study)) == 1
    assert findings(study) == {}


def test_a_file_whose_name_is_no_text_is_a_finding(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", both())
    Path(os.fsdecode(os.fsencode(delivery) + b"/b\xffd.dcm")).write_bytes(b"x")
    take_inventory(study, [delivery])
    assert findings(study) == {"in/b?d.dcm": "file-name-unreadable"}


def test_more_images_of_a_known_series_are_named_and_not_mixed_in(tmp_path: Path, study: Path) -> None:
    content = both()
    late = {name: content.pop(name) for name in ("ct-01.dcm", "ct-02.dcm")}
    take_inventory(study, [in_folder(tmp_path / "one", content)])
    take_inventory(study, [in_folder(tmp_path / "two", late)])
    assert len(index(study, CT_SERIES)) == 8
    assert findings(study) == {CT_SERIES: "series-grew"}


def test_ids_are_kept_on_request_as_letters_and_digits(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "in", both())], keep_ids=True)
    assert [row.participant for row in scans(study)] == ["TRIAL7"]


def test_ids_that_become_one_label_are_refused_and_nothing_is_written(tmp_path: Path, study: Path) -> None:
    in_folder(tmp_path / "in" / "a", both(visit("A-1", 3)))
    in_folder(tmp_path / "in" / "b", both(visit("a1", 4)))
    with pytest.raises(Refusal) as refusal:
        take_inventory(study, [tmp_path / "in"], keep_ids=True)
    assert refusal.value.code == "participant-labels-collide"
    assert not (study / "config").exists()


def test_without_patient_id_each_study_is_somebody(tmp_path: Path, study: Path) -> None:
    for number in (3, 4):
        in_folder(tmp_path / "in" / str(number), both(visit("A", number, PatientID="")))
    take_inventory(study, [tmp_path / "in"])
    assert [(row.participant, row.session) for row in scans(study)] == [("001", "baseline"), ("002", "baseline")]
    assert set(findings(study).values()) == {"patient-id-missing"}


def test_a_delivery_that_is_not_there_is_refused(tmp_path: Path, study: Path) -> None:
    with pytest.raises(Refusal) as refusal:
        take_inventory(study, [tmp_path / "nothing"])
    assert refusal.value.code == "delivery-missing"


def test_progress_is_told_for_every_file(tmp_path: Path, study: Path) -> None:
    told: list[tuple[int, int]] = []
    take_inventory(study, [in_folder(tmp_path / "in", both())], progress=lambda done, total: told.append((done, total)))
    assert told == [(n, 20) for n in range(1, 21)]
