"""The classical backend and its gate on CTs of others: abdomen without contrast, dissected aorta, 20 slices, PET/CT.

Where the vessels are was read off the images by eye; masks are those of another program.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import AORTA, SVC, regions_of
from petproc.core.results import Segmentation
from petproc.core.volume import Volume
from petproc.dicom.series import read_series
from petproc.ingest.gather import gather
from petproc.ingest.scan import read_ct_values
from petproc.io import read_volume
from petproc.quantify.gate import Gate, judge
from petproc.segment.classical import segment
from petproc.settings import GateSettings

SHARED = Path(__file__).parents[2] / "../shared/data"
REFERENCE = "ct_vessel_reference"
REFERENCE_AORTA = 52


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"../shared/data/{name} is not here")
    return path


def judged(segmentation: Segmentation) -> Gate:
    """The gate with its default settings, as if the PET covered everything."""
    rows = segmentation.stations
    columns = {
        name: np.array([getattr(row, name) for row in rows])
        for name in ("vessel", "station", "region", "arc_mm", "radius_mm")
    }
    for name in ("ring_score", "visible_fraction"):
        columns[name] = np.array([getattr(row, name) for row in rows], dtype=float)
    columns["in_pet"] = np.ones(len(rows), bool)
    return judge(columns, {"absent": segmentation.absent, "scores": segmentation.scores}, GateSettings())


def places(segmentation: Segmentation, *regions: str) -> np.ndarray:
    return np.array([[row.x_mm, row.y_mm, row.z_mm] for row in segmentation.stations if row.region in regions])


def test_the_abdominal_aorta_without_contrast_agrees_with_another_programs_mask_where_it_is_accepted():
    folder = shared(REFERENCE)
    ct = read_volume(folder / "example_ct.nii.gz", "HU")
    reference = read_volume(folder / "example_seg_fast_force_split.nii.gz", "HU").data == REFERENCE_AORTA
    found = segment(ct, scan="x")
    gate = judged(found)
    assert "abdominal_aorta" not in gate.refused
    ours = found.labels.mask(*regions_of(AORTA))
    voxels = np.argwhere(ours | reference)
    stations = places(found, *regions_of(AORTA))
    away = np.linalg.norm(ct.grid.to_mm(voxels)[:, None] - stations[None], axis=2)
    counted = gate.accepted[away.argmin(axis=1)]
    # Beyond the last station the other program goes on into the pelvis or the chest.
    counted &= (ct.grid.to_mm(voxels)[:, 2] >= stations[:, 2].min()) & (
        ct.grid.to_mm(voxels)[:, 2] <= stations[:, 2].max()
    )
    a, b = ours[tuple(voxels.T)] & counted, reference[tuple(voxels.T)] & counted
    assert 2 * (a & b).sum() / (a.sum() + b.sum()) >= 0.92
    assert gate.accepted.mean() > 0.8
    bottom = ct.grid.to_mm(np.argwhere(reference))[:, 2].min()
    assert stations[:, 2].min() == pytest.approx(bottom, abs=8.0)


def test_nothing_of_a_dissected_aorta_in_the_arterial_phase_is_accepted():
    models = shared(REFERENCE) / "aorta_report" / "test_result" / "models"
    found = segment(read_volume(models / "ct_cropped.nii.gz", "HU"), scan="x")
    gate = judged(found)
    assert found.stations
    assert {row.region for row in found.stations} <= set(gate.refused)


def test_twenty_slices_of_a_chest_are_too_little():
    files = sorted((shared(REFERENCE) / "example_ct_dicom").iterdir())
    slices = sorted((pydicom.dcmread(file) for file in files), key=lambda one: one.ImagePositionPatient[2])
    data = np.stack([one.pixel_array.T * one.RescaleSlope + one.RescaleIntercept for one in slices], axis=2)
    x, y, z = map(float, slices[0].ImagePositionPatient)
    row, column = map(float, slices[0].PixelSpacing)
    affine = np.diag([-column, -row, float(slices[1].ImagePositionPatient[2]) - z, 1.0])
    affine[:3, 3] = (-x, -y, z)
    with pytest.raises(Refusal, match="too-little-in-view"):
        segment(Volume(data.astype(np.int16), Grid(data.shape, affine), "HU"), scan="x")


@pytest.fixture(scope="module")
def petct() -> tuple[Volume, Segmentation]:
    """GE, low dose, without contrast, arms up, a small woman."""
    series = [one for one in gather([shared("petct_real.zip")]).series.values() if one.modality == "CT"]
    longest = max(series, key=lambda one: len(one.rows))
    ct, _ = read_ct_values(read_series(list(longest.rows.values()), threads=1), threads=1)
    return ct, segment(ct, scan="x")


def test_all_regions_of_a_real_pet_ct_are_accepted(petct):
    _, found = petct
    gate = judged(found)
    for region in (*regions_of(AORTA), SVC):
        assert region not in gate.refused
        rows = np.array([row.region == region for row in found.stations])
        assert gate.accepted[rows].mean() > 0.85


def test_what_is_labelled_in_a_real_pet_ct_is_blood(petct):
    ct, found = petct
    for region in (*regions_of(AORTA), SVC):
        hu = ct.data[found.labels.mask(region)]
        assert 20 < np.median(hu) < 60
        # Noise has a standard deviation of about 30 HU; fat, lung and bone would be beyond.
        assert ((hu < -90) | (hu > 180)).mean() < 0.05


def test_the_parts_of_a_real_aorta_are_where_a_reader_sees_them(petct):
    ct, found = petct
    bottom_mm = float(ct.grid.to_mm([0, 0, 0])[2])
    carina = found.landmarks["carina"][2] - bottom_mm
    # The main bronchi part between 613 and 620 mm above the CT's first slice; the aorta divides at 309 +- 5 mm.
    assert 613 < carina < 620
    ascending, arch, abdominal = (
        places(found, name)[:, 2] - bottom_mm for name in ("ascending_aorta", "aortic_arch", "abdominal_aorta")
    )
    assert ascending.min() == pytest.approx(596, abs=8)
    assert arch.max() == pytest.approx(634, abs=4)
    assert 2.0 * len(arch) > 44
    assert abdominal.min() == pytest.approx(309, abs=8)
