"""Bodies from small to extra large, lean ones, contrast and noise: the CTs on which a segmentation is tried."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from petproc.phantom import PhantomGrid, make_scan
from petproc.phantom.person import draw_person, draw_visit
from petproc.phantom.scan import PhantomCt, make_ct
from petproc.phantom.sizes import LEAN_FAT_HU, SIZES, person_of_size
from petproc.phantom.tissues import ARTERIAL_DENSE, FAT, UNENHANCED, VENOUS, Contrast

SMALL = PhantomGrid((100, 100, 40), (4.0, 4.0, 4.0), (64, 64, 30), (6.0, 6.0, 6.0), 70.0, 3.0)


def chest_of(
    size: str = "M",
    *,
    lean: bool = False,
    noise_hu: float | None = None,
    contrast: Contrast = UNENHANCED,
) -> PhantomCt:
    person = person_of_size(size, lean=lean, seed=3)
    visit = draw_visit(person, "baseline", 3)
    return make_ct(person, visit, SMALL, seed=3, ct_noise_hu=noise_hu, contrast=contrast)


def inside(scan: PhantomCt, region: str) -> np.ndarray:
    return scan.ct.data[ndimage.binary_erosion(scan.labels.mask(region), iterations=1)]


def around(scan: PhantomCt, region: str) -> np.ndarray:
    return scan.ct.data[ndimage.binary_dilation(scan.labels.mask(region)) & (scan.labels.data == 0)]


def test_people_grow_from_small_to_extra_large():
    people = [person_of_size(size, lean=False, seed=1) for size in SIZES]
    for measure in (
        [person.height_m for person in people],
        [person.weight_kg for person in people],
        [person.weight_kg / person.height_m**2 for person in people],
        [person.aorta_scale * person.scale for person in people],
    ):
        assert measure == sorted(measure)


def test_a_person_follows_from_size_and_seed():
    assert person_of_size("L", lean=True, seed=2) == person_of_size("L", lean=True, seed=2)
    assert person_of_size("L", lean=True, seed=2) != person_of_size("L", lean=True, seed=5)


def test_lean_people_have_no_fat_inside():
    for size in SIZES:
        lean, usual = (person_of_size(size, lean=one, seed=4) for one in (True, False))
        assert LEAN_FAT_HU[0] <= lean.inner_fat_hu <= LEAN_FAT_HU[1]
        assert usual.inner_fat_hu == FAT.hu
        assert lean.weight_kg / lean.height_m**2 < 19


def test_the_border_of_a_lean_persons_vessels_is_not_dark():
    assert np.median(around(chest_of(), "ascending_aorta")) < -20
    assert np.median(around(chest_of(lean=True), "ascending_aorta")) > -20


def test_contrast_fills_the_vessels():
    venous, dense = chest_of(contrast=VENOUS), chest_of(contrast=ARTERIAL_DENSE)
    assert np.median(inside(venous, "ascending_aorta")) == pytest.approx(150, abs=5)
    assert np.median(inside(venous, "superior_vena_cava")) == pytest.approx(150, abs=5)
    assert np.median(inside(dense, "descending_aorta")) == pytest.approx(300, abs=6)
    assert np.median(inside(dense, "superior_vena_cava")) == pytest.approx(600, abs=20)


def test_noise_is_what_was_asked_for():
    clean, low, high = (chest_of(noise_hu=hu).ct.data[:, :, 20].astype(float) for hu in (None, 20.0, 35.0))
    tissue = clean > -300
    assert (low - clean)[tissue].std() == pytest.approx(20.0, rel=0.05)
    assert (high - clean)[tissue].std() == pytest.approx(35.0, rel=0.05)


def test_the_ct_alone_is_that_of_the_scan():
    person = draw_person(1, 2)
    alone = make_ct(person, draw_visit(person, "followup", 1), SMALL, seed=1)
    scan = make_scan(seed=1, participant=2, session="followup", grid=SMALL)
    assert np.array_equal(alone.ct.data, scan.ct.data)
    assert np.array_equal(alone.labels.data, scan.labels.data)
    assert alone.landmarks == scan.landmarks
