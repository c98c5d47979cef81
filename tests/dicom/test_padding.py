"""What is padded was not measured: air in a CT, nothing in a PET, and never a hole in the body."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_twin import SLICES, files, in_folder, index, stored
from pydicom.dataset import Dataset

from petproc.dicom.rescale import activity, hounsfield
from petproc.dicom.series import Series, read_series


def padded(modality: str, value: int, limit: int | None = None, **tags: object):
    """A change that declares padding and puts `value` and, where given, `limit` into two corners of each image."""

    def change(one: Dataset, k: int) -> None:
        plane = stored(k, modality).copy()
        plane[0, 0], plane[15, 15] = value, value if limit is None else limit
        one.PixelData, one.PixelPaddingValue = plane.tobytes(), value
        if limit is not None:
            one.PixelPaddingRangeLimit = limit
        for keyword, tag in tags.items():
            setattr(one, keyword, tag)

    return change


def read(folder: Path, modality: str, change) -> Series:
    in_folder(folder, files(modality, change))
    return read_series(index(folder, modality), threads=1)


def test_padding_of_a_ct_is_air(tmp_path: Path) -> None:
    series = read(tmp_path, "CT", padded("CT", -2000))
    volume = hounsfield(series, threads=2)
    assert (volume[[0, 15], [0, 15]] == -1024).all()
    assert volume[3, 5, 7] == 753 - 500 - 1024
    assert series.findings == ()


def test_a_range_of_padding_holds_both_its_ends(tmp_path: Path) -> None:
    volume = hounsfield(read(tmp_path, "CT", padded("CT", -2000, -1500)), threads=1)
    assert (volume[[0, 15], [0, 15]] == -1024).all()


def test_padding_of_a_ct_with_a_slope_is_air(tmp_path: Path) -> None:
    volume = hounsfield(read(tmp_path, "CT", padded("CT", -2000, RescaleSlope="0.5")), threads=1)
    assert (volume[0, 0] == -1024).all()
    assert volume[3, 5, 7] == round(0.5 * 253 - 1024)


def test_padding_of_a_pet_is_nothing(tmp_path: Path) -> None:
    volume = activity(read(tmp_path, "PT", padded("PT", -32768)), (1.0,) * SLICES, threads=2)
    assert (volume[[0, 15], [0, 15]] == 0).all()
    assert volume[3, 5, 7] == 0.75 * 753


def test_padding_of_a_pet_with_an_intercept_is_nothing(tmp_path: Path) -> None:
    series = read(tmp_path, "PT", padded("PT", -1, Units="GML", RescaleIntercept="4"))
    volume = activity(series, (2.0,) * SLICES, threads=1)
    assert (volume[0, 0] == 0).all()
    assert volume[3, 5, 6] == (0.5 * 653 + 4) * 2


@pytest.mark.parametrize(
    ("modality", "value", "limit"), [("CT", 1024, None), ("CT", -2000, 2000), ("PT", 0, 500), ("PT", -5, 32767)]
)
def test_padding_that_would_punch_holes_into_the_body_is_not_believed(
    tmp_path: Path, modality: str, value: int, limit: int | None
) -> None:
    series = read(tmp_path, modality, padded(modality, value, limit))
    assert [finding.code for finding in series.findings] == ["pixel-padding-implausible"]
    if modality == "CT":
        assert np.array_equal(hounsfield(series, threads=1)[1:15, 1:15, 3], stored(3, "CT").T[1:15, 1:15] - 1024)
    else:
        volume = activity(series, (1.0,) * SLICES, threads=1)
        assert np.array_equal(volume[1:15, 1:15, 3], 0.75 * stored(3, "PT").T[1:15, 1:15])


@pytest.mark.parametrize("said", ["01", "00", None])
def test_images_that_say_they_lost_something_are_a_finding(tmp_path: Path, said: str | None) -> None:
    def change(one: Dataset, k: int) -> None:
        if said and k == 4:
            one.LossyImageCompression = said

    findings = read(tmp_path, "CT", change).findings
    assert [finding.code for finding in findings] == (["lossy-compression"] if said == "01" else [])
    if findings:
        assert "1 of 10 images" in findings[0].message
