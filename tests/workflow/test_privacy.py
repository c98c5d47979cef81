"""Whoever a delivery is about, nothing that petproc writes or says tells: every byte of it is searched.

Strings that all begin with one marker are planted in every attribute of the DICOM dictionary that holds text, but for
the few that say how the image was made, and in all other places where a delivery can carry a name.
"""

from __future__ import annotations

import base64
import gzip
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_twin import Change, dataset, files, in_folder, in_zip, index
from pydicom.datadict import DicomDictionary, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian
from studies import petproc

from petproc import layout
from petproc.core.errors import Refusal
from petproc.core.tables import IndexRow, ScanRow
from petproc.ingest import ingest_scan
from petproc.io import read_json, read_rows, read_table, write_rows
from petproc.settings import IngestSettings

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning")

MARK = "zqxj"
BIRTH, BIRTH_TIME = ("19370203", "1937-02-03"), ("031415", "03:14:15")
FIRSTS = (0, 9)
"""The lowest slice, and the one with the lowest SOPInstanceUID: what is read once of a series is read from these."""
PERSON = f"{MARK}-id"
MADE_HOW = {
    *("Manufacturer", "ManufacturerModelName", "ReconstructionMethod", "ConvolutionKernel"),
    *("AttenuationCorrectionMethod", "ScatterCorrectionMethod", "RandomsCorrectionMethod"),
    *("SpecificCharacterSet", "TimezoneOffsetFromUTC", "DecayCorrection", "LossyImageCompression", "SUVType"),
    *("PatientOrientation", "PresentationLUTShape", "ReprojectionMethod", "CountsSource", "DerivationDescription"),
}
"""Attributes about scanner and reconstruction, whose words are results; or that a reader acts on."""
LONG = {"LO": 40, "SH": 16, "AE": 16, "CS": 16, "ST": 200, "LT": 200, "UT": 200, "UC": 200, "PN": 40}
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
    """Every attribute of the dictionary that holds text and whose keyword matches `like`, with a string of its own."""
    return {
        tag: DataElement(tag, vr, token(keyword, vr))
        for tag, (vr, _, _, _, keyword) in DicomDictionary.items()
        if vr in LONG and tag >> 16 not in (0x0000, 0x0002, 0x0004) and re.search(like, keyword)
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
    one.PatientBirthDate, one.PatientBirthTime = BIRTH[0], BIRTH_TIME[0]
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


def said_by(study: Path, delivery: Path) -> str:
    """Everything that the commands print. One scan's files are damaged after the inventory; three scans are excluded
    with the reason that it gave, to spare their time."""
    words = [petproc("init", study).stdout, petproc("inventory", study, *sorted(delivery.iterdir())).stdout]
    words.append(petproc("inventory", study, delivery / token("nowhere")).stdout)
    scans = read_rows(study / layout.SCANS, ScanRow)
    write_rows(study / layout.SCANS, [*scans[:2], *(replace(row, include="no") for row in scans[2:])], ScanRow)
    broken = [Path(row.path) for row in read_rows(layout.path(layout.INDEX, study, series=scans[1].ct), IndexRow)]
    broken[3].write_bytes(broken[3].read_bytes()[:-100])
    broken[4].unlink()
    words += [petproc("suv", path, "--json").stdout for path in (delivery / token("site1"), delivery / "nowhere")]
    words += [petproc("run", study, "--cores", "2").stdout]
    return "\n".join(words)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of deliveries that hold a name wherever one can be, with all that was said in `said.txt`."""
    folder = tmp_path_factory.mktemp("privacy")
    delivery = folder / token("delivery")
    for number, change in enumerate((None, None, turned, two_injections, odd)):
        content = delivered(number, change)
        if number % 2:
            in_folder(delivery / token(f"site{number}"), content)
        else:
            in_zip(delivery / f"{token('site')}{number}.zip", content)
    junk = {"DICOMDIR": MARK.encode(), f"{MARK}.txt": MARK.encode(), f"{MARK}.dcm": b"\0" * 128 + b"DICM" + b"\x08\0"}
    in_folder(delivery / token("junk"), junk)
    study = folder / "study"
    said = said_by(study, delivery)
    (study / "said.txt").write_text(said)
    return study


def layers(content: bytes, depth: int = 0) -> Iterator[bytes]:
    """The content, and what is packed into it: gzip, zip, base64."""
    yield content
    if depth > 4:
        return
    if content[:2] == b"\x1f\x8b":
        yield from layers(zlib.decompressobj(wbits=31).decompress(content), depth + 1)
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from layers(member.encode() + archive.read(member), depth + 1)
    for text in re.findall(rb"[A-Za-z0-9+/]{24,}", content):
        yield from layers(base64.b64decode(text + b"A" * (-len(text) % 4)), depth + 1)


NEEDLES = re.compile("|".join((MARK, "Jane Doe", *map(re.escape, (*BIRTH, *BIRTH_TIME)))).encode(), re.IGNORECASE)


def leaks(content: bytes) -> list[bytes]:
    """What was planted and is there, with what stands around it."""
    return [
        layer[max(0, found.start() - 80) : found.end() + 40]
        for layer in layers(content)
        for found in NEEDLES.finditer(layer)
    ]


def searched(path: Path, root: Path) -> list[str]:
    content = path.read_bytes() if path.is_file() else b""
    if path.suffix == ".parquet":
        content += repr(read_table(path).to_pydict()).encode()
    name = str(path.relative_to(root))
    return [f"{name}: {leak!r}" for leak in (*leaks(content), *leaks(name.encode()))]


def test_nothing_of_the_delivery_is_in_results_decisions_or_logs(study: Path) -> None:
    places = [path for name in ("results", "decisions", ".snakemake") for path in (study / name).rglob("*")]
    assert len([path for path in places if path.suffix == ".json"]) > 10
    assert [leak for path in places for leak in searched(path, study)] == []


def test_nothing_of_the_delivery_is_said(study: Path) -> None:
    said = study / "said.txt"
    assert "sub-001_ses-baseline" in said.read_text()
    assert searched(said, study) == []


def test_one_scan_was_ingested_and_one_refused(study: Path) -> None:
    records = [read_json(path)["petproc"] for path in sorted((study / "results/raw").rglob("*_pet.json"))]
    codes = [record["refusal"]["code"] if record["refusal"] else "" for record in records]
    assert codes == ["", "files-unreadable"]


@pytest.mark.parametrize(
    ("change", "code"), [(turned, "mixed-orientation"), (two_injections, "mixed-series"), (odd, "units-not-supported")]
)
def test_a_refusal_tells_nothing_of_the_delivery(tmp_path: Path, change: Change, code: str) -> None:
    for name, content in delivered(1, change).items():
        in_folder(tmp_path, {Path(name).name: content})
    rows = {
        modality: [
            IndexRow(pydicom.dcmread(path).SOPInstanceUID, str(path), None, path.stat().st_size)
            for path in tmp_path.glob(f"*-{modality}-*")
        ]
        for modality in ("PT", "CT")
    }
    with pytest.raises(Refusal) as refusal:
        ingest_scan(rows["PT"], rows["CT"], settings=IngestSettings(), threads=1, scan="a scan")
    assert refusal.value.code == code
    assert leaks(f"{refusal.value} {refusal.value.__cause__}".encode()) == []


def test_an_original_identifier_is_in_the_key_alone_which_its_owner_alone_can_read(study: Path) -> None:
    key = layout.path(layout.PARTICIPANTS_KEY, study)
    holding = [path for path in study.rglob("*") if path.is_file() and PERSON.encode() in path.read_bytes()]
    assert holding == [key]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_of_the_delivery_config_holds_the_paths_alone(study: Path) -> None:
    allowed = re.compile(rf"{MARK}(?:delivery|site|folder|file|junk)|{MARK}\.(?:txt|dcm)")
    for path in (study / "config").rglob("*"):
        if path.is_file() and path.name != Path(layout.PARTICIPANTS_KEY).name:
            text = path.read_text()
            assert allowed.sub("", text).count(MARK) == 0, path
            assert BIRTH[0] not in text


def test_the_search_finds_what_is_hidden(tmp_path: Path) -> None:
    hidden = base64.b64encode(gzip.compress(b"somebody is called " + MARK.upper().encode()))
    in_zip(tmp_path / "a.zip", {"page.html": b"<img src='data:image/png;base64," + hidden + b"'>"})
    assert searched(tmp_path / "a.zip", tmp_path)


READ = (
    *("Units", "DecayCorrection", "SUVType", "CorrectedImage", "SeriesType", "ImageType", "Modality", "PatientSex"),
    *("InstanceNumber", "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime", "SeriesDate", "SeriesTime"),
    *("TimezoneOffsetFromUTC", "FrameReferenceTime", "ActualFrameDuration", "DecayFactor", "PatientWeight"),
    *("PatientSize", "RescaleSlope", "RescaleIntercept", "PixelSpacing", "ImagePositionPatient", "PatientID"),
    *("ImageOrientationPatient", "FrameOfReferenceUID", "StudyInstanceUID", "SOPClassUID", "LossyImageCompression"),
    *("PhotometricInterpretation", "RescaleType", "PatientBirthDate", "StudyDate", "StudyTime", "ContentTime"),
    *("RadiopharmaceuticalStartTime", "RadiopharmaceuticalStartDateTime", "RadionuclideTotalDose"),
    *("RadionuclideHalfLife", "CodeValue", "CodeMeaning", "CodingSchemeDesignator", "TransferSyntaxUID"),
)
"""Attributes that ingest reads and may speak of."""


@pytest.mark.parametrize("modality", ["PT", "CT"])
@pytest.mark.parametrize("keyword", READ)
def test_a_tag_that_is_read_and_holds_a_name_is_not_quoted(tmp_path: Path, keyword: str, modality: str) -> None:
    content = {"PT": files("PT"), "CT": files("CT")}
    content[modality] = {name: replaced(data, keyword) for name, data in content[modality].items()}
    in_folder(tmp_path, content["PT"] | content["CT"])
    try:
        done = ingest_scan(
            index(tmp_path, "PT"), index(tmp_path, "CT"), settings=IngestSettings(), threads=1, scan="a scan"
        )
        words = repr((done.pet_sidecar, done.ct_sidecar, done.findings, done.acquisition))
    except Refusal as refusal:
        words = f"{refusal.reason} {refusal.remedy} {refusal.code}"
    assert leaks(words.encode()) == []


def replaced(content: bytes, keyword: str) -> bytes:
    """The file with a name in a tag, whatever its VR."""
    one = pydicom.dcmread(io.BytesIO(content))
    name = f"{MARK}^Doe"
    places = [one]
    if "RadiopharmaceuticalInformationSequence" in one:
        given = one.RadiopharmaceuticalInformationSequence[0]
        places += [given, given.RadionuclideCodeSequence[0]]
    place = next((place for place in reversed(places) if keyword in place), one)
    if keyword == "TransferSyntaxUID":
        return content.replace(one.file_meta.TransferSyntaxUID.encode(), f"{name}{MARK * 9}".encode()[:19], 1)
    place[keyword] = DataElement(tag_for_keyword(keyword), "LO", name)
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, one)
    return stream.getvalue()
