"""The frames of an enhanced multi-frame PET or CT, each with a header in the keywords of a classic single image.

What stands in a frame's own functional groups outranks the shared ones, and these outrank the dataset; what says how
pixels are stored and whose they are is the dataset's alone. Nothing is made up: an attribute that the object does not
tell is absent from the frame's header too.
"""

from __future__ import annotations

from itertools import islice

from petproc.dicom.enhanced import classic_values
from petproc.dicom.files import BadFile
from petproc.dicom.header import Header, tag_of
from petproc.dicom.walk import Cut, Elements, Odd, TooMany, items

MULTI_FRAME = (
    "1.2.840.10008.5.1.4.1.1.130",
    "1.2.840.10008.5.1.4.1.1.128.1",
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
)
"""SOP classes: Enhanced PET, Legacy Converted Enhanced PET, Enhanced CT, Legacy Converted Enhanced CT."""
MAX_FRAMES = 100_000
MAX_FRAME_VALUES = 2_000_000
"""Values of all frames together; four thousand frames of a legacy conversion have half a million."""

Values = dict[int, bytes]

_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_MACROS = tuple(
    map(
        tag_of,
        (
            "UnassignedSharedConvertedAttributesSequence",
            "UnassignedPerFrameConvertedAttributesSequence",
            "ConversionSourceAttributesSequence",
            "CTAcquisitionDetailsSequence",
            "CTExposureSequence",
            "CTGeometrySequence",
            "CTImageFrameTypeSequence",
            "CTReconstructionSequence",
            "CTXRayDetailsSequence",
            "CardiacSynchronizationSequence",
            "FrameContentSequence",
            "PETFrameAcquisitionSequence",
            "PETFrameCorrectionFactorsSequence",
            "PETFrameTypeSequence",
            "PETReconstructionSequence",
            "RespiratorySynchronizationSequence",
            "TemporalPositionSequence",
            "PixelMeasuresSequence",
            "PixelValueTransformationSequence",
            "PlaneOrientationSequence",
            "PlanePositionSequence",
        ),
    )
)
"""Functional groups whose one item is taken over, the later ones outranking the earlier ones."""
_WHOLE = (tag_of("RealWorldValueMappingSequence"),)
"""Functional groups kept as the sequences that they are."""
_OF_THE_FILE = tuple(
    map(
        tag_of,
        (
            *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"),
            *("Modality", "PatientID", "PatientName", "PatientBirthDate", "TimezoneOffsetFromUTC"),
            *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation"),
            *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
            *("PixelPaddingValue", "PixelPaddingRangeLimit", "LossyImageCompression"),
        ),
    )
)


def is_multi_frame(header: Header) -> bool:
    """Whether the file holds its images as frames with functional groups."""
    return header.text("SOPClassUID") in MULTI_FRAME


def frame_headers(header: Header) -> tuple[Header, ...]:
    """One header per frame in the keywords of a classic image; `(header,)` for a classic image itself.

    InstanceNumber (0020,0013) is the frame's number from 1 on, ReferencedSOPInstanceUID (0008,1155) the classic image
    that a legacy conversion was made from, where it says so. Raises `BadFile` where the frames that are described are
    not those that are counted.
    """
    if not is_multi_frame(header):
        return (header,)
    claimed = header.integer("NumberOfFrames")
    if not claimed or not 0 < claimed <= MAX_FRAMES:
        words = f"Its NumberOfFrames (0028,0008) is {header.text('NumberOfFrames')}: that cannot be right."
        raise BadFile("frames-inconsistent", words)
    try:
        return _frames(header, claimed)
    except (Cut, Odd, TooMany):
        raise BadFile("frames-inconsistent", "Its functional groups (5200,9230) are damaged.") from None


def _frames(header: Header, claimed: int) -> tuple[Header, ...]:
    dataset, implicit = header.elements.values, header.elements.implicit
    shared_raw, frames_raw = dataset.get(tag_of(_SHARED), b""), dataset.get(tag_of(_PER_FRAME), b"")
    base = {tag: value for tag, value in dataset.items() if tag not in (tag_of(_SHARED), tag_of(_PER_FRAME))}
    of_the_file = {tag: base[tag] for tag in _OF_THE_FILE if tag in base}
    for shared in islice(items(shared_raw, implicit=implicit), 1):
        base |= _flat(shared)
    found: list[Header] = []
    number = held = 0
    for number, item in enumerate(items(frames_raw, implicit=implicit), start=1):
        own = _flat(item)
        held += len(own) + len(base)
        if number > claimed or held > MAX_FRAME_VALUES:
            break
        merged = {**base, tag_of("InstanceNumber"): b"%d" % number, **own, **of_the_file}
        frame = header.with_values(merged)
        merged |= classic_values(frame)
        found.append(frame)
    if held > MAX_FRAME_VALUES:
        raise BadFile("too-many-frames", "Its frames are described by more values than are read.")
    if len(found) != claimed or number != claimed:
        words = f"Its NumberOfFrames (0028,0008) is {claimed}, but PerFrameFunctionalGroupsSequence (5200,9230) "
        raise BadFile("frames-inconsistent", f"{words}describes {'more' if number > claimed else len(found)}.")
    return tuple(found)


def _flat(groups: Elements) -> Values:
    """The attributes of a functional group item, without the sequences that hold them."""
    flat = {tag: groups.values[tag] for tag in _WHOLE if tag in groups.values}
    for tag in _MACROS:
        for item in islice(items(groups.values.get(tag, b""), implicit=groups.implicit), 1):
            flat |= item.values
    return flat
