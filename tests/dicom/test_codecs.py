"""Compressed pixels come back exactly or not at all; what a codestream claims is checked before it is decoded."""

from __future__ import annotations

import io
import random
import struct

import numpy as np
import pytest
from dicom_twin import dataset, encoded, stored
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from petproc.dicom import general
from petproc.dicom.files import BadFile
from petproc.dicom.header import Header
from petproc.dicom.instance import parse, stored_values
from petproc.dicom.pixels import padding

BY_PYDICOM = (RLELossless, JPEGLSLossless, JPEG2000Lossless)
ENCODERS = {
    RLELossless: "pydicom",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
}
BY_HAND = {JPEGLossless: 7, JPEGLosslessSV1: 1}
"""JPEG lossless, which pydicom cannot write, and its predictor."""
EXACT = (*BY_PYDICOM, *BY_HAND)
SHAPE = (48, 40)


def image(kind: str, bits: int) -> np.ndarray:
    """Noise over the whole range of `bits` bits, the extremes in the first corner."""
    kind_of_number = np.dtype(kind)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind_of_number.kind == "i" else (0, 2**bits - 1)
    values = np.random.default_rng(bits).integers(low, high, SHAPE, endpoint=True, dtype=np.int64)
    values[0, :2] = low, high
    return values.astype(kind_of_number)


def holding(values: np.ndarray, bits: int) -> Dataset:
    one = dataset("CT", 0)
    one.Rows, one.Columns = values.shape
    one.BitsAllocated, one.BitsStored, one.HighBit = values.dtype.itemsize * 8, bits, bits - 1
    one.PixelRepresentation = int(values.dtype.kind == "i")
    one.PixelData = values.astype(values.dtype.newbyteorder("<")).tobytes()
    one["PixelData"].VR = "OW"
    return one


def compressed(one: Dataset, syntax: str) -> Dataset:
    if syntax in BY_HAND:
        plane = np.frombuffer(one.PixelData, f"<u{one.BitsAllocated // 8}").reshape(one.Rows, one.Columns)
        return packed(one, jpeg_lossless(plane, one.BitsStored, BY_HAND[syntax]))
    one.file_meta = dcmread(io.BytesIO(encoded(one))).file_meta
    one.compress(syntax, encoding_plugin=ENCODERS[syntax], generate_instance_uid=False)
    return one


def jpeg_lossless(plane: np.ndarray, bits: int, predictor: int) -> bytes:
    """JPEG process 14 (ITU-T T.81, H), written by hand: every category of difference has a code of five bits."""
    mask = 2**bits - 1
    values = plane.astype(np.int64) & mask
    rows, columns = values.shape
    head = b"\xff\xd8\xff\xc3" + struct.pack(">HBHHB3B", 11, bits, rows, columns, 1, 1, 0x11, 0)
    head += b"\xff\xc4" + struct.pack(">HB16B", 19 + 17, 0, *[0] * 4, 17, *[0] * 11) + bytes(range(17))
    head += b"\xff\xda" + struct.pack(">HB2B3B", 8, 1, 1, 0, predictor, 0, 0)
    text = []
    for row in range(rows):
        for column in range(columns):
            left, above = values[row, column - 1], values[row - 1, column]
            if row and column:
                expected = {1: left, 2: above, 7: (left + above) // 2}[predictor]
            else:
                expected = 2 ** (bits - 1) if row == column == 0 else left if column else above
            difference = (int(values[row, column] - expected) + 32768) % 65536 - 32768
            if difference == -32768:
                text.append(f"{16:05b}")
                continue
            size = abs(difference).bit_length()
            low = difference if difference >= 0 else difference + 2**size - 1
            text.append(f"{size:05b}" + (f"{low:0{size}b}" if size else ""))
    stream = "".join(text)
    stream += "1" * (-len(stream) % 8)
    data = bytes(int(stream[n : n + 8], 2) for n in range(0, len(stream), 8)).replace(b"\xff", b"\xff\0")
    return head + data + b"\xff\xd9" + b"\0" * (len(head + data) % 2)


def packed(one: Dataset, *fragments: bytes) -> Dataset:
    one.PixelData = encapsulate(list(fragments), has_bot=len(fragments) == 1)
    one["PixelData"].VR, one["PixelData"].is_undefined_length = "OB", True
    return one


def codestream(one: Dataset) -> bytes:
    """The one fragment behind its offset table."""
    data = bytes(one.PixelData)
    (table,) = struct.unpack_from("<I", data, 4)
    (length,) = struct.unpack_from("<I", data, 12 + table)
    return data[16 + table : 16 + table + length]


def values(content: bytes) -> np.ndarray:
    header, offset = parse(content)
    return stored_values(header, content, offset)


def bad(one: Dataset, syntax: str) -> BadFile:
    with pytest.raises(BadFile) as found:
        values(encoded(one, syntax))
    return found.value


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize(("kind", "bits"), [("u1", 8), ("i1", 8), ("u2", 16), ("i2", 16), ("u4", 32), ("i4", 32)])
def test_plain_pixels_of_every_type_come_back(syntax: str, kind: str, bits: int) -> None:
    expected = image(kind, bits)
    one = holding(expected, bits)
    if syntax == ExplicitVRBigEndian:  # in OW, bytes too are kept as words
        one.PixelData = np.frombuffer(one.PixelData, f"<u{max(2, bits // 8)}").byteswap().tobytes()
    got = values(encoded(one, syntax))
    assert got.dtype.kind == expected.dtype.kind
    assert np.array_equal(got, expected)


@pytest.mark.parametrize("syntax", EXACT)
@pytest.mark.parametrize(("kind", "bits"), [("u1", 8), ("u2", 12), ("u2", 16), ("i2", 12), ("i2", 16)])
def test_lossless_pixels_of_every_type_come_back(syntax: str, kind: str, bits: int) -> None:
    expected = image(kind, bits)
    content = encoded(compressed(holding(expected, bits), syntax), syntax)
    got = values(content)
    assert got.dtype == expected.dtype
    assert np.array_equal(got, expected)
    assert not parse(content)[0].lossy


def rle(plane: np.ndarray) -> bytes:
    """Every byte of every pixel as it is, the highest first (PS3.5 G.3), in runs of at most 128."""
    segments = []
    for byte in reversed(range(plane.dtype.itemsize)):
        data = plane.reshape(-1).view("u1")[byte :: plane.dtype.itemsize].tobytes()
        runs = [data[n : n + 128] for n in range(0, len(data), 128)]
        segments.append(b"".join(bytes([len(run) - 1]) + run for run in runs))
    starts = [64 + sum(map(len, segments[:n])) for n in range(len(segments))]
    return struct.pack("<16I", len(segments), *starts, *[0] * (15 - len(starts))) + b"".join(segments)


@pytest.mark.parametrize(("kind", "bits"), [("u1", 8), ("i2", 16), ("u4", 32), ("i4", 32)])
def test_rle_written_by_hand_comes_back(kind: str, bits: int) -> None:
    expected = image(kind, bits)
    assert np.array_equal(values(encoded(packed(holding(expected, bits), rle(expected)), RLELossless)), expected)


@pytest.mark.parametrize("syntax", EXACT)
def test_one_image_may_lie_in_several_fragments(syntax: str) -> None:
    expected = image("u2", 12)
    one = compressed(holding(expected, 12), syntax)
    whole = codestream(one)
    content = bytes(packed(one, whole).PixelData)
    half = len(whole) // 4 * 2
    items = [b"", whole[:half], whole[half:]]
    one.PixelData = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(item)) + item for item in items)
    assert len(one.PixelData) > len(content) - 16
    assert np.array_equal(values(encoded(one, syntax)), expected)


def lossy_jpeg() -> Dataset:
    smooth = np.add.outer(np.arange(SHAPE[0]), np.arange(SHAPE[1])).astype("u1")
    stream = io.BytesIO()
    Image.fromarray(smooth).save(stream, "JPEG", quality=90)
    return packed(holding(smooth, 8), stream.getvalue() + b"\0" * (len(stream.getvalue()) % 2))


def test_lossy_jpeg_is_decoded_and_known_to_be_lossy() -> None:
    content = encoded(lossy_jpeg(), JPEGBaseline8Bit)
    smooth = np.add.outer(np.arange(SHAPE[0]), np.arange(SHAPE[1]))
    assert np.abs(values(content).astype(int) - smooth).max() <= 3
    assert parse(content)[0].lossy
    assert parse(encoded(lossy_jpeg(), JPEGExtended12Bit))[0].lossy


def test_jpeg_2000_and_jpeg_ls_tell_themselves_whether_they_are_lossy() -> None:
    def lossy(syntax: str, **options: object) -> bool:
        one = holding(image("u2", 12), 12)
        one.file_meta = dcmread(io.BytesIO(encoded(one))).file_meta
        one.compress(syntax, generate_instance_uid=False, **options)
        return parse(encoded(one, syntax))[0].lossy

    assert lossy(JPEG2000, j2k_cr=[20])
    assert lossy(JPEGLSNearLossless, jls_error=3)
    assert not lossy(JPEGLSNearLossless, jls_error=0)
    reversible = compressed(holding(image("u2", 12), 12), JPEG2000Lossless)
    assert not parse(encoded(reversible, JPEG2000))[0].lossy


def test_what_was_lossy_once_stays_so_whatever_it_is_kept_as() -> None:
    one = dataset("CT", 0)
    assert not parse(encoded(one))[0].lossy
    one.LossyImageCompression = "01"
    assert parse(encoded(one))[0].lossy


@pytest.mark.parametrize("syntax", EXACT)
@pytest.mark.parametrize(("rows", "columns"), [(48, 41), (4096, 4096), (24, 40)])
def test_a_codestream_of_another_size_than_the_header_is_not_decoded(syntax: str, rows: int, columns: int) -> None:
    one = compressed(holding(image("u2", 12), 12), syntax)
    one.Rows, one.Columns = rows, columns
    assert bad(one, syntax).code == "file-damaged"


def edited(one: Dataset, marker: bytes, at: int, new: bytes) -> Dataset:
    code = bytearray(codestream(one))
    here = code.index(marker) + at
    code[here : here + len(new)] = new
    return packed(one, bytes(code))


@pytest.mark.parametrize(
    ("syntax", "marker", "at", "new"),
    [
        (JPEGLosslessSV1, b"\xff\xc3", 5, struct.pack(">HH", 65500, 65500)),
        (JPEGLosslessSV1, b"\xff\xc3", 0, b"\xff\xc2"),
        (JPEGLosslessSV1, b"\xff\xc3", 9, b"\x03"),
        (JPEGLSLossless, b"\xff\xf7", 5, struct.pack(">HH", 65500, 65500)),
        (JPEG2000Lossless, b"\xff\x51", 6, struct.pack(">II", 1 << 30, 1 << 30)),
        (JPEG2000Lossless, b"\xff\x51", 22, struct.pack(">II", 1, 1)),
        (JPEG2000Lossless, b"\xff\x51", 38, struct.pack(">H", 16000)),
        (JPEG2000Lossless, b"\xff\x51", 40, b"\x25"),
        (JPEG2000Lossless, b"\xff\x52", 9, b"\xff"),
        (JPEG2000Lossless, b"\xff\x4f", 0, b"\0\0"),
    ],
)
def test_a_codestream_that_claims_absurd_sizes_is_not_decoded(
    syntax: str, marker: bytes, at: int, new: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: str) -> None:
        pytest.fail("a decoder was called")

    one = edited(compressed(holding(image("u2", 12), 12), syntax), marker, at, new)
    monkeypatch.setattr(general, "get_decoder", never)
    assert bad(one, syntax).code == "file-damaged"


@pytest.mark.parametrize("syntax", EXACT)
@pytest.mark.parametrize("kept", [0.02, 0.2, 0.5, 0.9])
def test_a_truncated_codestream_is_refused_and_never_filled_up(syntax: str, kept: float) -> None:
    one = compressed(holding(image("u2", 12), 12), syntax)
    whole = codestream(one)
    assert bad(packed(one, whole[: int(len(whole) * kept) // 2 * 2]), syntax).code == "file-damaged"


def test_an_rle_bomb_is_counted_before_it_is_decoded() -> None:
    segment = b"\x81\x00" * 5000
    header = struct.pack("<16I", 2, 64, 64 + len(segment), *[0] * 13)
    found = bad(packed(holding(image("u2", 16), 16), header + segment + segment), RLELossless)
    assert found.code == "file-damaged"
    assert "more or fewer pixels" in found.reason


def test_a_deflated_bomb_is_inflated_no_further_than_its_image() -> None:
    one = holding(image("u2", 16), 16)
    one.add_new(0x7FE10010, "LO", "MAKER")
    one.add_new(0x7FE11001, "OB", bytes(50_000_000))
    content = encoded(one, DeflatedExplicitVRLittleEndian)
    import tracemalloc

    tracemalloc.start()
    assert np.array_equal(values(content), image("u2", 16))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.102"])
def test_a_syntax_that_nobody_reads_is_named(syntax: str) -> None:
    found = bad(packed(holding(image("u2", 12), 12), b"\0" * 100), syntax)
    assert found.code == "transfer-syntax-not-supported"
    assert syntax in found.reason


def test_floating_point_pixels_are_refused() -> None:
    one = dataset("CT", 0)
    del one.PixelData
    one.FloatPixelData = np.zeros((16, 16), "<f4").tobytes()
    one.BitsAllocated, one.BitsStored, one.HighBit = 32, 32, 31
    assert bad(one, ExplicitVRLittleEndian).code == "float-pixels-not-supported"


@pytest.mark.parametrize("bits", [1, 12, 24, 64])
def test_pixels_that_are_not_whole_bytes_of_a_number_are_refused(bits: int) -> None:
    one = holding(image("u2", 16), 16)
    one.BitsAllocated = one.BitsStored = bits
    one.HighBit = bits - 1
    one.PixelData = bytes(10_000)
    assert bad(one, ExplicitVRLittleEndian).code == "pixel-format-not-supported"


def header_with(kind: str, bits: int, **tags: object) -> tuple[Header, bytes, int]:
    one = holding(image(kind, bits), bits)
    for keyword, value in tags.items():
        one.add_new(keyword, "SS" if kind == "i2" else "US", value)
    content = encoded(one)
    return parse(content)[0], content, parse(content)[1]


@pytest.mark.parametrize(
    ("kind", "value", "limit", "expected"),
    [
        ("i2", -2000, None, (-2000, -2000)),
        ("u2", 63536, None, (63536, 63536)),
        ("i2", -2000, -1500, (-2000, -1500)),
        ("i2", -1500, -2000, (-2000, -1500)),
        ("u2", 0, 10, (0, 10)),
        ("u2", None, None, None),
    ],
)
def test_padding_is_told_in_stored_values(
    kind: str, value: int | None, limit: int | None, expected: tuple[int, int] | None
) -> None:
    tags = {"PixelPaddingValue": value, "PixelPaddingRangeLimit": limit}
    header, _, _ = header_with(kind, 16, **{key: given for key, given in tags.items() if given is not None})
    assert padding(header) == expected


def test_padding_called_unsigned_in_a_signed_image_is_signed_all_the_same() -> None:
    one = holding(image("i2", 16), 16)
    one.add_new("PixelPaddingValue", "US", 63536)  # as one maker writes -2000
    assert padding(parse(encoded(one))[0]) == (-2000, -2000)


def test_padding_beyond_the_stored_bits_is_no_measurement_of_them() -> None:
    plane = image("u2", 12)
    plane[0, :3] = 0xF830, 0x0830, 0xF831
    one = holding(plane, 12)
    one.add_new("PixelPaddingValue", "US", 0xF830)
    content = encoded(one)
    assert list(values(content)[0, :3]) == [0xF830, 0x0830, 0x0831]
    assert padding(parse(content)[0]) == (0xF830, 0xF830)


def test_a_compressed_file_changed_at_random_is_read_or_refused_and_never_a_crash() -> None:
    chance = random.Random(20250103)
    syntaxes = (*EXACT, JPEGBaseline8Bit)
    originals = [
        encoded(
            lossy_jpeg() if syntax == JPEGBaseline8Bit else compressed(holding(image("u2", 12), 12), syntax), syntax
        )
        for syntax in syntaxes
    ]
    starts = [parse(content)[1] for content in originals]
    outcomes = set()
    for _ in range(400):
        which = chance.randrange(len(originals))
        content = bytearray(originals[which])
        for _ in range(chance.choice((1, 3))):
            at = chance.randrange(starts[which], len(content))
            content[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
        try:
            values(bytes(content))
            outcomes.add("read")
        except BadFile as found:
            outcomes.add(found.code)
    assert outcomes >= {"read", "file-damaged", "file-truncated"}


def test_the_twin_itself_is_read() -> None:
    assert np.array_equal(values(encoded(dataset("CT", 2))), stored(2, "CT"))
