"""One SeriesInstanceUID with several acquisitions or reconstructions is several candidates; all else stays whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dicom_twin import CT_SERIES, PET_SERIES, SLICES, Change, files, in_folder
from inventory_twin import both, config, findings, index, put, query, scans, series, together
from pydicom.dataset import Dataset

from petproc.core.errors import Refusal
from petproc.ingest import ingest_scan
from petproc.ingest.inventory import take_inventory
from petproc.settings import IngestSettings

Tag = Callable[[int], Any]


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return tmp_path / "study"


def more(modality: str, **tags: Any) -> dict[str, bytes]:
    """Other images under the SeriesInstanceUID of the twin's own."""

    def change(one: Dataset, k: int) -> None:
        one.SOPInstanceUID = f"{one.SeriesInstanceUID}.77{k}"
        put(one, k, tags)

    return {f"more/{name}": data for name, data in files(modality, change).items()}


def changed(**tags: Any) -> Change:
    return lambda one, k: put(one, k, tags)


def pets(study: Path) -> dict[str, str]:
    return {name: row.role for name, row in series(study).items() if row.modality == "PT"}


@pytest.mark.parametrize(
    "tags",
    [
        {"CorrectedImage": ["NORM", "DECY"]},
        {"Units": "PROPCNTS"},
        {"ConvolutionKernel": "XYZGAUSS"},
        {"ReconstructionMethod": "PSF+TOF 3i21s"},
        {"PixelSpacing": [2.5, 3.5]},
        {"ImageType": ["DERIVED", "PRIMARY", "AXIAL"]},
    ],
)
def test_images_made_differently_are_two_candidates(tmp_path: Path, study: Path, tags: dict[str, Any]) -> None:
    take_inventory(study, [in_folder(tmp_path / "in", both() | more("PT", **tags))])
    assert set(pets(study)) == {f"{PET_SERIES}_1", f"{PET_SERIES}_2"}
    assert sorted(pets(study).values()) == ["left out", "pet"]
    assert [len(index(study, name)) for name in pets(study)] == [SLICES, SLICES]
    told = query(study, "series-split")
    assert (told.subject, told.severity) == (PET_SERIES, "info")
    assert next(iter(tags)).replace("PixelSpacing", "pixel spacing").replace("ImageType", "image type") in told.question


def test_the_corrected_part_is_measured(tmp_path: Path, study: Path) -> None:
    nac = more("PT", CorrectedImage=["NORM", "DECY"])
    take_inventory(study, [in_folder(tmp_path / "in", both() | nac)])
    (row,) = scans(study)
    done = ingest_scan(index(study, row.pet), index(study, row.ct), settings=IngestSettings(), threads=1, scan="s")
    assert done.pet.data[3, 5, 7] == 0.75 * 753
    assert not any(entry.instance.startswith(f"{PET_SERIES}.77") for entry in index(study, row.pet))


def test_a_scout_in_the_series_of_the_ct_is_left_out(tmp_path: Path, study: Path) -> None:
    scout = files("CT", changed(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], SOPInstanceUID="1.2.3.20.77"), 1)
    take_inventory(study, [in_folder(tmp_path / "in", together(both(), scout))])
    (row,) = scans(study)
    assert len(index(study, row.ct)) == SLICES
    assert [one.reason for one in series(study).values() if one.instances == 1] == ["localiser"]


def test_names_of_parts_do_not_depend_on_the_order_of_files(tmp_path: Path) -> None:
    content = both() | more("PT", Units="PROPCNTS") | more("CT", ConvolutionKernel="LUNG")
    tables = []
    for order in (1, -1):
        names = sorted(content)[::order]
        delivery = in_folder(tmp_path / f"in{order}", {f"{n:03d}": content[name] for n, name in enumerate(names)})
        take_inventory(tmp_path / f"study{order}", [delivery])
        tables.append({Path(name).name: data for name, data in config(tmp_path / f"study{order}").items()})
    instances = [{name: data.count(b"\n") for name, data in table.items()} for table in tables]
    assert instances[0] == instances[1]
    assert [tables[0][name] == tables[1][name] for name in ("scans.tsv", "series.tsv")] == [True, True]


def test_two_passes_over_one_place_are_told_apart_by_their_number(tmp_path: Path, study: Path) -> None:
    content = both(ct=changed(AcquisitionNumber=1)) | more("CT", AcquisitionNumber=2)
    take_inventory(study, [in_folder(tmp_path / "in", content)])
    assert {f"{CT_SERIES}_1", f"{CT_SERIES}_2"} < set(series(study))
    assert "(number)" in query(study, "series-split").question


def test_two_passes_over_one_place_are_told_apart_by_their_time(tmp_path: Path, study: Path) -> None:
    bed: Tag = lambda k: f"11{3 * (k // 5):02d}00"  # noqa: E731
    later: Tag = lambda k: f"12{3 * (k // 5):02d}00"  # noqa: E731
    content = both(changed(AcquisitionTime=bed), ct=None) | more("PT", AcquisitionTime=later, SeriesTime="120000")
    take_inventory(study, [in_folder(tmp_path / "in", content)])
    assert pets(study) == {f"{PET_SERIES}_1": "pet", f"{PET_SERIES}_2": "pet"}
    assert [row.session for row in scans(study)] == ["baseline", "baselinerepeat"]
    assert "(time)" in query(study, "series-split").question


@pytest.mark.parametrize(
    "tags",
    [
        {"AcquisitionNumber": lambda k: k // 5 + 1},
        {"AcquisitionNumber": lambda k: k + 1},
        {"AcquisitionTime": lambda k: f"11{3 * (k // 5):02d}00"},
        {"ImageType": lambda k: ["ORIGINAL", "PRIMARY", f"BED{k // 5}"]},
        {"CorrectedImage": lambda k: ["ATTN", "DECY", "NORM"][:: 1 if k % 2 else -1]},
        {"PixelSpacing": lambda k: ["2.0", "3.0"] if k % 2 else ["2.0001", "3"]},
    ],
)
def test_what_differs_from_bed_to_bed_splits_nothing(tmp_path: Path, study: Path, tags: dict[str, Any]) -> None:
    take_inventory(study, [in_folder(tmp_path / "in", both(changed(**tags)))])
    assert set(series(study)) == {PET_SERIES, CT_SERIES}
    assert "series-split" not in findings(study).values()


def test_beds_that_overlap_are_not_taken_for_two_acquisitions(tmp_path: Path, study: Path) -> None:
    """Ten slices each, of which four lie at the same places: ingest has to name them, not lose them."""
    upper: Tag = lambda k: [-30.0, -40.0, 4.0 * (k + 6)]  # noqa: E731
    second = more("PT", AcquisitionNumber=2, AcquisitionTime="110300", ImagePositionPatient=upper)
    take_inventory(study, [in_folder(tmp_path / "in", both(changed(AcquisitionNumber=1)) | second)])
    assert pets(study) == {PET_SERIES: "pet"}
    (row,) = scans(study)
    with pytest.raises(Refusal) as refusal:
        ingest_scan(index(study, row.pet), index(study, row.ct), settings=IngestSettings(), threads=1, scan="s")
    assert refusal.value.code == "duplicate-slices"


def test_frames_of_a_dynamic_pet_stay_together(tmp_path: Path, study: Path) -> None:
    frames = {"SeriesType": ["DYNAMIC", "IMAGE"], "NumberOfTimeSlices": 2}
    later = more("PT", **frames, AcquisitionTime="110300", FrameReferenceTime="269715")
    take_inventory(study, [in_folder(tmp_path / "in", both(changed(**frames), ct=changed()) | later)])
    assert pets(study) == {PET_SERIES: "pet"}
    assert series(study)[PET_SERIES].instances == 2 * SLICES


def test_a_turned_slice_is_left_in_for_ingest_to_name(tmp_path: Path, study: Path) -> None:
    turned: Tag = lambda k: [1, 0, 0, 0, 0, 1] if k == 4 else [1, 0, 0, 0, 1, 0]  # noqa: E731
    take_inventory(study, [in_folder(tmp_path / "in", both(changed(ImageOrientationPatient=turned), ct=changed()))])
    assert len(index(study, PET_SERIES)) == SLICES
    assert query(study, "mixed-orientation").severity == "refusal"


def test_a_delivery_taken_again_gives_its_parts_the_same_names(tmp_path: Path, study: Path) -> None:
    delivery = in_folder(tmp_path / "in", both() | more("PT", Units="PROPCNTS"))
    take_inventory(study, [delivery])
    before = config(study)
    take_inventory(study, [delivery])
    assert config(study) == before


def test_a_part_that_comes_later_gets_a_name_of_its_own(tmp_path: Path, study: Path) -> None:
    take_inventory(study, [in_folder(tmp_path / "one", both())])
    take_inventory(study, [in_folder(tmp_path / "two", both() | more("PT", Units="PROPCNTS"))])
    assert pets(study) == {PET_SERIES: "pet", f"{PET_SERIES}_1": "left out"}
    assert len(index(study, PET_SERIES)) == SLICES
