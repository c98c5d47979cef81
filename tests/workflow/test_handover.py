"""What one stage writes, the next reads: the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from dicom_twin import files as dicom_files
from dicom_twin import in_folder, index, setting

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.results import Alignment, RegionOffset, Segmentation
from petproc.core.tables import IndexRow, Station
from petproc.core.volume import Labels
from petproc.ingest import ingest_scan
from petproc.io import write_labels, write_rows
from petproc.settings import IngestSettings
from petproc.workflow.handover.images import (
    read_acquisition,
    read_alignment,
    read_index,
    read_mask,
    read_overlays,
    read_pet,
    read_segmentation,
    write_alignment,
    write_ingested,
    write_overlays,
    write_segmentation,
)

OK = {"status": "ok", "refusal": None, "findings": []}
GRID = Grid((4, 3, 2), np.diag([-2.0, 2.0, 3.0, 1.0]))
STATION = Station("aorta", 0, "aortic_arch", -2.5, 1.0, 2.0, 3.0, 0.0, 0.0, 1.0, 14.0, None, 0.25)


def test_a_segmentation_comes_back_whole(tmp_path: Path) -> None:
    files = SimpleNamespace(
        labels=tmp_path / "dseg.nii.gz",
        label_names=tmp_path / "dseg.tsv",
        segmentation=tmp_path / "dseg.json",
        centrelines=tmp_path / "centrelines.tsv",
    )
    data = np.zeros(GRID.shape, np.uint8)
    data[1, 2, 0] = 2
    written = Segmentation(
        labels=Labels(data, GRID, {2: "aortic_arch", 5: "superior_vena_cava"}),
        stations=(STATION, replace(STATION, station=1, ring_score=0.5)),
        backend="classical",
        scores={"aortic_arch": {"path_cost": 1.5}},
        absent={"superior_vena_cava": "no vein was seen"},
        landmarks={"carina": (1.0, -2.0, 3.5)},
    )
    write_segmentation(files, written, OK)
    read = read_segmentation(files)
    np.testing.assert_array_equal(read.labels.data, data)
    assert read.labels.grid.matches(GRID)
    assert read.labels.names == written.labels.names
    assert replace(read, labels=written.labels) == written


@pytest.mark.parametrize("tags", [{}, {"Units": "GML", "PatientWeight": None}])
def test_a_pet_comes_back_in_the_unit_it_was_ingested_in(tmp_path: Path, tags: dict[str, Any]) -> None:
    in_folder(tmp_path, dicom_files("PT", setting(**tags)) | dicom_files("CT"))
    pet, ct = index(tmp_path, "PT"), index(tmp_path, "CT")
    written = ingest_scan(pet, ct, settings=IngestSettings(), threads=1, scan="a scan")
    names = {"pet": "pet.nii.gz", "pet_sidecar": "pet.json", "ct": "ct.nii.gz", "ct_sidecar": "ct.json"}
    files = SimpleNamespace(**{name: tmp_path / "raw" / file for name, file in names.items()})
    write_ingested(files, written, OK)
    read = read_pet(files)
    assert read.unit == written.pet.unit == ("g/mL" if tags else "Bq/mL")
    np.testing.assert_array_equal(read.data, written.pet.data)
    assert read_acquisition(files.pet_sidecar) == written.acquisition


def test_an_alignment_comes_back_whole(tmp_path: Path) -> None:
    files = SimpleNamespace(alignment=tmp_path / "align.json")
    regions = {
        "neck": RegionOffset((0.0, -5.0, 150.0), (3.5, 0.0, 1.0), 0.8),
        "abdomen": RegionOffset(reason="too little of it in view"),
    }
    moved = Alignment((0.5, -1.0, 2.0), (0.1, 0.0, -0.2), (1.0, 2.0, 3.0), 0.75, applied=True)
    written = replace(moved, rotation_uncertainty_deg=0.1, regions=regions)
    write_alignment(files, written, OK)
    assert read_alignment(files) == written


def test_overlays_come_back_byte_for_byte(tmp_path: Path) -> None:
    figures = {"axial": bytes(range(256)), "sagittal": b""}
    write_overlays(SimpleNamespace(overlays=tmp_path / "overlays.json"), figures, OK)
    assert read_overlays(tmp_path / "overlays.json") == figures


def test_a_series_without_an_index_is_refused_by_name(tmp_path: Path) -> None:
    write_rows(tmp_path / "1.2.tsv", [IndexRow("1.2.1", "a.dcm", None, 10)], IndexRow)
    assert [row.path for row in read_index([tmp_path / "1.2.tsv"], "PET", "1.2")] == ["a.dcm"]
    with pytest.raises(Refusal, match=r"PET series 1\.3 .* petproc inventory"):
        read_index([], "PET", "1.3")


def test_a_mask_that_is_not_there_is_refused_by_its_path() -> None:
    with pytest.raises(Refusal, match="masks/01_baseline"):
        read_mask(SimpleNamespace(mask=[]), GRID, {"aortic_arch": 2}, wanted="masks/01_baseline.nii.gz")


def test_structures_of_a_label_map_go_by_number_and_those_of_dicom_by_name(tmp_path: Path) -> None:
    data = np.zeros(GRID.shape, np.uint8)
    data[1, 1, 1] = 7
    write_labels(tmp_path / "mask.nii.gz", Labels(data, GRID, {}))
    files = SimpleNamespace(mask=[tmp_path / "mask.nii.gz"])
    read = read_mask(files, GRID, {"aortic_arch": 7}, wanted="")
    assert (read.labels.data == data).all()
    assert read.names == {"aortic_arch": 7}
    with pytest.raises(Refusal, match="calls its structures by name"):
        read_mask(files, GRID, {"aortic_arch": "Arch"}, wanted="")
    (tmp_path / "mask.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(Refusal, match="calls its structures by number"):
        read_mask(SimpleNamespace(mask=[tmp_path / "mask.dcm"]), GRID, {"aortic_arch": 7}, wanted="")
