"""A trial on disk: the delivery's tags, the planted changes, the same bytes from the same seed."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pydicom
import pytest

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import LABEL_NAMES
from petproc.io import read_labels, read_rows
from petproc.phantom import PhantomGrid, write_trial
from petproc.phantom.trial import _arms
from petproc.phantom.truth import TrueChangeRow, TruthRow
from petproc.reference import coverage_of_labels

SMALL = PhantomGrid((84, 84, 48), (5.0, 5.0, 4.0), (96, 96, 52), (4.8, 4.8, 3.6), 80.0, 3.0)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Siemens and GE, -20 and +5 %, without noise."""
    out = tmp_path_factory.mktemp("trial")
    write_trial(out, participants=2, effect=0.0, seed=4, changes=[-0.20, 0.05], noise=0.0, grid=SMALL, threads=1)
    return out


def read(folder: Path) -> list[pydicom.Dataset]:
    """Slices of a series from below upwards."""
    return sorted(map(pydicom.dcmread, folder.glob("*.dcm")), key=lambda one: one.ImagePositionPatient[2])


def activity(slices: list[pydicom.Dataset]) -> np.ndarray:
    planes = [one.pixel_array.T * float(one.RescaleSlope) for one in slices]
    return np.stack(planes, axis=2)


def t_ref_of_decay_factor(one: pydicom.Dataset) -> datetime:
    """Solved for by hand: DF = lambda T / (1 - exp(-lambda T)) * exp(lambda (t_acq - t_ref))."""
    injection = one.RadiopharmaceuticalInformationSequence[0]
    decay = math.log(2) / float(injection.RadionuclideHalfLife)
    length = int(one.ActualFrameDuration) / 1000
    during = decay * length / (1 - math.exp(-decay * length))
    waited = math.log(float(one.DecayFactor) / during) / decay
    return clock(one.AcquisitionDate, one.AcquisitionTime) - timedelta(seconds=waited)


def clock(day: str, time: str) -> datetime:
    return datetime.strptime(day + time.split(".")[0], "%Y%m%d%H%M%S")


@pytest.mark.parametrize(("participant", "planted"), [("P001", -20.0), ("P002", 5.0)])
def test_the_planted_change_is_what_the_reference_measures(trial: Path, participant: str, planted: float):
    rows = read_rows(trial / "truth/change.tsv", TrueChangeRow)
    index = [row for row in rows if row.participant == participant and row.index_vessel]
    assert len(index) == 1
    assert index[0].percent_change == pytest.approx(planted, abs=1e-4)
    assert index[0].change == pytest.approx(index[0].follow_up - index[0].baseline)


@pytest.mark.parametrize(("participant", "planted"), [("P001", -20.0), ("P002", 5.0)])
def test_the_planted_change_is_in_the_delivered_files(trial: Path, participant: str, planted: float):
    """Measured once more in ten lines, from the DICOM files and the label images alone."""
    found = []
    for session in ("baseline", "followup"):
        slices = read(trial / "dicom" / participant / session / "PET")
        first, last = slices[0].ImagePositionPatient, slices[-1].ImagePositionPatient
        affine = np.diag([-4.8, -4.8, (last[2] - first[2]) / 51, 1.0])
        affine[:3, 3] = -first[0], -first[1], first[2]
        pet, grid = activity(slices), Grid((96, 96, 52), affine)
        labels = read_labels(trial / f"truth/masks/{participant}_{session}.nii.gz", LABEL_NAMES)
        blood = pet[coverage_of_labels(labels, "superior_vena_cava", grid, lattice=4) >= 0.99].mean()
        inside = coverage_of_labels(labels, "ascending_aorta", grid, lattice=4) >= 0.5
        maxima = [pet[:, :, k][inside[:, :, k]].max() for k in range(52) if inside[:, :, k].sum() >= 16]
        found.append(np.mean(maxima) / blood)
    assert 100 * (found[1] / found[0] - 1) == pytest.approx(planted, abs=2.0)


@pytest.mark.parametrize("participant", ["P001", "P002"])
def test_decay_times_are_consistent_in_both_dialects(trial: Path, participant: str):
    for one in read(trial / "dicom" / participant / "baseline" / "PET"):
        series = clock(one.SeriesDate, one.SeriesTime)
        assert abs((t_ref_of_decay_factor(one) - series).total_seconds()) < 0.2
        assert one.DecayCorrection == "START"
        assert one.Units == "BQML"
        assert {"ATTN", "DECY", "SCAT", "NORM", "RAN", "DTIM"} == set(one.CorrectedImage)


def test_siemens_and_ge_write_times_in_their_own_way(trial: Path):
    siemens, ge = (read(trial / "dicom" / name / "baseline" / "PET") for name in ("P001", "P002"))
    start, later = ge[0], ge[-1]
    assert (float(start.FrameReferenceTime), float(later.FrameReferenceTime)) == (0.0, 302000.0)
    assert start[0x0009, 0x0010].value == "GEMS_PETD_01"
    assert str(start[0x0009, 0x100D].value).startswith(start.SeriesDate + start.SeriesTime)
    assert "RadiopharmaceuticalStartDateTime" not in start.RadiopharmaceuticalInformationSequence[0]
    mean_count = 240_000 / 2 * (1 - math.log(2) / 6586.2 * 240 / 12)
    assert float(siemens[0].FrameReferenceTime) == pytest.approx(mean_count, rel=1e-3)
    injection = siemens[0].RadiopharmaceuticalInformationSequence[0]
    assert injection.RadiopharmaceuticalStartDateTime[8:14] == injection.RadiopharmaceuticalStartTime[:6]


def test_slopes_differ_between_slices_and_no_slice_loses_precision(trial: Path):
    slices = read(trial / "dicom/P001/baseline/PET")
    assert len({str(one.RescaleSlope) for one in slices}) == len(slices)
    assert all(one.pixel_array.max() == 32767 for one in slices)


def test_suv_of_blood_follows_from_the_tags(trial: Path):
    """SUV = activity x weight / dose decayed to SeriesTime; the truth says what the blood pool reads."""
    scan = json.loads((trial / "truth/truth.json").read_text())["participants"][0]["scans"][0]
    rows = read_rows(trial / "truth/truth.tsv", TruthRow)
    one = next(row for row in rows if (row.participant, row.session) == ("P001", "baseline") and row.counts)
    header = read(trial / "dicom/P001/baseline/PET")[0]
    injection = header.RadiopharmaceuticalInformationSequence[0]
    waited = clock(header.SeriesDate, header.SeriesTime) - clock(
        header.SeriesDate, injection.RadiopharmaceuticalStartTime
    )
    dose = float(injection.RadionuclideTotalDose) * 0.5 ** (
        waited.total_seconds() / float(injection.RadionuclideHalfLife)
    )
    suv = one.blood_bq_ml * float(header.PatientWeight) * 1000 / dose
    assert suv == pytest.approx(scan["true_blood_suv"], rel=0.02)
    assert scan["perfect_reader_blood_suv"] == pytest.approx(scan["true_blood_suv"], rel=0.06)


def test_visits_differ_in_weight_dose_time_and_place_but_not_in_scanner(trial: Path):
    before, after = (read(trial / "dicom/P002" / session / "PET")[0] for session in ("baseline", "followup"))
    scans = json.loads((trial / "truth/truth.json").read_text())["participants"][1]["scans"]
    days = (clock(after.SeriesDate, "000000") - clock(before.SeriesDate, "000000")).days
    assert 60 < days < 80
    assert 0 < abs(float(before.PatientWeight) - float(after.PatientWeight)) <= 2
    assert before.PatientBirthDate == after.PatientBirthDate
    assert before.ManufacturerModelName == after.ManufacturerModelName
    for name in ("dose_bq", "uptake_min_first_bed", "roll_deg", "translation_mm"):
        assert scans[0][name] != scans[1][name]


def test_identifiers_are_valid_and_belong_together(trial: Path):
    scans = [folder for folder in (trial / "dicom").glob("*/*") if folder.is_dir()]
    assert len(scans) == 4
    seen: set[str] = set()
    for scan in scans:
        ct, pet, scout = (read(scan / name) for name in ("CT", "PET", "SCOUT"))
        assert {one.StudyInstanceUID for one in (*ct, *pet, *scout)} == {ct[0].StudyInstanceUID}
        assert {one.FrameOfReferenceUID for one in (*ct, *pet)} == {ct[0].FrameOfReferenceUID}
        assert len({ct[0].SeriesInstanceUID, pet[0].SeriesInstanceUID, scout[0].SeriesInstanceUID}) == 3
        seen |= {one.SOPInstanceUID for one in (*ct, *pet, *scout)}
        assert pet[0].PatientID == scan.parent.name
        assert str(pet[0].PatientName) == f"PHANTOM^{scan.parent.name}"
    assert len(seen) == 4 * (48 + 52 + 1)
    assert all(pydicom.uid.UID(one).is_valid for one in seen)


def test_truth_lies_outside_of_the_delivery(trial: Path):
    assert sorted(path.name for path in trial.iterdir()) == ["dicom", "reader", "truth"]
    assert {path.suffix for path in (trial / "dicom").rglob("*") if path.is_file()} == {".dcm"}


def digest(out: Path) -> dict[str, str]:
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_threads(trial: Path, tmp_path: Path):
    write_trial(tmp_path, participants=2, effect=0.0, seed=4, changes=[-0.20, 0.05], noise=0.0, grid=SMALL, threads=2)
    assert digest(tmp_path) == digest(trial)


def test_the_effect_is_the_active_arms_mean_and_grows_with_baseline():
    arms = _arms(21, -0.08, 3)
    active = [change for arm, change in arms if arm == "active"]
    assert len(active) == 11
    assert np.mean(active) == pytest.approx(-0.08)
    assert min(active) < -0.085 < -0.075 < max(active)
    assert {change for arm, change in arms if arm == "control"} == {0.0}


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path):
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "mine.txt").write_text("keep me")
    with pytest.raises(Refusal, match="folder-not-empty"):
        write_trial(tmp_path, participants=1, effect=0.0, seed=1, grid=SMALL)
    assert (tmp_path / "dicom" / "mine.txt").exists()


def test_changes_and_participants_must_match(tmp_path: Path):
    with pytest.raises(Refusal, match="one change for every participant"):
        write_trial(tmp_path, participants=2, effect=0.0, seed=1, changes=[0.1])
