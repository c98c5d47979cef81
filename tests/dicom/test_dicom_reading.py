"""Files are read once, from wherever they lie; what is wrong with one is said in words and never a crash."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_twin import SLICES, dataset, encoded, files, in_folder, in_zip, index, setting, stored
from pydicom import dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from petproc.core.errors import Refusal
from petproc.core.tables import IndexRow
from petproc.dicom import general, unpacking
from petproc.dicom.files import BadFile, Files
from petproc.dicom.header import Header
from petproc.dicom.instance import check_length, parse, stored_values
from petproc.dicom.rescale import activity, hounsfield
from petproc.dicom.series import read_series


def values(content: bytes) -> np.ndarray:
    header, offset = parse(content)
    return stored_values(header, content, offset)


def _parsed(content: bytes, size: int | None) -> tuple[Header, bytes, int]:
    header, offset = parse(content, size)
    return header, content, offset


def bad(content: bytes, size: int | None = None) -> str:
    with pytest.raises(BadFile) as found:
        stored_values(*_parsed(content, size))
    return found.value.code


def test_header_values_are_those_of_pydicom() -> None:
    content = encoded(dataset("PT", 3))
    header, _ = parse(content)
    truth = dcmread(io.BytesIO(content))
    assert header.text("SOPInstanceUID") == truth.SOPInstanceUID
    assert header.numbers("ImagePositionPatient") == tuple(truth.ImagePositionPatient)
    assert header.integer("Rows") == truth.Rows
    assert header.texts("CorrectedImage") == tuple(truth.CorrectedImage)
    item = header.items("RadiopharmaceuticalInformationSequence")[0]
    assert item.number("RadionuclideTotalDose") == 350e6
    assert item.items("RadionuclideCodeSequence")[0].text("CodeMeaning") == "^18^Fluorine"
    assert header.text("SeriesDescription") is None
    assert header.items("ReferencedImageSequence") == ()


def test_sequences_without_stated_length_are_read_too() -> None:
    one = dataset("PT", 3)
    one["RadiopharmaceuticalInformationSequence"].is_undefined_length = True
    for item in one.RadiopharmaceuticalInformationSequence:
        item.is_undefined_length_sequence_item = True
        item["RadionuclideCodeSequence"].is_undefined_length = True
    header, _ = parse(encoded(one))
    item = header.items("RadiopharmaceuticalInformationSequence")[0]
    assert item.items("RadionuclideCodeSequence")[0].text("CodeValue") == "C-111A1"
    assert header.text("Units") == "BQML"


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless]
)
def test_every_transfer_syntax_gives_the_same_pixels(syntax: str) -> None:
    one = dataset("CT", 4)
    if syntax == RLELossless:
        one.file_meta = dcmread(io.BytesIO(encoded(one))).file_meta
        one.compress(RLELossless, generate_instance_uid=False)
    if syntax == ExplicitVRBigEndian:
        one.PixelData = stored(4, "CT").astype(">i2").tobytes()
        one["PixelData"].VR = "OW"
    content = encoded(one, syntax)
    header, _ = parse(content)
    assert header.numbers("ImagePositionPatient") == (-30.0, -40.0, 16.0)
    assert header.integer("Columns") == 16
    assert np.array_equal(values(content), stored(4, "CT"))


def test_a_file_without_preamble_is_read() -> None:
    content = encoded(dataset("CT", 4))[132:]
    assert np.array_equal(values(content), stored(4, "CT"))


def test_bits_above_the_stored_ones_are_ignored() -> None:
    one = dataset("CT", 0)
    one.BitsStored, one.HighBit = 12, 11
    plane = np.zeros((16, 16), "<u2")
    plane[0, :3] = (0xF005, 0x0FFF, 0x5800)
    one.PixelData = plane.tobytes()
    assert list(values(encoded(one))[0, :3]) == [5, -1, -2048]


@pytest.mark.parametrize("cut", [1, 100, 511])
def test_a_file_that_ends_inside_its_pixels_is_truncated(cut: int) -> None:
    assert bad(encoded(dataset("CT", 0))[:-cut]) == "file-truncated"


def test_truncation_is_seen_from_the_first_kilobytes() -> None:
    content = encoded(dataset("CT", 0))
    header, offset = parse(content, len(content) - 10)
    with pytest.raises(BadFile, match="ends before its pixels"):
        check_length(header, content, offset, len(content) - 10)


def test_a_file_that_ends_inside_its_header_is_truncated() -> None:
    content = encoded(dataset("CT", 0))
    assert bad(content[: content.index(b"1.2.3.20.10") + 4]) == "file-truncated"


def test_a_beginning_of_a_file_says_that_more_is_needed() -> None:
    content = encoded(dataset("CT", 0))
    assert bad(content[:700], len(content)) == "header-incomplete"


@pytest.mark.parametrize("content", [b"", b"x" * 5000, b"%PDF-1.4" + bytes(3000), bytes(200)])
def test_what_is_not_dicom_is_said_to_be_so(content: bytes) -> None:
    assert bad(content) == "not-dicom"


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ("matrix-invalid", {"Rows": 0}),
        ("matrix-invalid", {"Columns": 60000}),
        ("file-truncated", {"Rows": 17}),
        ("multi-frame-not-supported", {"NumberOfFrames": 4}),
        ("colour-not-supported", {"SamplesPerPixel": 3}),
        ("pixel-format-not-supported", {"BitsStored": 20}),
        ("pixels-missing", {"PixelData": None}),
        ("not-dicom", {"SeriesInstanceUID": "../../etc"}),
    ],
)
def test_a_header_that_lies_is_refused(code: str, tags: dict[str, object]) -> None:
    one = dataset("CT", 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns about the value that is wrong on purpose
        setting(**tags)(one, 0)
        content = encoded(one)
    assert bad(content) == code


def test_a_length_beyond_the_end_is_not_believed() -> None:
    content = bytearray(encoded(dataset("CT", 0)))
    at = content.index(b"\xe0\x7f\x10\x00OW")
    content[at + 8 : at + 12] = struct.pack("<I", 0x7FFFFFF0)
    assert bad(bytes(content)) == "file-truncated"


def test_sequences_nested_without_end_are_given_up() -> None:
    deep = b"".join(
        struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
        for _ in range(5000)
    )
    content = encoded(dataset("CT", 0))
    assert bad(content[: content.index(b"\x08\x00\x16\x00UI")] + deep) in ("file-damaged", "file-truncated")


@pytest.mark.parametrize("levels", [17, 1000, 20_000])
@pytest.mark.parametrize("order", ["<", ">"])
def test_sequences_nested_deep_are_refused_at_once_whoever_reads_them(levels: int, order: str) -> None:
    """The general reader's writer would quote itself at every level until the memory ends."""
    one = dataset("PT", 0)
    del one.PixelData
    plain = encoded(one, ExplicitVRLittleEndian if order == "<" else ExplicitVRBigEndian)
    opened = struct.pack(f"{order}HH2sHI", 0x0088, 0x0140, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack(f"{order}HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closed = struct.pack(f"{order}HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    with pytest.raises(BadFile) as refused:
        parse(plain + (opened + item) * levels + closed * levels)
    assert refused.value.code == "file-damaged"


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_general_reader_is_not_given_sixty_thousand_items(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take seconds for each such file of half a megabyte."""
    monkeypatch.setattr(general, "read_dataset", lambda *_, **__: pytest.fail("it was given to the general reader"))
    one = dataset("PT", 0)
    del one.PixelData
    plain = encoded(one, ExplicitVRLittleEndian if order == "<" else ExplicitVRBigEndian)
    odd = struct.pack(f"{order}HH2sHI", 0x0088, 0x0140, b"SQ", 0, 0xFFFFFFFF)
    items = struct.pack(f"{order}HHI", 0xFFFE, 0xE000, 0) * 60_000 + struct.pack(f"{order}HHI", 0xFFFE, 0xE0DD, 0)
    wrong_kind = struct.pack(f"{order}HH2sH", 0x0089, 0x0010, b"??", 0)
    with pytest.raises(BadFile) as refused:
        parse(plain + odd + items + wrong_kind)
    assert refused.value.code == "file-damaged"


def test_a_zip_member_is_read_in_place_and_hashed(tmp_path: Path) -> None:
    content = files("CT")
    archive = in_zip(tmp_path / "d.zip", {f"deep/er/{name}": data for name, data in content.items()})
    rows = [
        IndexRow(row.instance, str(archive), f"deep/er/{Path(row.path).name}", row.size)
        for row in index(tmp_path, "CT")
    ]
    series = read_series(rows, threads=2)
    in_folder(tmp_path, content)
    assert np.array_equal(
        hounsfield(series, threads=2), hounsfield(read_series(index(tmp_path, "CT"), threads=1), threads=1)
    )
    top = series.instances[SLICES - 1]
    assert top.file.sha256 == hashlib.sha256(content["ct-01.dcm"]).hexdigest()
    assert top.file.size == len(content["ct-01.dcm"])


def test_a_damaged_member_is_noticed(tmp_path: Path) -> None:
    archive = in_zip(tmp_path / "d.zip", {"a": encoded(dataset("CT", 0)), "b": b"fine" * 100})
    data = bytearray(archive.read_bytes())
    data[120] ^= 0xFF
    archive.write_bytes(data)
    with Files() as reader:
        with pytest.raises(BadFile, match=r"unpacked|checksum"):
            reader.read(str(archive), "a")
        assert reader.read(str(archive), "b") == b"fine" * 100
        assert reader.read(str(archive), "b", limit=6) == b"finefi"


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_FILE_BYTES", 10_000)
    archive = in_zip(tmp_path / "d.zip", {"bomb": bytes(10_001), "fine": bytes(10_000)})
    with Files() as reader:
        assert len(reader.read(str(archive), "fine")) == 10_000
        with pytest.raises(BadFile) as found:
            reader.read(str(archive), "bomb")
    assert found.value.code == "file-too-large"


def test_a_member_that_lies_about_its_size_is_not_unpacked_further(tmp_path: Path) -> None:
    archive = in_zip(tmp_path / "d.zip", {"bomb": bytes(1_000_000)})
    data = bytearray(archive.read_bytes())
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = struct.pack("<I", 100)
    data[directory + 16 : directory + 20] = struct.pack("<I", zlib.crc32(bytes(1_000_000)))
    archive.write_bytes(data)
    with Files() as reader, pytest.raises(BadFile) as found:
        reader.read(str(archive), "bomb")
    assert found.value.code == "file-damaged"


def test_missing_and_changed_files_are_named_by_instance_and_never_by_path(tmp_path: Path) -> None:
    in_folder(tmp_path, files("CT"))
    rows = index(tmp_path, "CT")
    Path(rows[2].path).unlink()
    Path(rows[5].path).write_bytes(Path(rows[6].path).read_bytes())
    with pytest.raises(Refusal) as refusal:
        read_series(rows, threads=2)
    assert refusal.value.code == "files-unreadable"
    assert "2 files cannot be used: file 3 of 10 (SOPInstanceUID 1.2.3.20.3)" in refusal.value.reason
    assert "file 6 of 10" in refusal.value.reason
    assert str(tmp_path) not in str(refusal.value)


def test_hounsfield_units_are_rounded_and_clipped(tmp_path: Path) -> None:
    def steep(one, k: int) -> None:
        plane = np.zeros((16, 16), "<i2")
        plane[0, :4] = (1, 3, 32767, -32768)
        one.PixelData = plane.tobytes()
        one.RescaleSlope, one.RescaleIntercept = ("0.3", "-10.5") if k % 2 else ("1", "-1024")

    in_folder(tmp_path, files("CT", steep))
    volume = hounsfield(read_series(index(tmp_path, "CT"), threads=2), threads=2)
    assert list(volume[:4, 0, 0]) == [-1023, -1021, 31743, -32768]
    assert list(volume[:4, 0, 1]) == [-10, -10, 9820, -9841]


def test_a_pet_with_an_intercept_is_refused(tmp_path: Path) -> None:
    in_folder(tmp_path, files("PT", setting(RescaleIntercept="5")))
    with pytest.raises(Refusal, match=r"RescaleIntercept \(0028,1052\) is 5; in a PET in BQML it must be 0"):
        activity(read_series(index(tmp_path, "PT"), threads=2), (1.0,) * SLICES, threads=2)


def test_unsigned_pixels_are_not_wrapped(tmp_path: Path) -> None:
    def unsigned(one, k: int) -> None:
        one.PixelRepresentation = 0
        one.PixelData = np.full((16, 16), 65535 if k else 0, "<u2").tobytes()

    in_folder(tmp_path, files("CT", unsigned))
    volume = hounsfield(read_series(index(tmp_path, "CT"), threads=2), threads=2)
    assert volume[0, 0, 0] == -1024
    assert volume[0, 0, 1] == 32767


@pytest.mark.parametrize(
    "tags",
    [
        {"RescaleSlope": None},
        {"RescaleSlope": "-1"},
        {"RescaleSlope": "1e300"},
        {"RescaleIntercept": None},
        {"RescaleIntercept": "9e9"},
    ],
)
def test_pixels_that_cannot_be_rescaled_are_refused(tmp_path: Path, tags: dict[str, object]) -> None:
    in_folder(tmp_path, files("CT", setting(**tags)))
    with pytest.raises(Refusal, match="RescaleSlope"):
        hounsfield(read_series(index(tmp_path, "CT"), threads=2), threads=2)


def element(tag: tuple[int, int], kind: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", *tag, kind, len(value)) + value


def inserted(content: bytes, data: bytes, before: bytes = b"\x20\x00\x0e\x00UI") -> bytes:
    at = content.index(before)
    return content[:at] + data + content[at:]


@pytest.mark.parametrize(
    "extra",
    [
        element((0x0008, 0x0000), b"UL", struct.pack("<I", 4_000_000_000)),
        element((0x0020, 0x0000), b"UL", struct.pack("<I", 0)),
        element((0x0018, 0x0050), b"DS", b"3"),
        element((0x0018, 0x0050), b"US", b"\x03\x00"),
        element((0x0020, 0x000E), b"UI", b"9.9.9"),
        element((0x0018, 0x1111), b"OB", b"")[:6] + b"\0\0" + struct.pack("<I", 3) + b"abc",
    ],
    ids=["group length that lies", "group length of zero", "odd length", "wrong kind", "twice", "odd bytes"],
)
def test_elements_that_are_not_as_they_should_be_do_no_harm(extra: bytes) -> None:
    content = inserted(encoded(dataset("CT", 4)), extra)
    header, _ = parse(content)
    assert header.text("SeriesInstanceUID") == "1.2.3.20"
    assert np.array_equal(values(content), stored(4, "CT"))


def test_a_value_of_the_wrong_kind_reads_as_none_or_as_its_text() -> None:
    one = encoded(dataset("PT", 3))
    content = inserted(one, element((0x0020, 0x0032), b"US", b"\x03\x00"), b"\x20\x00\x37\x00DS")
    assert parse(content)[0].numbers("ImagePositionPatient") is None


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_file_that_names_another_kind_of_elements_than_it_has_is_read(syntax: str) -> None:
    other = ImplicitVRLittleEndian if syntax == ExplicitVRLittleEndian else ExplicitVRLittleEndian
    right, wrong = encoded(dataset("CT", 4), syntax), encoded(dataset("CT", 4), other)
    start = b"\x08\x00\x08\x00"
    mixed = wrong[: wrong.index(start)] + right[right.index(start) :]
    try:
        assert np.array_equal(values(mixed), stored(4, "CT"))
    except BadFile as found:
        assert syntax == ExplicitVRLittleEndian  # typed elements called untyped: lengths make no sense
        assert found.code in ("file-damaged", "file-truncated")  # noqa: PT017


def test_a_sequence_of_unknown_kind_is_read_as_what_it_holds() -> None:
    one = dataset("PT", 3)
    content = encoded(one)
    inside = encoded(one, ImplicitVRLittleEndian)
    tag = b"\x54\x00\x16\x00"
    at, there = content.index(tag + b"SQ"), inside.index(tag)
    (length,) = struct.unpack_from("<I", content, at + 8)
    (size,) = struct.unpack_from("<I", inside, there + 4)
    unknown = tag + b"UN\0\0" + struct.pack("<I", size) + inside[there + 8 : there + 8 + size]
    header, _ = parse(content[:at] + unknown + content[at + 12 + length :])
    (dose,) = header.items("RadiopharmaceuticalInformationSequence")
    assert dose.number("RadionuclideTotalDose") == 350e6
    assert dose.items("RadionuclideCodeSequence")[0].text("CodeValue") == "C-111A1"


def test_more_elements_than_any_header_has_are_refused() -> None:
    many = b"".join(element((0x0019, number), b"LO", b"") for number in range(0x1000, 0x1000 + 11_000))
    content = inserted(encoded(dataset("CT", 0)), many)
    assert bad(content) == "file-damaged"


def test_a_meta_header_without_types_is_read() -> None:
    content = encoded(dataset("CT", 4))
    start = content.index(b"\x08\x00\x08\x00CS")
    syntax = b"1.2.840.10008.1.2.1\0"
    meta = struct.pack("<HHI", 2, 0x0010, len(syntax)) + syntax
    assert np.array_equal(values(content[:132] + meta + content[start:]), stored(4, "CT"))
