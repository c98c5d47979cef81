"""A PET/CT in two multi-frame files gives what its classic files give; made by highdicom from them."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_twin import SLICES, dataset, encoded, files, in_folder, index, stored
from highdicom.legacy import LegacyConvertedEnhancedCTImage, LegacyConvertedEnhancedPETImage
from pydicom.dataset import Dataset

from petproc.core.errors import Refusal
from petproc.core.results import Ingested
from petproc.core.tables import IndexRow
from petproc.dicom.series import read_series
from petproc.ingest import ingest_scan
from petproc.settings import IngestSettings

UID = {"PT": "1.2.3.77.1", "CT": "1.2.3.78.1"}


def twin(modality: str, change=None) -> list[Dataset]:
    """The twin's slices, from above."""
    slices = []
    for k in reversed(range(SLICES)):
        one = dataset(modality, k)
        one.StudyID, one.AccessionNumber, one.ReferringPhysicianName, one.SeriesNumber = "1", "", "", 1
        if change:
            change(one, k)
        slices.append(one)
    return slices


def converted(folder: Path, modality: str, slices: list[Dataset], order: Sequence[int] | None = None) -> list[IndexRow]:
    """The slices as one legacy converted enhanced file, in the order of their numbers or in `order`."""
    kind = LegacyConvertedEnhancedPETImage if modality == "PT" else LegacyConvertedEnhancedCTImage
    logging.disable(logging.WARNING)  # it misses a SliceThickness in the PET
    classic = [pydicom.dcmread(io.BytesIO(encoded(one))) for one in slices]
    whole = kind(classic, UID[modality].rsplit(".", 1)[0], 1, UID[modality], 1)
    logging.disable(logging.NOTSET)
    if order:
        whole.PixelData = np.stack([whole.pixel_array[n - 1] for n in order]).tobytes()
        groups = whole.PerFrameFunctionalGroupsSequence
        whole.PerFrameFunctionalGroupsSequence = [groups[n - 1] for n in order]
    path = folder / f"{modality}.dcm"
    whole.save_as(path)
    return [IndexRow(UID[modality], str(path), None, path.stat().st_size)]


def ingest(pet: list[IndexRow], ct: list[IndexRow]) -> Ingested:
    return ingest_scan(pet, ct, settings=IngestSettings(), threads=2, scan="s")


ORDER = (7, 1, 10, 9, 8, 2, 3, 4, 5, 6)


@pytest.mark.parametrize("order", [None, ORDER])
def test_a_multi_frame_pet_ct_is_that_of_its_classic_files(tmp_path: Path, order) -> None:
    in_folder(tmp_path, files("PT") | files("CT"))
    classic = ingest(index(tmp_path, "PT"), index(tmp_path, "CT"))
    done = ingest(*(converted(tmp_path, name, twin(name), order) for name in ("PT", "CT")))
    assert np.array_equal(done.pet.data, classic.pet.data)
    assert np.array_equal(done.ct.data, classic.ct.data)
    assert np.array_equal(done.pet.grid.affine, classic.pet.grid.affine)
    assert done.acquisition == classic.acquisition
    assert done.findings == classic.findings


def test_the_file_is_named_once_and_the_frame_of_each_slice(tmp_path: Path) -> None:
    (row,) = converted(tmp_path, "CT", twin("CT"), ORDER)
    series = read_series([row], threads=1)
    digest = hashlib.sha256(Path(row.path).read_bytes()).hexdigest()
    assert [(file.instance, file.sha256) for file in series.files] == [(UID["CT"], digest)]
    assert [image.frame for image in series.instances] == [ORDER.index(SLICES - k) + 1 for k in range(SLICES)]
    assert {image.uid for image in series.instances} == {UID["CT"]}


def test_frames_at_one_place_are_refused_and_named(tmp_path: Path) -> None:
    def double(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = [-30, -40, 4.0 * (5 if k == 6 else k)]

    with pytest.raises(Refusal) as refusal:
        read_series(converted(tmp_path, "CT", twin("CT", double)), threads=1)
    assert refusal.value.code == "duplicate-slices"
    assert "at 20.00 mm" in refusal.value.reason


def test_a_dynamic_pet_in_one_file_has_its_frames_in_time(tmp_path: Path) -> None:
    def later(one: Dataset, _: int) -> None:
        one.SOPInstanceUID, one.InstanceNumber = f"{one.SOPInstanceUID}.9", one.InstanceNumber + SLICES
        one.AcquisitionTime, one.FrameReferenceTime = "110300", str(180000 + 89715)
        one.RescaleSlope = "2.5"

    in_folder(tmp_path, files("CT"))
    pet = converted(tmp_path, "PT", twin("PT") + twin("PT", later))
    with pytest.raises(Refusal) as refusal:
        ingest(pet, index(tmp_path, "CT"))
    assert refusal.value.code == "frames-not-chosen"
    settings = IngestSettings(window_min=(60, 66))
    done = ingest_scan(pet, index(tmp_path, "CT"), settings=settings, threads=2, scan="s")
    assert np.array_equal(done.pet.data[:, :, 4], 1.5 * stored(4, "PT").T)  # (0.5 + 2.5) / 2
    averaged = done.pet_sidecar["petproc"]["slices"][9]["averaged"]
    assert averaged == [{"instance": UID["PT"], "frame": 1}, {"instance": UID["PT"], "frame": 11}]
    assert len(done.pet_sidecar["petproc"]["files"]) == 1
