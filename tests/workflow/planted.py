"""Deliveries of the tiny PET/CT that hold a name wherever one can be.

Strings that all begin with one marker are planted in every attribute of the DICOM dictionary that holds text, but for
the few that say how the image was made, and in all other places where a delivery can carry a name.
"""

from __future__ import annotations

import io
import re
from functools import cache

import numpy as np
import pydicom
from dicom_twin import Change, dataset
from pydicom.datadict import DicomDictionary, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

MARK = "zqxj"
BIRTH_DATE, BIRTH_TIME = "19370203", "031415.926535"
BIRTH = (BIRTH_DATE, "1937-02-03", BIRTH_TIME[:8], "03:14:15.92")
"""As a delivery and as a program may write it."""
FIRSTS = (0, 9)
"""The lowest slice, and the one with the lowest SOPInstanceUID: what is read once of a series is read from these."""
PERSON = f"{MARK}-id"
MADE_HOW = {
    *("Manufacturer", "ManufacturerModelName", "ReconstructionMethod", "ConvolutionKernel"),
    *("AttenuationCorrectionMethod", "ScatterCorrectionMethod", "RandomsCorrectionMethod"),
    *("SpecificCharacterSet", "TimezoneOffsetFromUTC", "DecayCorrection", "LossyImageCompression", "SUVType"),
    *("ContentDate", "ContentTime", "AcquisitionDateTime", "RadiopharmaceuticalStopDateTime"),
    "DecayCorrectionDateTime",
}
"""Attributes about scanner and reconstruction, whose words are results; or that a reader acts on."""
LONG = {"LO": 40, "SH": 16, "AE": 16, "CS": 16, "ST": 200, "LT": 200, "UT": 200, "UC": 200, "PN": 40}
MOMENTS = {"DA": BIRTH_DATE, "TM": BIRTH_TIME, "DT": BIRTH_DATE + BIRTH_TIME}
NESTED = (
    *("RequestAttributesSequence", "ReferencedPatientSequence", "OtherPatientIDsSequence", "PatientBreedCodeSequence"),
    *("PersonIdentificationCodeSequence", "PhysiciansOfRecordIdentificationSequence", "InstitutionCodeSequence"),
    *(
        "OperatorIdentificationSequence",
        "ReferencedStudySequence",
        "OriginalAttributesSequence",
        "ProcedureCodeSequence",
    ),
    *("PerformedProtocolCodeSequence", "ContributingEquipmentSequence", "ContentSequence", "IconImageSequence"),
)
PRIVATE = (
    (0x0009, "GEMS_IDEN_01", 0x01),
    (0x0009, "GEMS_PETD_01", 0x0D),
    (0x0019, "SIEMENS MED", 0x10),
    (0x0029, "SIEMENS CSA HEADER", 0x08),
    (0x0071, "SIEMENS MED PT", 0x22),
    (0x0011, f"{MARK} CREATOR", 0x10),
)


def token(name: object, vr: str = "LO") -> str:
    """A string that tells where it was planted."""
    text = f"{MARK}{re.sub(r'[^A-Za-z0-9]', '', str(name))}"[: LONG.get(vr, 40)]
    return text.upper() if vr in ("CS", "AE") else text


@cache
def _planted(like: str) -> dict[int, DataElement]:
    """Every attribute of the dictionary for text, dates or times whose keyword matches `like`, with what is planted."""
    return {
        tag: DataElement(tag, vr, MOMENTS.get(vr) or token(keyword, vr))
        for tag, (vr, _, _, _, keyword) in DicomDictionary.items()
        if (vr in LONG or vr in MOMENTS) and tag >> 16 not in (0x0000, 0x0002, 0x0004) and re.search(like, keyword)
    }


def plant(one: Dataset, number: int, *, whole: bool) -> None:
    """Fill every attribute that is not there with a string of its own, and replace those that name somebody.

    `whole`: all of the dictionary; else those that speak of people, which is much quicker.
    """
    there = {element.tag for element in one} | {tag_for_keyword(keyword) for keyword in MADE_HOW}
    for tag, element in _planted("" if whole else "Patient|Institution|Physician|Name$|Comment").items():
        if tag not in there:
            one[tag] = element
    one.PatientID, one.IssuerOfPatientID = PERSON + str(number), token("issuer")
    one.PatientName = f"{MARK}Family^{MARK}Given^{MARK}Middle={MARK}Ideographic"
    one.PatientBirthDate, one.PatientBirthTime = BIRTH_DATE, BIRTH_TIME
    one.InstitutionName, one.PatientComments = token("institution"), f"{MARK} comment\r\nof two lines"
    one.SoftwareVersions = [token("software"), token("more")]
    for name in NESTED:
        inner, outer = Dataset(), Dataset()
        inner.PatientName, inner.AccessionNumber = token(f"{name}name", "PN"), token(name, "SH")
        inner.PersonName, inner.TextValue = token(f"{name}person", "PN"), token(f"{name}text", "UT")
        outer.PatientID, outer.CodeMeaning, outer.ReferencedPatientSequence = token(name), token(name), Items([inner])
        setattr(one, name, Items([outer]))
    if "RadiopharmaceuticalInformationSequence" in one:
        given = one.RadiopharmaceuticalInformationSequence[0]
        given.Radiopharmaceutical, given.RadiopharmaceuticalRoute = token("pharmaceutical"), token("route")
        given.PatientName, given.AccessionNumber = token("nestedname", "PN"), token("nestedaccession", "SH")
        given.RadionuclideCodeSequence[0].CodeMeaning = f"{MARK} ^18^Fluorine"
    for group, creator, element in PRIVATE:
        one.private_block(group, creator, create=True).add_new(element, "LO", token(f"{creator}{element}"))
    one.add_new(0x60004000, "LT", token("overlay comment"))
    one.add_new(0xFFFCFFFC, "OB", token("trailing padding").encode())


def written(one: Dataset) -> bytes:
    """As a file, with strings in its preamble and file meta information too."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
    meta.SourceApplicationEntityTitle = token("source", "AE")
    meta.PrivateInformationCreatorUID, meta.PrivateInformation = "1.2.3", token("meta").encode()
    one.file_meta, one.preamble = meta, (MARK * 32).encode()
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, one, enforce_file_format=True)
    return stream.getvalue()


def delivered(number: int, change: Change | None = None, ct_change: Change | None = None) -> dict[str, bytes]:
    """A PET/CT of participant `number` with strings everywhere, as files with such names."""
    made = {}
    for modality, edit in (("PT", change), ("CT", ct_change)):
        for k in range(10):
            one = dataset(modality, k)
            for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
                setattr(one, keyword, f"{getattr(one, keyword)}.{number}")
            one.PixelData = (np.frombuffer(one.PixelData, "<i2") + number).tobytes()
            one.StudyDate = one.SeriesDate = one.AcquisitionDate = f"202501{number + 1:02d}"
            if modality == "PT":
                given = one.RadiopharmaceuticalInformationSequence[0]
                given.RadiopharmaceuticalStartDateTime = f"{one.StudyDate}100000"
            plant(one, number, whole=number == 0 and k in FIRSTS)
            if edit:
                edit(one, k)
            made[f"{token('folder')} {number}/{token('file')}-{modality}-{k}.dcm"] = written(one)
    return made


def turned(one: Dataset, k: int) -> None:
    if k == 4:
        one.ImageOrientationPatient = [0, 1, 0, -1, 0, 0]


def two_injections(one: Dataset, k: int) -> None:
    if k > 4:
        one.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose = "123456789"


def odd(one: Dataset, _: int) -> None:
    one.Units = "of Jane Doe"
    one.InstanceNumber = None
