"""Files and core types: there and back, the same bytes for the same content, refusals for what cannot be read."""

import gzip
import math
import tracemalloc
import zlib
from dataclasses import dataclass
from typing import Literal

import nibabel as nib
import numpy as np
import pyarrow as pa
import pytest
from isal import igzip

from petproc import io
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import LABEL_NAMES
from petproc.core.tables import ScanRow
from petproc.core.volume import Labels, Volume


@pytest.fixture
def grid():
    """Axes to the left, back and head, turned by 10 degrees about z."""
    cos, sin = np.cos(np.radians(10)), np.sin(np.radians(10))
    affine = np.array([[-4 * cos, 4 * sin, 0, 120], [-4 * sin, -4 * cos, 0, 90], [0, 0, 3, -400], [0, 0, 0, 1.0]])
    return Grid((4, 5, 6), affine)


@pytest.fixture
def pet(grid):
    return Volume(np.random.default_rng(0).random(grid.shape).astype(np.float32) * 5e4, grid, "Bq/mL")


def test_a_pet_comes_back_as_it_was(tmp_path, pet):
    io.write_volume(tmp_path / "new folder" / "pet.nii.gz", pet)
    back = io.read_volume(tmp_path / "new folder" / "pet.nii.gz", "Bq/mL")
    np.testing.assert_array_equal(back.data, pet.data)
    assert back.data.dtype == np.float32
    assert back.unit == "Bq/mL"
    assert back.grid.matches(pet.grid, tolerance_mm=1e-4)


def test_a_ct_comes_back_in_whole_hounsfield_units(tmp_path, grid):
    ct = Volume(np.arange(-60, 60, dtype=np.int16).reshape(grid.shape), grid, "HU")
    io.write_volume(tmp_path / "ct.nii.gz", ct)
    back = io.read_volume(tmp_path / "ct.nii.gz", "HU")
    np.testing.assert_array_equal(back.data, ct.data)
    assert back.data.dtype == np.int16


def test_labels_come_back_with_their_names(tmp_path, grid):
    labels = Labels(np.arange(120, dtype=np.uint8).reshape(grid.shape) % 6, grid, LABEL_NAMES)
    io.write_labels(tmp_path / "labels.nii.gz", labels)
    back = io.read_labels(tmp_path / "labels.nii.gz", LABEL_NAMES)
    np.testing.assert_array_equal(back.data, labels.data)
    assert back.names == LABEL_NAMES


def test_another_programme_sees_the_same_places_in_both_of_nifti_s_ways(tmp_path, pet):
    io.write_volume(tmp_path / "pet.nii.gz", pet)
    header = nib.load(tmp_path / "pet.nii.gz").header
    for place in (header.get_sform(), header.get_qform()):
        np.testing.assert_allclose(place, pet.grid.affine, atol=1e-4)
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    assert header.get_xyzt_units()[0] == "mm"


def test_labels_of_another_programme_may_be_uncompressed_floats_with_a_fourth_axis_of_one(tmp_path, grid):
    data = (np.arange(120).reshape(grid.shape) % 3).astype(np.float32)
    nib.save(nib.Nifti1Image(data[..., None], grid.affine), tmp_path / "labels.nii")
    back = io.read_labels(tmp_path / "labels.nii", {1: "ascending_aorta"})
    np.testing.assert_array_equal(back.data, data)


@pytest.mark.parametrize("wrong", [0.5, -1.0, 256.0, float("nan")])
def test_an_image_that_is_no_label_map_is_refused(tmp_path, grid, wrong):
    data = np.zeros(grid.shape, np.float32)
    data[1, 2, 3] = wrong
    nib.save(nib.Nifti1Image(data, grid.affine), tmp_path / "map.nii.gz")
    with pytest.raises(Refusal) as refusal:
        io.read_labels(tmp_path / "map.nii.gz", {})
    assert refusal.value.code == "labels-not-labels"


def test_an_image_over_time_is_refused(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2, 3), np.float32), np.eye(4)), tmp_path / "dynamic.nii")
    with pytest.raises(Refusal) as refusal:
        io.read_volume(tmp_path / "dynamic.nii", "Bq/mL")
    assert refusal.value.code == "nifti-not-3d"


@pytest.fixture
def large():
    """A CT of 7 MB, which is packed in several blocks: a ramp with noise."""
    shape = (192, 160, 120)
    noise = np.random.default_rng(1).integers(-40, 40, shape)
    data = (np.arange(shape[0])[:, None, None] * 5 - 1000 + noise).astype(np.int16)
    return Volume(np.asfortranarray(data), Grid(shape, np.diag([-2.0, -2.0, 3.0, 1.0])), "HU")


def test_a_large_image_is_one_gzip_member_that_every_reader_takes(tmp_path, large):
    path = tmp_path / "ct.nii.gz"
    io.write_volume(path, large, threads=2)
    unpacker = zlib.decompressobj(wbits=31)
    content = unpacker.decompress(path.read_bytes())
    assert unpacker.eof and not unpacker.unused_data
    assert content == gzip.decompress(path.read_bytes()) == igzip.decompress(path.read_bytes())
    np.testing.assert_array_equal(np.asanyarray(nib.load(path).dataobj), large.data)
    np.testing.assert_array_equal(io.read_volume(path, "HU").data, large.data)


def test_what_is_packed_is_what_nibabel_would_write(tmp_path, large):
    io.write_volume(tmp_path / "ct.nii.gz", large)
    image = nib.Nifti1Image(large.data, large.grid.affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(large.grid.affine, code="scanner")
    image.set_qform(large.grid.affine, code="scanner")
    assert gzip.decompress((tmp_path / "ct.nii.gz").read_bytes()) == image.to_bytes()


def test_threads_do_not_change_the_bytes(tmp_path, large):
    for threads in (1, 2, 3, 8):
        io.write_volume(tmp_path / f"{threads}.nii.gz", large, threads=threads)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_an_image_is_packed_and_unpacked_without_a_second_one_in_memory(tmp_path):
    empty = Volume(np.zeros((512, 512, 80), np.int16, order="F"), Grid((512, 512, 80), np.eye(4)), "HU")
    io.write_volume(tmp_path / "ct.nii.gz", empty)
    tracemalloc.start()
    try:
        io.write_volume(tmp_path / "ct.nii.gz", empty)
        assert tracemalloc.get_traced_memory()[1] < 0.5 * empty.data.nbytes
        tracemalloc.reset_peak()
        io.read_volume(tmp_path / "ct.nii.gz", "HU")
        assert tracemalloc.get_traced_memory()[1] < 1.5 * empty.data.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("order", ["<", ">"])
def test_scaled_images_of_either_byte_order_are_read_as_nibabel_reads_them(tmp_path, grid, order):
    header = nib.Nifti1Header(endianness=order)
    header.set_data_dtype(np.int16)
    image = nib.Nifti1Image(np.linspace(0, 900, 120).reshape(grid.shape), grid.affine, header)
    nib.save(image, tmp_path / "pet.nii.gz")
    there = nib.load(tmp_path / "pet.nii.gz")
    back = io.read_volume(tmp_path / "pet.nii.gz", "Bq/mL")
    np.testing.assert_array_equal(back.data, there.get_fdata().astype(np.float32))
    np.testing.assert_array_equal(back.grid.affine, there.affine)


def test_what_stands_between_header_and_image_is_passed_over(tmp_path, pet):
    image = nib.Nifti1Image(pet.data, pet.grid.affine)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"taken on a Tuesday"))
    nib.save(image, tmp_path / "pet.nii")
    np.testing.assert_array_equal(io.read_volume(tmp_path / "pet.nii", "Bq/mL").data, pet.data)


def of_header(whole, **fields):
    """The file unpacked, with these fields of its header changed."""
    content = gzip.decompress(whole)
    header = nib.Nifti1Header(content[:348], check=False)
    for name, value in fields.items():
        header[name] = value
    return header.binaryblock + content[348:]


DAMAGES = {
    "a checksum that is another's": lambda whole: whole[:-8] + bytes(4) + whole[-4:],
    "a matrix of a terabyte": lambda whole: gzip.compress(of_header(whole, dim=[3, 9999, 9999, 9999, 1, 1, 1, 1])),
    "a matrix of nothing": lambda whole: of_header(whole, dim=[3, 4, 0, 6, 1, 1, 1, 1]),
    "a matrix below nothing": lambda whole: of_header(whole, dim=[3, -4, 5, 6, 1, 1, 1, 1]),
    "colours": lambda whole: of_header(whole, datatype=128, bitpix=24),
    "an image inside its header": lambda whole: of_header(whole, vox_offset=16.0),
    "an image beyond the end": lambda whole: of_header(whole, vox_offset=1e20),
    "an image nowhere": lambda whole: of_header(whole, vox_offset=np.nan),
    "an endless slope": lambda whole: of_header(whole, scl_slope=np.inf),
    "nothing": lambda _: b"",
    "words": lambda _: b"<html>not found</html>",
    "cut short": lambda whole: whole[: len(whole) // 2],
    "cut within the header of the packing": lambda whole: whole[:15],
    "bits turned": lambda whole: whole[:100] + bytes(255 - byte for byte in whole[100:140]) + whole[140:],
    "places that are none": lambda whole: gzip.decompress(whole)[:280] + bytes(48) + gzip.decompress(whole)[328:],
    "unpacked and cut short": lambda whole: gzip.decompress(whole)[:600],
    "words packed": lambda _: gzip.compress(b"hello"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_image_is_refused_by_name(tmp_path, pet, kind):
    path = tmp_path / "pet.nii.gz"
    io.write_volume(path, pet)
    path.write_bytes(DAMAGES[kind](path.read_bytes()))
    with pytest.raises(Refusal) as refusal:
        io.read_volume(path, "Bq/mL")
    assert refusal.value.code == "nifti-unreadable"
    assert "pet.nii.gz" in refusal.value.reason


@dataclass(frozen=True)
class Row:
    name: str
    size: int
    value: float | None
    note: str | None
    good: bool
    status: Literal["measured", "refused"]


ROWS = [
    Row("aorta, ascending", 3, 0.1, None, True, "measured"),
    Row('the "arch"\tor so', -1, None, "line\nbreak", False, "refused"),
    Row("Gefäß", 10**12, 1e-17, "none", True, "measured"),
]


def test_rows_come_back_as_they_were(tmp_path):
    io.write_rows(tmp_path / "rows.tsv", ROWS, Row)
    assert io.read_rows(tmp_path / "rows.tsv", Row) == ROWS


def test_a_table_is_plain_text_with_one_header_line(tmp_path):
    io.write_rows(tmp_path / "rows.tsv", ROWS[:1], Row)
    assert (tmp_path / "rows.tsv").read_bytes() == (
        b"name\tsize\tvalue\tnote\tgood\tstatus\naorta, ascending\t3\t0.1\tn/a\tyes\tmeasured\n"
    )


def test_a_table_without_rows_has_its_header(tmp_path):
    io.write_rows(tmp_path / "rows.tsv", [], Row)
    assert (tmp_path / "rows.tsv").read_text(encoding="utf-8").startswith("name\t")
    assert io.read_rows(tmp_path / "rows.tsv", Row) == []


def test_a_table_of_one_column_holds_whole_words(tmp_path):
    @dataclass(frozen=True)
    class Name:
        name: str

    io.write_rows(tmp_path / "names.tsv", [Name("sub-001"), Name("sub-002")], Name)
    assert (tmp_path / "names.tsv").read_text() == "name\nsub-001\nsub-002\n"


def test_a_number_that_is_none_is_an_empty_cell(tmp_path):
    io.write_rows(tmp_path / "rows.tsv", [Row("a", 1, math.nan, None, True, "measured")], Row)
    assert io.read_rows(tmp_path / "rows.tsv", Row)[0].value is None


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    row = Row("a", np.int64(3), np.float64(0.1), None, np.bool_(True), "measured")
    io.write_rows(tmp_path / "rows.tsv", [row], Row)
    assert io.read_rows(tmp_path / "rows.tsv", Row) == [Row("a", 3, 0.1, None, True, "measured")]


def table(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "rows.tsv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_person_may_reorder_columns_add_some_and_save_from_a_spreadsheet(tmp_path):
    text = "good\tvalue\textra\tnote\tsize\tstatus\tname\r\nno\t\tx\tn/a\t7\trefused\tb\r\n"
    expected = [Row("b", 7, None, None, False, "refused")]
    assert io.read_rows(table(tmp_path, text, "utf-8-sig"), Row) == expected


HEADER = "name\tsize\tvalue\tnote\tgood\tstatus\n"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("a\tmany\t0.1\tx\tyes\tmeasured", id="a word for a number"),
        pytest.param("a\tn/a\t0.1\tx\tyes\tmeasured", id="nothing where a number must be"),
        pytest.param("a\t1.5\t0.1\tx\tyes\tmeasured", id="a fraction for a whole number"),
        pytest.param("a\t1\t0,1\tx\tyes\tmeasured", id="a comma for a point"),
        pytest.param("a\t1\t0.1\tx\tmaybe\tmeasured", id="neither yes nor no"),
        pytest.param("a\t1\t0.1\tx", id="a line too short"),
        pytest.param("a\t1\t0.1\tx\tyes", id="a line without its last cell"),
        pytest.param("a\t1\t0.1\tx\tyes\tmeasured\tmore", id="a line too long"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_number(tmp_path, line):
    good = "a\t1\t0.1\tx\tyes\tmeasured\n"
    with pytest.raises(Refusal) as refusal:
        io.read_rows(table(tmp_path, HEADER + good + line + "\n"), Row)
    assert refusal.value.code == "table-row"
    assert "line 3" in refusal.value.reason


@pytest.mark.parametrize("text", ["", "name\tsize\n", HEADER.replace("\t", ",")])
def test_a_table_that_lacks_a_column_is_refused_with_its_name(tmp_path, text):
    with pytest.raises(Refusal) as refusal:
        io.read_rows(table(tmp_path, text), Row)
    assert refusal.value.code == "table-columns"
    assert "status" in refusal.value.reason


def test_a_table_in_another_encoding_is_refused(tmp_path):
    with pytest.raises(Refusal) as refusal:
        io.read_rows(table(tmp_path, HEADER + "Gefäß\t1\t0.1\tx\tyes\tmeasured\n", "latin-1"), Row)
    assert refusal.value.code == "table-encoding"


def test_scans_written_by_inventory_can_be_read(tmp_path):
    scans = [ScanRow("01", "baseline", "FDG", "1.2.3", "1.2.4", "yes", "the only attenuation-corrected volume")]
    io.write_rows(tmp_path / "scans.tsv", scans, ScanRow)
    assert io.read_rows(tmp_path / "scans.tsv", ScanRow) == scans


def test_json_keeps_its_order_and_letters(tmp_path):
    content = {"b": [1, 2.5, None], "a": "Gefäß"}
    io.write_json(tmp_path / "x.json", content)
    assert io.read_json(tmp_path / "x.json") == content
    assert list(io.read_json(tmp_path / "x.json")) == ["b", "a"]


def test_json_has_no_number_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        io.write_json(tmp_path / "x.json", {"a": math.nan})
    assert not (tmp_path / "x.json").exists()


@pytest.fixture
def voxels():
    return pa.table({"region": pa.array(["a", "b", "b"]), "activity": pa.array([1.0, 2.0, 3.0], pa.float32())})


def test_a_voxel_table_comes_back_whole_or_by_column(tmp_path, voxels):
    io.write_table(tmp_path / "voxels.parquet", voxels)
    assert io.read_table(tmp_path / "voxels.parquet").equals(voxels)
    assert io.read_table(tmp_path / "voxels.parquet", ["activity"]).column_names == ["activity"]


def test_a_voxel_table_without_rows_comes_back(tmp_path, voxels):
    io.write_table(tmp_path / "voxels.parquet", voxels[:0])
    assert io.read_table(tmp_path / "voxels.parquet").equals(voxels[:0])


def test_the_same_content_gives_the_same_bytes_whatever_its_name(tmp_path, pet, voxels):
    labels = Labels((pet.data > 2e4).astype(np.uint8), pet.grid, {1: "x"})
    for name in ("first", "second"):
        io.write_volume(tmp_path / name / f"{name}.nii.gz", pet)
        io.write_labels(tmp_path / name / f"{name}.labels.nii.gz", labels)
        io.write_rows(tmp_path / name / f"{name}.tsv", ROWS, Row)
        io.write_json(tmp_path / name / f"{name}.json", {"a": 0.1})
        io.write_table(tmp_path / name / f"{name}.parquet", voxels)
    for first in (tmp_path / "first").iterdir():
        second = tmp_path / "second" / first.name.replace("first", "second")
        assert first.read_bytes() == second.read_bytes(), first.name


def test_the_order_in_memory_does_not_change_the_bytes(tmp_path, pet):
    turned = Volume(np.asfortranarray(pet.data), pet.grid, pet.unit)
    io.write_volume(tmp_path / "c.nii.gz", Volume(np.ascontiguousarray(pet.data), pet.grid, pet.unit))
    io.write_volume(tmp_path / "f.nii.gz", turned)
    assert (tmp_path / "c.nii.gz").read_bytes() == (tmp_path / "f.nii.gz").read_bytes()
