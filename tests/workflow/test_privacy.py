"""Whoever a delivery is about, nothing that petproc writes or says tells: every byte of it is searched."""

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
from pathlib import Path

import pydicom
import pytest
from dicom_twin import Change, files, in_folder, in_zip, index
from planted import BIRTH, BIRTH_DATE, MARK, PERSON, delivered, odd, token, turned, two_injections
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from studies import petproc

from petproc import layout
from petproc.core.errors import Refusal
from petproc.core.tables import IndexRow, ScanRow
from petproc.ingest import ingest_scan
from petproc.io import read_json, read_rows, read_table, write_rows
from petproc.settings import IngestSettings

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning")


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


NEEDLES = re.compile("|".join((MARK, "Jane Doe", *map(re.escape, BIRTH))).encode(), re.IGNORECASE)


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
            assert BIRTH_DATE not in text


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
