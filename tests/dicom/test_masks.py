"""Masks of other programs in DICOM, on a CT of 40 x 30 x 12 voxels: drawn with matplotlib's paths and by highdicom."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from dicom_twin import dataset, encoded
from matplotlib.path import Path as Outline
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import GUIDES, REGIONS
from petproc.dicom.masks import CtSource, Masks, is_dicom, read_masks
from petproc.workflow.handover.images import read_mask

SHAPE = (40, 30, 12)
SPACING = (2.0, 1.5, 3.0)
ORIGIN_LPS = np.array([-35.0, -20.0, 100.0])
INSTANCES = tuple(f"1.2.3.20.{k + 1}" for k in range(SHAPE[2]))
AFFINE = np.array(
    [[-SPACING[0], 0, 0, 35.0], [0, -SPACING[1], 0, 20.0], [0, 0, SPACING[2], 100.0], [0, 0, 0, 1]], dtype=float
)
CT = CtSource(Grid(SHAPE, AFFINE), INSTANCES)
VALUES = {"Aorta": 1, "SVC": 5}

Points = Sequence[tuple[float, float]]


def lps(points: Points, z_mm: float) -> list[float]:
    """Voxel indices (i, j) of a slice as ContourData."""
    return [
        round(float(value), 4)
        for i, j in points
        for value in (ORIGIN_LPS[0] + SPACING[0] * i, ORIGIN_LPS[1] + SPACING[1] * j, z_mm)
    ]


def height(k: int) -> float:
    return float(ORIGIN_LPS[2] + SPACING[2] * k)


def circle(i: float, j: float, radius: float) -> Points:
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return [(i + radius * np.cos(angle), j + radius * np.sin(angle)) for angle in angles]


def inside(points: Points) -> np.ndarray:
    index = np.stack(np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[1]), indexing="ij"), axis=-1).reshape(-1, 2)
    return Outline(points).contains_points(index).reshape(SHAPE[:2])


def contour(points: Points, k: int, *, refers: bool = True, drift_mm: float = 0.0) -> Dataset:
    one = Dataset()
    one.ContourGeometricType, one.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
    one.ContourData = lps(points, height(k) + drift_mm)
    if refers:
        image = Dataset()
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", INSTANCES[k]
        one.ContourImageSequence = [image]
    return one


def structures(folder: Path, **rois: Sequence[Dataset]) -> Path:
    whole = Dataset()
    whole.SOPClassUID, whole.SOPInstanceUID, whole.Modality = RTStructureSetStorage, "1.2.3.90", "RTSTRUCT"
    whole.StructureSetROISequence, whole.ROIContourSequence = [], []
    for number, (name, contours) in enumerate(rois.items(), start=3):
        named, drawn = Dataset(), Dataset()
        named.ROINumber, named.ROIName = number, name
        drawn.ReferencedROINumber, drawn.ContourSequence = number, list(contours)
        whole.StructureSetROISequence.append(named)
        whole.ROIContourSequence.append(drawn)
    whole.file_meta = FileMetaDataset()
    whole.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path = folder / "structures.dcm"
    whole.save_as(path, enforce_file_format=True)
    return path


def read(path: Path, source: CtSource = CT, **values: int) -> Masks:
    return read_masks(path, source, values=values or VALUES)


def refused(path: Path, source: CtSource = CT, **values: int) -> str:
    with pytest.raises(Refusal) as refusal:
        read(path, source, **values)
    assert refusal.value.remedy
    return refusal.value.code


@pytest.mark.parametrize("refers", [True, False])
def test_a_voxel_is_in_a_structure_when_its_centre_is_inside_the_contour(tmp_path: Path, refers: bool) -> None:
    drawn = {k: circle(15.3, 12.2 + 0.3 * k, 4.0 + 0.2 * k) for k in range(2, 9)}
    path = structures(tmp_path, Aorta=[contour(points, k, refers=refers) for k, points in drawn.items()])
    labels = read(path).labels
    for k in range(SHAPE[2]):
        expected = inside(drawn[k]) if k in drawn else np.zeros(SHAPE[:2], bool)
        assert np.array_equal(labels.data[:, :, k] == 1, expected)
    assert labels.grid == CT.grid


def test_a_contour_within_another_is_a_hole(tmp_path: Path) -> None:
    outer, inner = circle(18.2, 14.1, 9.3), circle(18.2, 14.1, 4.3)
    path = structures(tmp_path, Aorta=[contour(outer, 5), contour(inner, 5)])
    assert np.array_equal(read(path).labels.data[:, :, 5] == 1, inside(outer) & ~inside(inner))


def test_contours_whose_places_drift_by_a_twentieth_of_a_millimetre_stay_on_their_slices(tmp_path: Path) -> None:
    exact = [contour(circle(15, 12, 5), k, refers=False) for k in range(12)]
    drifting = [contour(circle(15, 12, 5), k, refers=False, drift_mm=0.05 * (-1) ** k) for k in range(12)]
    whole = read(structures(tmp_path, Aorta=exact)).labels.data
    assert np.array_equal(read(structures(tmp_path, Aorta=drifting)).labels.data, whole)


def test_a_voxel_in_two_structures_is_given_to_the_later_region_and_said(tmp_path: Path) -> None:
    aorta, vein = circle(15.2, 12.1, 6.3), circle(19.2, 12.1, 6.3)
    masks = read(structures(tmp_path, SVC=[contour(vein, 4)], Aorta=[contour(aorta, 4)]))
    assert np.array_equal(masks.labels.data[:, :, 4] == 5, inside(vein))
    assert [finding.code for finding in masks.findings] == ["masks-overlap"]
    assert str(int((inside(aorta) & inside(vein)).sum())) in masks.findings[0].message


def test_structures_that_nobody_asked_for_are_left_out(tmp_path: Path) -> None:
    path = structures(tmp_path, Liver=[contour(circle(10, 10, 5), 3)], SVC=[contour(circle(25, 15, 4), 3)])
    assert set(np.unique(read(path).labels.data)) == {0, 5}


@pytest.mark.parametrize(
    ("rois", "code"),
    [
        ({"Liver": [contour(circle(15, 12, 5), 3)]}, "mask-names-unknown"),
        ({"Aorta": [contour(circle(15, 12, 5), 3, drift_mm=1.4)]}, "contour-off-slice"),
        ({"Aorta": [contour(circle(15, 12, 5), 3, refers=False, drift_mm=400.0)]}, "contour-off-slice"),
        ({"Aorta": [contour(circle(15, 12, 5), k) for k in range(0, 12, 2)]}, "contours-skip-slices"),
    ],
)
def test_contours_that_cannot_be_taken_as_they_are_are_refused(
    tmp_path: Path, rois: dict[str, Sequence[Dataset]], code: str
) -> None:
    assert refused(structures(tmp_path, **rois)) == code


def test_a_tilted_contour_is_refused(tmp_path: Path) -> None:
    tilted = contour(circle(15, 12, 5), 3)
    tilted.ContourData = [float(v) + (0.2 * (n // 3) if n % 3 == 2 else 0) for n, v in enumerate(tilted.ContourData)]
    assert refused(structures(tmp_path, Aorta=[tilted])) == "contour-off-slice"


def test_masks_drawn_on_other_images_are_refused(tmp_path: Path) -> None:
    path = structures(tmp_path, Aorta=[contour(circle(15, 12, 5), 3)])
    other = CtSource(CT.grid, tuple(f"9.9.{k}" for k in range(SHAPE[2])))
    assert refused(path, other) == "mask-of-another-ct"


@pytest.mark.parametrize("name", [*REGIONS, *GUIDES])
def test_every_region_and_guide_comes_back_and_must_be_drawn_on_this_ct(tmp_path: Path, name: str) -> None:
    """At its own value, 0.05 mm beside its slices; refused when one of its images is another CT's."""
    value = REGIONS[name].value if name in REGIONS else GUIDES[name]
    path = structures(tmp_path, **{name: [contour(circle(15.2, 12.1, 5.3), k, drift_mm=0.05) for k in (3, 4)]})
    assert np.array_equal(read(path, **{name: value}).labels.data[:, :, 4] == value, inside(circle(15.2, 12.1, 5.3)))
    other = CtSource(CT.grid, (*INSTANCES[:4], "9.9.4", *INSTANCES[5:]))
    assert refused(path, other, **{name: value}) == "mask-of-another-ct"


def test_points_and_open_lines_are_left_out_and_said(tmp_path: Path) -> None:
    point = contour([(15, 12)], 3)
    point.ContourGeometricType = "POINT"
    masks = read(structures(tmp_path, Aorta=[point, contour(circle(15, 12, 5), 4)]))
    assert [finding.code for finding in masks.findings] == ["contours-open"]
    assert not masks.labels.data[:, :, 3].any()


def test_two_structures_of_one_name_are_refused(tmp_path: Path) -> None:
    path = structures(tmp_path, Aorta=[contour(circle(15, 12, 5), 3)], SVC=[contour(circle(9, 9, 3), 3)])
    whole = dcmread(path)
    whole.StructureSetROISequence[1].ROIName = "Aorta"
    whole.save_as(path)
    assert refused(path) == "mask-name-twice"


def test_another_dicom_file_and_a_damaged_one_are_refused_by_name(tmp_path: Path) -> None:
    picture = tmp_path / "ct.dcm"
    picture.write_bytes(encoded(dataset("CT", 0)))
    assert is_dicom(picture.read_bytes())
    assert refused(picture) == "mask-not-understood"
    whole = structures(tmp_path, Aorta=[contour(circle(15, 12, 5), 3)]).read_bytes()
    damaged = tmp_path / "damaged.dcm"
    for end in range(140, len(whole), 97):
        damaged.write_bytes(whole[:end])
        with pytest.raises(Refusal):
            read(damaged)


def ct_slices() -> list[Dataset]:
    """The CT itself, as highdicom wants it for a SEG."""
    slices = []
    for k in range(SHAPE[2]):
        one = dataset("CT", 0)
        one.SOPInstanceUID, one.InstanceNumber = INSTANCES[k], k + 1
        one.Rows, one.Columns = SHAPE[1], SHAPE[0]
        one.PixelSpacing = [SPACING[1], SPACING[0]]
        one.ImagePositionPatient = [float(v) for v in (*ORIGIN_LPS[:2], height(k))]
        one.PixelData = bytes(2 * SHAPE[0] * SHAPE[1])
        one.StudyTime, one.StudyID, one.AccessionNumber, one.PatientName = "105000", "1", "", "A^B"
        one.ReferringPhysicianName, one.PositionReferenceIndicator = "", ""
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slices.append(one)
    return slices


def segments(path: Path, masks: np.ndarray, names: Sequence[str], slices: list[Dataset]) -> Path:
    """A SEG of label values 1, 2, ... [k, j, i] by highdicom."""
    import highdicom
    from pydicom.sr.codedict import codes

    about = [
        highdicom.seg.SegmentDescription(
            number, name, codes.SCT.Organ, codes.SCT.Aorta, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL
        )
        for number, name in enumerate(names, start=1)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seg = highdicom.seg.Segmentation(
            slices, masks, "BINARY", about, "1.2.3.80", 1, "1.2.3.81", 1, "maker", "model", "1", "1"
        )
        seg.save_as(path)
    return path


@pytest.mark.parametrize("order", [1, -1])
def test_segments_come_back_as_they_were_written_whatever_the_order_of_slices(tmp_path: Path, order: int) -> None:
    truth = np.zeros(SHAPE, np.uint8)
    for k in range(3, 9):
        truth[:, :, k][inside(circle(15, 12 + 0.4 * k, 5))] = 1
        truth[:, :, k][inside(circle(28, 12, 3.5))] = 2
    slices = ct_slices()[::order]
    path = segments(tmp_path / "seg.dcm", truth.T[::order].copy(), ["Aorta", "SVC"], slices)
    masks = read(path)
    assert np.array_equal(masks.labels.data == 1, truth == 1)
    assert np.array_equal(masks.labels.data == 5, truth == 2)
    assert masks.findings == ()


def test_an_organ_and_an_undivided_aorta_come_back_from_segments_by_name(tmp_path: Path) -> None:
    truth = np.zeros(SHAPE, np.uint8)
    truth[5:30, 5:25, 2:10] = 1
    truth[32:36, 10:14, :] = 2
    path = segments(tmp_path / "seg.dcm", truth.T.copy(), ["Liver", "Whole aorta"], ct_slices())
    masks = read(path, Liver=REGIONS["liver"].value, **{"Whole aorta": GUIDES["aorta"]})
    assert np.array_equal(masks.labels.data == REGIONS["liver"].value, truth == 1)
    assert np.array_equal(masks.labels.data == GUIDES["aorta"], truth == 2)


def test_a_name_map_takes_regions_and_guides_from_structures(tmp_path: Path) -> None:
    """As the workflow reads them: by the names of the settings, at values that name them to the segmentation."""
    drawn = {"Leber": circle(10.2, 10.1, 5.3), "AO": circle(25.2, 15.1, 4.3)}
    path = structures(tmp_path, **{name: [contour(points, 3)] for name, points in drawn.items()})
    sidecar = tmp_path / "ct.json"
    sidecar.write_text(json.dumps({"petproc": {"slices": [{"instance": uid} for uid in INSTANCES]}}))
    files = SimpleNamespace(mask=[path], ct_sidecar=sidecar)
    read_in = read_mask(files, CT.grid, {"aorta": "AO", "liver": "Leber"}, wanted="")
    for region, name in (("liver", "Leber"), ("aorta", "AO")):
        plane = read_in.labels.data[:, :, 3] == read_in.names[region]
        assert np.array_equal(plane, inside(drawn[name]))


def test_segments_of_another_ct_or_beside_its_voxels_are_refused(tmp_path: Path) -> None:
    truth = np.zeros(SHAPE, np.uint8)
    truth[10:20, 8:16, 3:6] = 1
    path = segments(tmp_path / "seg.dcm", truth.T.copy(), ["Aorta"], ct_slices())
    assert refused(path, CtSource(CT.grid, tuple(f"9.9.{k}" for k in range(SHAPE[2])))) == "mask-of-another-ct"
    shifted = AFFINE.copy()
    shifted[0, 3] += 0.7
    assert refused(path, CtSource(Grid(SHAPE, shifted), INSTANCES)) == "labels-off-grid"
    drifted = AFFINE.copy()
    drifted[2, 3] += 0.05
    assert read(path, CtSource(Grid(SHAPE, drifted), INSTANCES)).labels.data.sum() == truth.sum()
