"""The tiny PET/CT as one enhanced, or one legacy converted enhanced, object per series: frame n is slice SLICES - n."""

from __future__ import annotations

from collections.abc import Callable

from dicom_twin import CT_SERIES, PET_SERIES, SLICES, dataset, stored
from pydicom.dataset import Dataset

ENHANCED = {"PT": "1.2.840.10008.5.1.4.1.1.130", "CT": "1.2.840.10008.5.1.4.1.1.2.1"}
LEGACY = {"PT": "1.2.840.10008.5.1.4.1.1.128.1", "CT": "1.2.840.10008.5.1.4.1.1.2.2"}
OF_THE_DATASET = (
    *("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality", "Manufacturer"),
    *("ManufacturerModelName", "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "PatientWeight"),
    *("PatientSize", "SeriesDate", "StudyDate", "StudyTime", "SeriesTime", "Rows", "Columns", "SamplesPerPixel"),
    *("PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
)
UNASSIGNED_SHARED = (
    *("Units", "DecayCorrection", "CorrectedImage", "SeriesType", "RadiopharmaceuticalInformationSequence"),
    *("FrameReferenceTime", "KVP", "Exposure", "ConvolutionKernel"),
)
Change = Callable[[Dataset], None]


def group(**values: object) -> list[Dataset]:
    """One functional group: a sequence of one item."""
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return [item]


def enhanced(modality: str, change: Change | None = None) -> Dataset:
    """An Enhanced PET or CT, as a scanner writes it: nothing in it has a classic PET keyword that need not."""
    one = _frame(modality, ENHANCED[modality])
    shared, kind = one.SharedFunctionalGroupsSequence[0], ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    one.AcquisitionDateTime = "20250101110000"
    if modality == "PT":
        one.RadiopharmaceuticalInformationSequence = dataset("PT", 0).RadiopharmaceuticalInformationSequence
        one.DecayCorrected, one.DecayCorrectionDateTime = "YES", "20250101110000"
        one.AttenuationCorrected = one.ScatterCorrected = one.RandomsCorrected = one.DeadTimeCorrected = "YES"
        one.GantryMotionCorrected, one.AttenuationCorrectionSource = "NO", "CT"
        shared.PETFrameTypeSequence = group(FrameType=kind)
        shared.PETReconstructionSequence = group(
            ReconstructionAlgorithm="OSEM",
            ReconstructionType="3D",
            TimeOfFlightInformationUsed="TRUE",
            NumberOfIterations=3,
            NumberOfSubsets=21,
        )
    else:
        shared.CTImageFrameTypeSequence = group(FrameType=kind)
        shared.CTXRayDetailsSequence = group(KVP="120")
        shared.CTReconstructionSequence = group(ConvolutionKernel="STANDARD")
        shared.CTExposureSequence = group(ExposureInmAs=40.0, XRayTubeCurrentInmA=80.0)
    for n, item in enumerate(one.PerFrameFunctionalGroupsSequence):
        item.FrameContentSequence[0].FrameReferenceDateTime = "20250101110129.715"
        item.FrameContentSequence[0].TemporalPositionIndex = 1
        if modality == "PT":
            slope = float(dataset("PT", SLICES - 1 - n).RescaleSlope)
            item.RealWorldValueMappingSequence = group(
                RealWorldValueSlope=slope,
                RealWorldValueIntercept=0.0,
                MeasurementUnitsCodeSequence=group(
                    CodeValue="Bq/ml", CodingSchemeDesignator="UCUM", CodeMeaning="Becquerels/milliliter"
                ),
            )
    if change:
        change(one)
    return one


def legacy(modality: str, change: Change | None = None) -> Dataset:
    """A Legacy Converted Enhanced PET or CT: what has no functional group stays in classic keywords, unassigned."""
    one = _frame(modality, LEGACY[modality])
    classic = dataset(modality, 0)
    kept = {keyword: classic[keyword].value for keyword in UNASSIGNED_SHARED if keyword in classic}
    shared = one.SharedFunctionalGroupsSequence[0]
    shared.UnassignedSharedConvertedAttributesSequence = group(**kept)
    name = "PETFrameTypeSequence" if modality == "PT" else "CTImageFrameTypeSequence"
    setattr(shared, name, group(FrameType=["ORIGINAL", "PRIMARY", "AXIAL"]))
    for n, item in enumerate(one.PerFrameFunctionalGroupsSequence):
        source = dataset(modality, SLICES - 1 - n)
        item.UnassignedPerFrameConvertedAttributesSequence = group(InstanceNumber=str(source.InstanceNumber))
        item.ConversionSourceAttributesSequence = group(
            ReferencedSOPClassUID=source.SOPClassUID, ReferencedSOPInstanceUID=source.SOPInstanceUID
        )
    if change:
        change(one)
    return one


def _frame(modality: str, sop_class: str) -> Dataset:
    """What both kinds share."""
    first = dataset(modality, 0)
    one = Dataset()
    for keyword in OF_THE_DATASET:
        setattr(one, keyword, first[keyword].value)
    one.SOPClassUID, one.SOPInstanceUID = sop_class, f"{PET_SERIES if modality == 'PT' else CT_SERIES}.100"
    one.InstanceNumber, one.NumberOfFrames = 1, SLICES
    one.SharedFunctionalGroupsSequence = group(
        PixelMeasuresSequence=group(PixelSpacing=[2.0, 3.0], SliceThickness="4"),
        PlaneOrientationSequence=group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
    )
    one.PerFrameFunctionalGroupsSequence = [_own(modality, SLICES - 1 - n) for n in range(SLICES)]
    one.PixelData = b"".join(stored(SLICES - 1 - n, modality).tobytes() for n in range(SLICES))
    return one


def _own(modality: str, k: int) -> Dataset:
    source = dataset(modality, k)
    (item,) = group(
        FrameContentSequence=group(
            FrameAcquisitionDateTime=f"{source.AcquisitionDate}{source.AcquisitionTime}",
            FrameAcquisitionDuration=180000.0,
            InStackPositionNumber=SLICES - k,
        ),
        PlanePositionSequence=group(ImagePositionPatient=list(source.ImagePositionPatient)),
        PixelValueTransformationSequence=group(
            RescaleIntercept=source.RescaleIntercept, RescaleSlope=source.RescaleSlope, RescaleType="US"
        ),
    )
    return item
