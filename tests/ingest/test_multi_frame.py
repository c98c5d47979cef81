"""A PET/CT in two multi-frame files gives what its classic files give; made by highdicom from them."""

from __future__ import annotations

import hashlib
import io
import logging
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_twin import SLICES, dataset, encoded, files, in_folder, index
from highdicom.legacy import LegacyConvertedEnhancedCTImage, LegacyConvertedEnhancedPETImage

from petproc.core.errors import Refusal
from petproc.core.results import Ingested
from petproc.core.tables import IndexRow
from petproc.dicom.series import read_series
from petproc.ingest import ingest_scan
from petproc.settings import IngestSettings

UID = {"PT": "1.2.3.77.1", "CT": "1.2.3.78.1"}


def converted(folder: Path, modality: str, order=range(SLICES), change=None) -> list[IndexRow]:
    """The twin's slices as one legacy converted enhanced file, slice order[n] (from below) in its frame n + 1."""
    slices = []
    for k in range(SLICES):
        one = dataset(modality, k)
        one.StudyID, one.AccessionNumber, one.ReferringPhysicianName, one.SeriesNumber = "1", "", "", 1
        if change:
            change(one, k)
        slices.append(pydicom.dcmread(io.BytesIO(encoded(one))))
    kind = LegacyConvertedEnhancedPETImage if modality == "PT" else LegacyConvertedEnhancedCTImage
    logging.disable(logging.WARNING)  # it misses a SliceThickness in the PET
    whole = kind(slices, UID[modality].rsplit(".", 1)[0], 1, UID[modality], 1)
    logging.disable(logging.NOTSET)
    planes = [whole.pixel_array[SLICES - 1 - k] for k in order]  # highdicom sorts them by InstanceNumber: downwards
    groups = whole.PerFrameFunctionalGroupsSequence
    whole.PerFrameFunctionalGroupsSequence = [groups[SLICES - 1 - k] for k in order]
    whole.PixelData = np.stack(planes).tobytes()
    path = folder / f"{modality}.dcm"
    whole.save_as(path)
    return [IndexRow(UID[modality], str(path), None, path.stat().st_size)]


def ingest(pet: list[IndexRow], ct: list[IndexRow]) -> Ingested:
    return ingest_scan(pet, ct, settings=IngestSettings(), threads=2, scan="s")


@pytest.mark.parametrize("order", [range(SLICES), (3, 9, 0, 1, 2, 8, 7, 6, 5, 4)])
def test_a_multi_frame_pet_ct_is_that_of_its_classic_files(tmp_path: Path, order) -> None:
    in_folder(tmp_path, files("PT") | files("CT"))
    classic = ingest(index(tmp_path, "PT"), index(tmp_path, "CT"))
    done = ingest(converted(tmp_path, "PT", order), converted(tmp_path, "CT", order))
    assert np.array_equal(done.pet.data, classic.pet.data)
    assert np.array_equal(done.ct.data, classic.ct.data)
    assert np.array_equal(done.pet.grid.affine, classic.pet.grid.affine)
    assert done.acquisition == classic.acquisition
    assert done.findings == classic.findings


def test_the_file_is_named_once_and_the_frame_of_each_slice(tmp_path: Path) -> None:
    order = (3, 9, 0, 1, 2, 8, 7, 6, 5, 4)
    (row,) = converted(tmp_path, "CT", order)
    series = read_series([row], threads=1)
    digest = hashlib.sha256(Path(row.path).read_bytes()).hexdigest()
    assert [(file.instance, file.sha256) for file in series.files] == [(UID["CT"], digest)]
    assert [image.frame for image in series.instances] == [order.index(k) + 1 for k in range(SLICES)]
    assert {image.uid for image in series.instances} == {UID["CT"]}


def test_a_frame_that_lies_elsewhere_is_refused_and_named(tmp_path: Path) -> None:
    def double(one, k: int) -> None:
        one.ImagePositionPatient = [-30, -40, 4.0 * (5 if k == 6 else k)]

    with pytest.raises(Refusal) as refusal:
        read_series(converted(tmp_path, "CT", change=double), threads=1)
    assert refusal.value.code == "duplicate-slices"
    assert "at 20.00 mm" in refusal.value.reason
