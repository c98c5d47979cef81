"""What stands beside an image: PET-BIDS keys, and no text that the delivery could smuggle in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dicom_twin import CT_SERIES, PET_SERIES, Change, files, in_folder, index, setting

from petproc.core.results import Ingested
from petproc.ingest import ingest_scan
from petproc.settings import IngestSettings

KEY_OF = {
    "Manufacturer": "Manufacturer",
    "ManufacturerModelName": "ManufacturersModelName",
    "ReconstructionMethod": "ReconMethodName",
    "ConvolutionKernel": "ReconFilterType",
    "AttenuationCorrectionMethod": "AttenuationCorrection",
    "ScatterCorrectionMethod": "ScatterCorrectionMethod",
}
"""Tags whose words go into the sidecar, by the key under which they do."""


def ingest(folder: Path, pet: Change | None = None, ct: Change | None = None) -> Ingested:
    in_folder(folder, files("PT", pet) | files("CT", ct))
    return ingest_scan(index(folder, "PT"), index(folder, "CT"), settings=IngestSettings(), threads=1, scan="a scan")


def told(folder: Path, **tags: Any) -> dict[str, Any]:
    return dict(ingest(folder, setting(**tags)).pet_sidecar)


def test_times_are_seconds_after_the_injection(tmp_path: Path) -> None:
    sidecar = told(tmp_path)
    assert {key: sidecar[key] for key in ("TimeZero", "InjectionStart", "ScanStart", "FrameTimesStart")} == {
        "TimeZero": "10:00:00",
        "InjectionStart": 0.0,
        "ScanStart": 3600.0,
        "FrameTimesStart": [3600.0],
    }
    assert sidecar["FrameDuration"] == [180.0]
    assert sidecar["ImageDecayCorrectionTime"] == 3600.0


def test_a_fraction_of_a_second_is_in_the_numbers_as_time_zero_cannot_hold_it(tmp_path: Path) -> None:
    sidecar = told(tmp_path, RadiopharmaceuticalStartDateTime="20250101100000.250", RadiopharmaceuticalStartTime=None)
    assert (sidecar["TimeZero"], sidecar["InjectionStart"], sidecar["ScanStart"]) == ("10:00:00", 0.25, 3600.0)


def test_dose_tracer_and_unit_are_told(tmp_path: Path) -> None:
    sidecar = told(tmp_path)
    assert (sidecar["InjectedRadioactivity"], sidecar["InjectedRadioactivityUnits"]) == (350.0, "MBq")
    assert (sidecar["TracerName"], sidecar["TracerRadionuclide"], sidecar["Units"]) == ("FDG", "F18", "Bq/mL")


def test_without_an_injection_the_scan_is_time_zero_and_what_is_unknown_says_so(tmp_path: Path) -> None:
    missing = dict.fromkeys(
        ("RadiopharmaceuticalStartTime", "RadiopharmaceuticalStartDateTime", "RadionuclideTotalDose"), None
    )
    sidecar = told(tmp_path, **missing)
    assert (sidecar["TimeZero"], sidecar["ScanStart"]) == ("11:00:00", 0.0)
    assert (sidecar["InjectionStart"], sidecar["InjectedRadioactivity"]) == ("n/a", "n/a")


def test_an_suv_that_cannot_be_turned_back_is_carried_with_its_unit(tmp_path: Path) -> None:
    sidecar = told(tmp_path, Units="GML", RadionuclideTotalDose=None)
    assert sidecar["Units"] == "g/mL"


@pytest.mark.parametrize(
    ("method", "kernel", "numbers", "size"),
    [
        ("PSF+TOF 4i21s", "XYZ Gauss5.00", [4, 21], 5.0),
        ("OSEM3D 2i24s", "XYZGAUSSIAN3.50", [2, 24], 3.5),
        ("VPFX-S", "STANDARD", [], []),
        (None, None, [], []),
    ],
)
def test_iterations_and_filter_are_read_from_names_that_tell_them(
    tmp_path: Path, method: str | None, kernel: str | None, numbers: list[int], size: float | list[float]
) -> None:
    sidecar = told(
        tmp_path,
        **{
            name: value
            for name, value in (("ReconstructionMethod", method), ("ConvolutionKernel", kernel))
            if value is not None
        },
    )
    assert sidecar["ReconMethodParameterValues"] == numbers
    assert len(sidecar["ReconMethodParameterLabels"]) == len(sidecar["ReconMethodParameterUnits"]) == len(numbers)
    assert sidecar["ReconFilterSize"] == size
    assert (sidecar["ReconMethodName"], sidecar["ReconFilterType"]) == (method or "n/a", kernel or "n/a")


@pytest.mark.filterwarnings("ignore:The value length")
@pytest.mark.parametrize("tag", KEY_OF)
def test_words_of_the_delivery_are_one_line_of_64_printable_characters_at_most(tmp_path: Path, tag: str) -> None:
    smuggled = "A\x1b[31m\x00\nB\u202e " + "C" * 500
    tags = {"SpecificCharacterSet": "ISO_IR 192", tag: smuggled}
    done = ingest(tmp_path, setting(**tags), setting(**tags))
    assert done.pet_sidecar[KEY_OF[tag]].startswith("A [31m B ")
    for sidecar in (done.pet_sidecar, done.ct_sidecar):
        for text in _texts(sidecar):
            assert "C" * 65 not in text
            assert text.isprintable()


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for part in (*value, *value.values()) for text in _texts(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []


def test_the_derivation_card_every_slice_and_every_file_are_there(tmp_path: Path) -> None:
    done = ingest(tmp_path)
    for sidecar, series in ((done.pet_sidecar, PET_SERIES), (done.ct_sidecar, CT_SERIES)):
        ours = sidecar["petproc"]
        assert ours["series"] == series
        assert [entry["k"] for entry in ours["slices"]] == list(range(10))
        assert [entry["instance"] for entry in ours["slices"]] == [f"{series}.{10 - k}" for k in range(10)]
        assert all("frame" not in entry for entry in ours["slices"])
        assert {len(entry["sha256"]) for entry in ours["files"]} == {64}
    assert done.pet_sidecar["petproc"]["suv"]["status"] == "ok"
    json.dumps(done.pet_sidecar, allow_nan=False)


def test_a_correction_that_is_no_code_is_left_out(tmp_path: Path) -> None:
    sidecar = told(tmp_path, CorrectedImage=["NORM", "ATTN", "DECY", "corrected by j. doe"])
    assert sidecar["petproc"]["corrections"] == ["NORM", "ATTN", "DECY"]
