"""Enhanced and legacy converted PET and CT: each frame reads as the classic image that it stands for."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from dicom_twin import CT_SERIES, PET_SERIES, SLICES, STEP_MM, dataset, encoded, files, stored
from multiframe_twin import enhanced, group, legacy
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from petproc.dicom import frames as frames_module
from petproc.dicom.files import BadFile
from petproc.dicom.frames import frame_headers
from petproc.dicom.header import Header
from petproc.dicom.instance import check_length, parse, stored_values

GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "BitsStored")
PET = (
    *("Units", "DecayCorrection", "CorrectedImage", "SeriesType", "FrameReferenceTime", "ActualFrameDuration"),
    *("AcquisitionDate", "SeriesTime", "PatientWeight", "Manufacturer", "RescaleSlope", "RescaleIntercept"),
)
CT = ("KVP", "ConvolutionKernel", "Exposure", "RescaleSlope", "RescaleIntercept", "AcquisitionDate")


def frames(one: Dataset, syntax: str | None = None) -> tuple[Header, ...]:
    content = encoded(one, syntax) if syntax else encoded(one)
    return frame_headers(parse(content)[0])


def one_frame(change: Callable[[Dataset], None], modality: str = "PT") -> Header:
    return frames(enhanced(modality, change))[0]


def same(frame: Header, classic: Header, keywords: tuple[str, ...]) -> None:
    for keyword in keywords:
        numbers = frame.numbers(keyword), classic.numbers(keyword)
        assert numbers[0] == numbers[1], keyword
        assert numbers[0] is not None or frame.texts(keyword) == classic.texts(keyword), keyword


def by_highdicom(modality: str) -> Dataset:
    """The tiny series converted by an independent library."""
    from highdicom.legacy import LegacyConvertedEnhancedCTImage, LegacyConvertedEnhancedPETImage

    kind = LegacyConvertedEnhancedPETImage if modality == "PT" else LegacyConvertedEnhancedCTImage

    def completed(one: Dataset, k: int) -> None:
        one.StudyID, one.SeriesNumber, one.AccessionNumber = "1", 1, ""
        one.SoftwareVersions, one.DeviceSerialNumber, one.SliceThickness = "1", "1", "4"
        if modality == "PT":
            one.DecayFactor = str(1 + k / 100)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sources = [dcmread(io.BytesIO(content)) for content in files(modality, completed).values()]
        return kind(
            sources, series_instance_uid="1.2.3.99", series_number=1, sop_instance_uid="1.2.3.99.1", instance_number=1
        )


def test_a_classic_image_is_its_own_only_frame() -> None:
    header, _ = parse(encoded(dataset("PT", 3)))
    assert frame_headers(header) == (header,)


@pytest.mark.parametrize(("modality", "keywords"), [("PT", PET), ("CT", CT)])
def test_frames_converted_by_highdicom_read_as_their_sources(modality: str, keywords: tuple[str, ...]) -> None:
    made = by_highdicom(modality)
    content = io.BytesIO()
    made.save_as(content)
    header, offset = parse(content.getvalue())
    found = frame_headers(header)
    assert len(found) == SLICES
    series = PET_SERIES if modality == "PT" else CT_SERIES
    for n, frame in enumerate(found):
        number = int((frame.text("ReferencedSOPInstanceUID") or "").removeprefix(f"{series}."))
        k = SLICES - number
        classic, _ = parse(encoded(dataset(modality, k)))
        same(frame, classic, (*GEOMETRY, *keywords, "InstanceNumber"))
        assert frame.moment("Acquisition") == classic.moment("Acquisition")
        assert frame.text("SOPInstanceUID") == "1.2.3.99.1"
        assert np.array_equal(stored_values(frame, content.getvalue(), offset, frame=n), stored(k, modality))
        if modality == "PT":
            assert frame.number("DecayFactor") == pytest.approx(1 + k / 100)
            (dose,) = frame.items("RadiopharmaceuticalInformationSequence")
            assert dose.number("RadionuclideTotalDose") == 350e6
            assert dose.items("RadionuclideCodeSequence")[0].text("CodeValue") == "C-111A1"


@pytest.mark.parametrize("make", [enhanced, legacy])
@pytest.mark.parametrize("modality", ["PT", "CT"])
def test_frames_of_the_twins_read_as_classic_images(make: Callable[[str], Dataset], modality: str) -> None:
    content = encoded(make(modality))
    header, offset = parse(content)
    keywords = [keyword for keyword in (PET if modality == "PT" else CT) if keyword != "SeriesType" or make is legacy]
    for n, frame in enumerate(frame_headers(header)):
        k = SLICES - 1 - n
        classic, _ = parse(encoded(dataset(modality, k)))
        same(frame, classic, (*GEOMETRY, *(key for key in keywords if key != "CorrectedImage")))
        assert frame.number("InstanceNumber") == n + 1
        assert frame.numbers("ImagePositionPatient") == (-30.0, -40.0, STEP_MM * k)
        assert np.array_equal(stored_values(header, content, offset, frame=n), stored(k, modality))


def test_the_flags_of_an_enhanced_pet_become_the_words_of_a_classic_one() -> None:
    frame = frames(enhanced("PT"))[0]
    assert set(frame.texts("CorrectedImage")) == {"DECY", "ATTN", "SCAT", "RAN", "DTIM"}
    assert frame.texts("ImageType") == ("ORIGINAL", "PRIMARY", "VOLUME", "NONE")
    assert frame.text("AttenuationCorrectionMethod") == "CT"
    assert frame.text("ReconstructionMethod") == "OSEM 3D TOF 3i21s"
    assert frame.text("DecayCorrectionDateTime") == "20250101110000"
    assert frame.number("FrameReferenceTime") == 89715
    assert frame.number("TemporalPositionIndex") == 1
    assert frame.number("InStackPositionNumber") == 1


def test_no_decay_correction_is_said_and_no_frame_reference_time_invented() -> None:
    def uncorrected(one: Dataset) -> None:
        one.DecayCorrected = "NO"
        del one.DecayCorrectionDateTime

    frame = one_frame(uncorrected)
    assert frame.text("DecayCorrection") == "NONE"
    assert "DECY" not in frame.texts("CorrectedImage")
    assert frame.text("FrameReferenceTime") is None


def mapping(code: str, slope: float, quantity: str | None = None) -> Dataset:
    (item,) = group(
        RealWorldValueSlope=slope,
        RealWorldValueIntercept=0.0,
        MeasurementUnitsCodeSequence=group(CodeValue=code, CodingSchemeDesignator="UCUM", CodeMeaning="unit"),
    )
    if quantity:
        item.QuantityDefinitionSequence = group(
            ValueType="CODE",
            ConceptCodeSequence=group(CodeValue=quantity, CodingSchemeDesignator="DCM", CodeMeaning="quantity"),
        )
    return item


@pytest.mark.parametrize(
    ("mappings", "units", "suv_type", "slope"),
    [
        ([mapping("Bq/ml", 2.0), mapping("g/ml", 0.5)], "BQML", None, 2.0),
        ([mapping("{SUVbw}g/ml", 0.5)], "GML", "BW", 0.5),
        ([mapping("g/ml", 0.5, "126406")], "GML", "LBMJAMES128", 0.5),
        ([mapping("g/ml{SUVlbm(Janma)}", 0.5)], "GML", "LBMJANMA", 0.5),
        ([mapping("{SUVbsa}cm2/ml", 0.25)], "CM2ML", "BSA", 0.25),
        ([mapping("{counts}", 1.0)], "{counts}", None, 1.0),
        ([mapping("mg/min/100g", 1.0)], "mg/min/100g", None, 1.0),
        ([mapping("Bq/ml", 2.0), mapping("Bq/ml", 3.0)], None, None, 0.75),
        ([mapping("g/ml", 2.0, "126401"), mapping("g/ml", 3.0, "126402")], None, None, 0.75),
        ([mapping("{SUVbw}g/ml", 2.0, "126402")], None, None, 0.75),
        ([], None, None, 0.75),
    ],
)
def test_units_are_those_of_the_one_mapping_that_is_meant(
    mappings: list[Dataset], units: str | None, suv_type: str | None, slope: float
) -> None:
    def change(one: Dataset) -> None:
        one.PerFrameFunctionalGroupsSequence[0].RealWorldValueMappingSequence = mappings

    frame = one_frame(change)
    assert (frame.text("Units"), frame.text("SUVType"), frame.number("RescaleSlope")) == (units, suv_type, slope)


def test_what_a_frame_says_outranks_what_is_shared_but_never_how_pixels_are_stored() -> None:
    def change(one: Dataset) -> None:
        first = one.PerFrameFunctionalGroupsSequence[0]
        first.PixelMeasuresSequence = group(PixelSpacing=[5.0, 6.0])
        first.UnassignedPerFrameConvertedAttributesSequence = group(
            Rows=4000, PixelRepresentation=0, PatientID="OTHER", SeriesDescription="own", BitsAllocated=8
        )

    first, second = frames(legacy("CT", change))[:2]
    assert first.numbers("PixelSpacing") == (5.0, 6.0)
    assert second.numbers("PixelSpacing") == (2.0, 3.0)
    assert first.text("SeriesDescription") == "own"
    assert (first.number("Rows"), first.number("BitsAllocated"), first.number("PixelRepresentation")) == (16, 16, 1)
    assert first.text("PatientID") == "TRIAL-7"


@pytest.mark.parametrize(
    ("acquired", "zone", "date", "time", "zone_then"),
    [
        ("20250101235900.5", None, "20250101", "235900.500000", None),
        ("20250101235900+0100", None, "20250101", "235900.000000", "+0100"),
        ("20250101235900+0100", "+0300", "20250102", "015900.000000", "+0300"),
        (None, None, "20250101", "110000.000000", None),
    ],
)
def test_the_time_of_a_frame_is_its_own(
    acquired: str | None, zone: str | None, date: str, time: str, zone_then: str | None
) -> None:
    def change(one: Dataset) -> None:
        content = one.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0]
        content.FrameAcquisitionDateTime = acquired
        if zone:
            one.TimezoneOffsetFromUTC = zone

    frame = one_frame(change)
    assert frame.text("AcquisitionDate") == date
    assert frame.text("AcquisitionTime") == time
    assert frame.text("TimezoneOffsetFromUTC") == zone_then


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_frames_are_read_in_every_transfer_syntax(syntax: str) -> None:
    one = enhanced("CT")
    if syntax == ExplicitVRBigEndian:
        one.PixelData = np.frombuffer(one.PixelData, "<i2").astype(">i2").tobytes()
        one["PixelData"].VR = "OW"
    content = encoded(one, syntax)
    header, offset = parse(content)
    assert frame_headers(header)[2].numbers("ImagePositionPatient") == (-30.0, -40.0, STEP_MM * 7)
    for n in (0, 3, SLICES - 1):
        assert np.array_equal(stored_values(header, content, offset, frame=n), stored(SLICES - 1 - n, "CT"))


@pytest.mark.parametrize("with_table", [True, False])
def test_compressed_frames_are_decoded_one_by_one(with_table: bool) -> None:
    from pydicom.encaps import encapsulate, generate_frames

    one = enhanced("CT")
    one.file_meta = dcmread(io.BytesIO(encoded(one))).file_meta
    one.compress(RLELossless, generate_instance_uid=False)
    if not with_table:
        one.PixelData = encapsulate(list(generate_frames(one.PixelData, number_of_frames=SLICES)), has_bot=False)
    content = encoded(one, RLELossless)
    header, offset = parse(content)
    found = frame_headers(header)
    for n in range(SLICES):
        assert np.array_equal(stored_values(found[n], content, offset, frame=n), stored(SLICES - 1 - n, "CT"))


def without_a_frame(one: Dataset) -> None:
    del one.PerFrameFunctionalGroupsSequence[4]


def without_frames(one: Dataset) -> None:
    del one.PerFrameFunctionalGroupsSequence


def counting(frames: int) -> Callable[[Dataset], None]:
    return lambda one: setattr(one, "NumberOfFrames", frames)


@pytest.mark.parametrize("change", [without_a_frame, without_frames, counting(9), counting(11), counting(0)])
def test_frames_that_are_not_those_counted_are_refused(change: Callable[[Dataset], None]) -> None:
    with pytest.raises(BadFile) as found:
        one_frame(change)
    assert found.value.code == "frames-inconsistent"


def test_more_frames_than_pixels_are_a_truncated_file() -> None:
    content = encoded(enhanced("CT"))
    header, offset = parse(content)
    with pytest.raises(BadFile, match="ends before its pixels"):
        check_length(header, content, offset, len(content) - 10)
    with pytest.raises(BadFile, match="no frame 11"):
        stored_values(header, content, offset, frame=SLICES)


def test_frames_that_would_take_memory_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames_module, "MAX_FRAME_VALUES", 300)
    with pytest.raises(BadFile) as found:
        frames(enhanced("PT"))
    assert found.value.code == "too-many-frames"


def test_an_absurd_product_of_frames_and_matrix_is_refused() -> None:
    def change(one: Dataset) -> None:
        one.NumberOfFrames, one.Rows, one.Columns = 90_000, 4096, 4096

    content = encoded(enhanced("CT", change))
    with pytest.raises(BadFile) as found:
        stored_values(*parsed(content))
    assert found.value.code == "matrix-invalid"


def parsed(content: bytes) -> tuple[Header, bytes, int]:
    header, offset = parse(content)
    return header, content, offset


def test_an_icon_with_pixels_of_its_own_is_not_mistaken_for_the_image() -> None:
    one = dataset("CT", 3)
    one.IconImageSequence = group(Rows=2, Columns=2, PixelData=b"\x01\x02\x03\x04", BitsAllocated=8)
    one["IconImageSequence"].is_undefined_length = True
    one.IconImageSequence[0].is_undefined_length_sequence_item = True
    one.IconImageSequence[0]["PixelData"].VR = "OB"
    content = encoded(one)
    header, offset = parse(content)
    assert np.array_equal(stored_values(header, content, offset), stored(3, "CT"))
