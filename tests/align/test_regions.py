"""A neck that lies elsewhere on the PET than on the CT: what is above the clavicles is moved, slice by slice."""

import numpy as np
import pytest
from scipy import ndimage

from petproc.align import estimate_alignment
from petproc.core.volume import Volume
from petproc.phantom import make_scan
from petproc.phantom.space import PhantomGrid
from petproc.settings import AlignSettings

NECK_AND_CHEST = PhantomGrid((128, 128, 60), (3.6, 3.6, 4.0), (112, 112, 80), (4.0, 4.0, 3.0), 160.0, 2.5)
NOISE = 0.10
"""COV in the liver, as in a clinical PET"""
CLAVICLES_MM = (80.0, 100.0)
"""Between these heights the neck's motion grows from none to all."""


@pytest.fixture(scope="module")
def scan():
    return make_scan(seed=3, grid=NECK_AND_CHEST, noise=NOISE)


def with_neck_moved(pet, shift):
    """The PET whose places above the clavicles are moved by `shift`."""
    grid, data = pet.grid, pet.data.copy()
    index = np.moveaxis(np.indices((*grid.shape[:2], 1)), 0, -1)[:, :, 0].astype(float)
    for k in range(grid.shape[2]):
        index[..., 2] = k
        mm = grid.to_mm(index)
        share = np.interp(mm[0, 0, 2], CLAVICLES_MM, (0.0, 1.0))
        if share:
            source = grid.to_index(mm - share * np.array(shift))
            data[:, :, k] = ndimage.map_coordinates(pet.data, np.moveaxis(source, -1, 0), order=1, mode="nearest")
    return Volume(data, grid, pet.unit)


def estimated(scan, pet):
    return estimate_alignment(pet, scan.ct, settings=AlignSettings(), acquisition=scan.acquisition, scan="")


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (5.0, 0.0, 0.0), (0.0, -5.0, 0.0)])
def test_a_neck_out_of_place_is_told_from_a_chest_in_place(scan, shift):
    alignment = estimated(scan, with_neck_moved(scan.pet, shift))
    neck, chest = alignment.regions["neck"], alignment.regions["chest"]
    assert np.linalg.norm(np.subtract(neck.offset_mm, shift)) < min(1.5, 2 * neck.uncertainty_mm)
    assert np.linalg.norm(chest.offset_mm) < 1.0
    assert np.linalg.norm(alignment.translation_mm) < 1.0
    codes = [finding.code for finding in alignment.findings]
    assert codes == (["pet-ct-offset-neck"] if any(shift) else [])


def test_a_region_out_of_view_has_a_reason_and_no_number(scan):
    abdomen = estimated(scan, scan.pet).regions["abdomen"]
    assert (abdomen.at_mm, abdomen.offset_mm, abdomen.uncertainty_mm) == (None, None, None)
    assert abdomen.reason == "too little of it in view"
