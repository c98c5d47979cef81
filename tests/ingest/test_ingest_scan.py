"""A PET/CT becomes activity and HU with everything that SUV needs, or is refused with a code."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_twin import Change, dataset, encoded, files, in_folder, index, setting
from pydicom.dataset import Dataset

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Refusal
from petproc.core.results import Ingested
from petproc.core.suv import suv_per_activity
from petproc.ingest import ingest_scan
from petproc.settings import IngestSettings

ELEVEN = datetime(2025, 1, 1, 11, tzinfo=UTC)
TEN = datetime(2025, 1, 1, 10, tzinfo=UTC)


def ingest(folder: Path, pet: Change | None = None, ct: Change | None = None, threads: int = 2) -> Ingested:
    in_folder(folder, files("PT", pet) | files("CT", ct))
    return ingest_scan(
        index(folder, "PT"), index(folder, "CT"), settings=IngestSettings(), threads=threads, scan="sub-01_ses-baseline"
    )


def refused(folder: Path, pet: Change | None = None, ct: Change | None = None) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        ingest(folder, pet, ct)
    assert refusal.value.scan == "sub-01_ses-baseline"
    assert refusal.value.remedy
    assert str(folder) not in str(refusal.value)
    return refusal.value


def codes(ingested: Ingested) -> set[str]:
    return {finding.code for finding in ingested.findings}


def test_a_plain_scan_has_activity_and_hu_and_no_findings(tmp_path: Path) -> None:
    done = ingest(tmp_path)
    assert (done.pet.unit, done.ct.unit) == ("Bq/mL", "HU")
    assert done.pet.data[3, 5, 7] == 0.75 * 753
    assert done.ct.data[3, 5, 7] == 753 - 500 - 1024
    assert done.findings == ()


def test_the_suv_factor_is_weight_over_the_dose_left_at_the_reference(tmp_path: Path) -> None:
    done = ingest(tmp_path)
    dose_left = 350e6 * 2 ** (-3600 / 6586.2)
    assert done.acquisition.decay_reference_time == ELEVEN
    assert suv_per_activity(done.acquisition) == pytest.approx(70_000 / dose_left, rel=1e-12)
    assert done.acquisition.uptake_min(0) == 60.0


def test_decay_correction_to_the_injection_needs_no_decay(tmp_path: Path) -> None:
    done = ingest(tmp_path, setting(DecayCorrection="ADMIN"))
    assert done.acquisition.decay_reference_time == TEN
    assert suv_per_activity(done.acquisition) == pytest.approx(70_000 / 350e6, rel=1e-12)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"RadiopharmaceuticalStartTime": None}, TEN),
        ({"RadiopharmaceuticalStartDateTime": None}, TEN),
        ({"RadiopharmaceuticalStartDateTime": "20250101100000+0100"}, TEN),
        ({"RadiopharmaceuticalStartDateTime": "20250101100000.250"}, TEN.replace(microsecond=250000)),
    ],
)
def test_the_injection_is_told_by_date_and_time_or_by_time_alone(
    tmp_path: Path, tags: dict[str, Any], expected: datetime
) -> None:
    assert ingest(tmp_path, setting(**tags)).acquisition.injection_time == expected


def test_an_injection_before_midnight_is_of_the_day_before(tmp_path: Path) -> None:
    late = setting(
        SeriesTime="003000",
        AcquisitionTime="003000",
        RadiopharmaceuticalStartTime="233000",
        RadiopharmaceuticalStartDateTime=None,
    )
    done = ingest(tmp_path, late, setting(AcquisitionTime="002500"))
    assert done.acquisition.injection_time == datetime(2024, 12, 31, 23, 30, tzinfo=UTC)
    assert done.acquisition.uptake_min(0) == 60.0


def test_a_time_zone_cancels(tmp_path: Path) -> None:
    done = ingest(tmp_path, setting(TimezoneOffsetFromUTC="-0330"))
    assert done.acquisition.uptake_min(0) == 60.0
    assert done.acquisition.injection_time == datetime(2025, 1, 1, 13, 30, tzinfo=UTC)


def test_beds_keep_their_own_times(tmp_path: Path) -> None:
    def two_beds(one: Dataset, k: int) -> None:
        if k < 4:
            one.AcquisitionTime, one.FrameReferenceTime = "110302", str(89715 + 182000)

    done = ingest(tmp_path, two_beds)
    assert done.acquisition.uptake_min(3) == pytest.approx(60 + 182 / 60)
    assert done.acquisition.uptake_min(4) == 60.0
    assert done.acquisition.decay_reference_time == ELEVEN


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ("not-attenuation-corrected", {"CorrectedImage": ["NORM", "DECY"]}),
        ("not-attenuation-corrected", {"AttenuationCorrectionMethod": "NONE"}),
        ("units-not-supported", {"Units": "CNTS"}),
        ("units-not-supported", {"Units": "PROPCNTS"}),
        ("decay-correction-not-supported", {"DecayCorrection": "YES"}),
        ("decay-correction-contradicted", {"DecayCorrection": "NONE"}),
        ("decay-correction-contradicted", {"CorrectedImage": ["ATTN", "NORM"]}),
        ("nuclide-contradicts-half-life", {"RadionuclideHalfLife": "4062"}),
        ("half-life-unknown", {"RadionuclideHalfLife": "5000", "RadionuclideCodeSequence": []}),
        ("tag-missing", {"ActualFrameDuration": None}),
        ("tag-missing", {"AcquisitionTime": None}),
        ("tag-missing", {"ActualFrameDuration": "1e200"}),
        ("tag-missing", {"RadiopharmaceuticalInformationSequence": []}),
        ("reference-time-disagrees", {"SeriesTime": "103000"}),
        ("wrong-modality", {"Modality": "CT"}),
    ],
)
def test_what_cannot_be_activity_is_refused(tmp_path: Path, code: str, tags: dict[str, Any]) -> None:
    def change(one: Dataset, k: int) -> None:
        sequences = {name: tags[name] for name in tags if name.endswith("Sequence") and "Code" not in name}
        setting(**{name: value for name, value in tags.items() if name not in sequences})(one, k)
        for name, value in sequences.items():
            setattr(one, name, value)

    assert refused(tmp_path, change).code == code


@pytest.mark.parametrize("tags", [{"RadionuclideTotalDose": "300000000"}, {"PatientWeight": "80"}, {"Units": "GML"}])
def test_slices_that_contradict_each_other_are_refused(tmp_path: Path, tags: dict[str, Any]) -> None:
    change = setting(**tags)
    refusal = refused(tmp_path, lambda one, k: change(one, k) if k == 6 else None)
    assert refusal.code == "mixed-series"


@pytest.mark.parametrize(
    ("code", "tags", "missing"),
    [
        ("weight-unusable", {"PatientWeight": "0"}, "PatientWeight"),
        ("weight-unusable", {"PatientWeight": None}, "PatientWeight"),
        ("weight-unusable", {"PatientWeight": "7000"}, "PatientWeight"),
        ("dose-missing", {"RadionuclideTotalDose": "0"}, "RadionuclideTotalDose"),
        ("dose-implausible", {"RadionuclideTotalDose": "3.5e14"}, "RadionuclideTotalDose"),
        (
            "injection-time-missing",
            {"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": None},
            "StartDateTime",
        ),
        ("injection-time-disagrees", {"RadiopharmaceuticalStartTime": "093000"}, "StartDateTime"),
        (
            "injection-time-implausible",
            {"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": "110100"},
            "StartTime",
        ),
    ],
)
def test_without_weight_dose_or_injection_there_are_images_and_no_suv(
    tmp_path: Path, code: str, tags: dict[str, Any], missing: str
) -> None:
    done = ingest(tmp_path, setting(**tags))
    assert codes(done) == {code}
    with pytest.raises(Refusal, match=missing) as refusal:
        suv_per_activity(done.acquisition)
    assert refusal.value.code == code
    assert "config/worksheet.tsv" in refusal.value.remedy


def test_a_half_life_that_is_off_is_replaced_by_the_nuclides(tmp_path: Path) -> None:
    done = ingest(tmp_path, setting(RadionuclideHalfLife="6500"))
    assert done.acquisition.half_life_s == 6586.2
    assert codes(done) == {"half-life-replaced"}
    assert ingest(tmp_path, setting(RadionuclideHalfLife="6588")).acquisition.half_life_s == 6588


def test_another_nuclide_than_the_tracers_is_a_finding(tmp_path: Path) -> None:
    def gallium(one: Dataset, k: int) -> None:
        given = one.RadiopharmaceuticalInformationSequence[0]
        given.RadionuclideHalfLife = "4057.7"
        given.RadionuclideCodeSequence[0].CodeMeaning = "^68^Gallium"
        one.FrameReferenceTime = str(round(1000 * 180 / 2 - 1000 * math.log(2) / 4057.7 * 180**2 / 24))
        assert k >= 0

    done = ingest(tmp_path, gallium)
    assert done.acquisition.radionuclide == "Ga68"
    assert codes(done) == {"nuclide-unexpected"}


def test_ge_private_scan_time_is_found_in_whatever_block_it_is(tmp_path: Path) -> None:
    def private(one: Dataset, k: int) -> None:
        one.Manufacturer, one.SeriesTime = "GE MEDICAL SYSTEMS", "114500"
        one.add_new(0x00090010, "LO", "SOMEBODY ELSE")
        one.add_new(0x0009100D, "DT", "19990101000000")
        one.add_new(0x00090023, "LO", "GEMS_PETD_01")
        one.add_new(0x0009230D, "DT", "20250101105955")
        assert k >= 0

    done = ingest(tmp_path, private)
    assert done.acquisition.decay_reference_time == datetime(2025, 1, 1, 10, 59, 55, tzinfo=UTC)
    told = done.pet_sidecar["petproc"]["reference_time"]
    assert [entry["source"] for entry in told["candidates"] if entry["admissible"]] == [
        "vendor",
        "frame_reference_mean",
        "frame_reference_start",
    ]


def test_different_frames_of_reference_are_accepted_with_a_finding(tmp_path: Path) -> None:
    done = ingest(tmp_path, ct=setting(FrameOfReferenceUID="1.2.3.99", StudyInstanceUID="1.2.3.98"))
    (finding,) = done.findings
    assert finding.code == "frames-of-reference-differ"
    assert "5 min apart" in finding.message


def test_a_ct_of_another_place_is_refused(tmp_path: Path) -> None:
    def far(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = [-30, -40, 4 * k + 20]

    refusal = refused(tmp_path, ct=far)
    assert refusal.code == "ct-does-not-overlap-pet"
    assert "share 16 mm" in refusal.reason


def test_a_ct_of_half_the_body_is_a_finding(tmp_path: Path) -> None:
    def shifted(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = [-30, -40, 4 * k + 12]

    assert codes(ingest(tmp_path, ct=shifted)) == {"ct-covers-part-of-pet"}


def test_a_ct_of_another_person_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, ct=setting(PatientID="TRIAL-8")).code == "participants-differ"


def test_no_ct_is_refused(tmp_path: Path) -> None:
    in_folder(tmp_path, files("PT"))
    with pytest.raises(Refusal) as refusal:
        ingest_scan(index(tmp_path, "PT"), [], settings=IngestSettings(), threads=1, scan="s")
    assert refusal.value.code == "ct-missing"


def test_a_truncated_file_is_refused_by_its_instance(tmp_path: Path) -> None:
    in_folder(tmp_path, files("PT") | files("CT"))
    broken = tmp_path / "ct-04.dcm"
    broken.write_bytes(broken.read_bytes()[:-100])
    with pytest.raises(Refusal, match=r"CT: .*1\.2\.3\.20\.4\).*ends before its pixels") as refusal:
        ingest_scan(index(tmp_path, "PT"), index(tmp_path, "CT"), settings=IngestSettings(), threads=2, scan="s")
    assert refusal.value.code == "files-unreadable"


def test_the_order_of_files_and_the_threads_change_nothing(tmp_path: Path) -> None:
    one = ingest(tmp_path, threads=1)
    pet, ct = index(tmp_path, "PT"), index(tmp_path, "CT")
    other = ingest_scan(pet[::-1], ct[5:] + ct[:5], settings=IngestSettings(), threads=3, scan="s")
    assert np.array_equal(one.pet.data, other.pet.data)
    assert np.array_equal(one.ct.data, other.ct.data)
    assert json.dumps(one.pet_sidecar) == json.dumps(other.pet_sidecar)
    assert json.dumps(one.ct_sidecar) == json.dumps(other.ct_sidecar)


def test_the_sidecar_tells_all_and_names_nobody(tmp_path: Path) -> None:
    def signed(one: Dataset, k: int) -> None:
        one.OperatorsName, one.AccessionNumber, one.SeriesDescription = "Secret^Op", "SECRETACC", "Secret series"
        one.StationName = "SECRETSTATION"
        assert k >= 0

    done = ingest(tmp_path, signed, signed)
    pet, ct = dict(done.pet_sidecar), dict(done.ct_sidecar)
    text = json.dumps(pet, allow_nan=False) + json.dumps(ct, allow_nan=False)
    for secret in ("secret", "trial-7", "19500101", str(tmp_path).lower()):
        assert secret not in text.lower()
    assert PetAcquisition.from_json(pet["petproc"]["acquisition"]) == done.acquisition
    assert (pet["TimeZero"], pet["ScanStart"], pet["ImageDecayCorrectionTime"]) == ("10:00:00", 3600.0, 3600.0)
    assert (pet["InjectedRadioactivity"], pet["InjectedRadioactivityUnits"]) == (350.0, "MBq")
    assert pet["FrameDuration"] == [180.0]
    assert pet["petproc"]["slices"][9] == {
        "k": 9,
        "instance": "1.2.3.10.1",
        "acquisition_time": "2025-01-01T11:00:00+00:00",
        "position_mm": 36.0,
    }
    assert len(pet["petproc"]["files"]) == len(ct["petproc"]["files"]) == 10
    assert len(pet["petproc"]["files"][0]["sha256"]) == 64
    assert (ct["KVP"], ct["ConvolutionKernel"], ct["SliceThickness"]) == (120.0, "STANDARD", 4.0)


def test_the_unused_files_of_a_folder_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "other.dcm").write_bytes(encoded(dataset("CT", 3))[:500])
    assert ingest(tmp_path).findings == ()
