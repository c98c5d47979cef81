"""Files <-> core types: NIfTI, JSON, TSV, Parquet. The same content always gives the same bytes."""

from __future__ import annotations

import csv
import io
import json
import math
import operator
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from petproc.core.broken import AGAIN, missing, of_results, shown, unreadable
from petproc.core.cells import cell, reader
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.nifti import DATA_OFFSET, nifti_header
from petproc.core.volume import Labels, Unit, Volume

if typing.TYPE_CHECKING:
    import pyarrow as pa

Row = TypeVar("Row")
GZIP_LEVEL = 1
GZIP_BLOCK = 1 << 20
"""Bytes of image that one thread packs at a time; blocks of 1 MiB cost no room against packing the whole at once."""
DEFLATE_RATIO_MAX = 1032
"""No packed file unpacks to more than so many times its size: what claims more is not believed."""


def write_volume(path: Path, volume: Volume, *, threads: int = 1) -> None:
    """NIfTI with world space in scanner RAS+ mm; float32 for PET, int16 for HU; the same bytes for any `threads`."""
    dtype = np.int16 if volume.unit == "HU" else np.float32
    _write_nifti(path, np.asarray(volume.data, dtype=dtype), volume.grid, threads)


def read_volume(path: Path, unit: Unit) -> Volume:
    data, grid = _read_nifti(path)
    dtype = np.int16 if unit == "HU" else np.float32
    return Volume(data.astype(dtype, copy=False), grid, unit)


def write_labels(path: Path, labels: Labels) -> None:
    _write_nifti(path, labels.data, labels.grid, threads=1)


def read_labels(path: Path, names: Mapping[int, str]) -> Labels:
    """Label image of whole numbers from 0 to 255, from petproc or any other program."""
    data, grid = _read_nifti(path)
    whole = np.rint(data)
    if not np.array_equal(whole, data) or whole.min() < 0 or whole.max() > 255:
        raise Refusal(
            "labels-not-labels",
            "The label image holds values other than whole numbers from 0 to 255.",
            "Export a label map, not a probability or an image.",
        )
    return Labels(whole.astype(np.uint8), grid, dict(names))


def _write_nifti(path: Path, data: NDArray[Any], grid: Grid, threads: int) -> None:
    """Blocks of the image go to `threads` compressing threads and from there to the file: no second image is made."""
    from isal import igzip_threaded

    path.parent.mkdir(parents=True, exist_ok=True)
    with igzip_threaded.open(path, "wb", GZIP_LEVEL, threads=max(1, threads), block_size=GZIP_BLOCK) as stream:
        stream.write(nifti_header(grid, data.dtype))
        stream.write(_flat(np.asfortranarray(data)))


def _read_nifti(path: Path) -> tuple[NDArray[Any], Grid]:
    from isal.igzip_lib import IsalError
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    # isal's own annotation says instance where it means class
    isal_error: Any = IsalError
    damage = (
        OSError,
        EOFError,
        ValueError,
        OverflowError,
        isal_error,
        HeaderDataError,
        ImageFileError,
        WrapStructError,
    )
    try:
        with _unpacked(path) as stream:
            return _read_image(stream, path)
    except damage:
        raise Refusal(
            "nifti-unreadable", f"{path.name} is not a readable NIfTI file.", "Replace or make it anew."
        ) from None


def _unpacked(path: Path) -> Any:
    """The bytes of a file, packed or not, as a stream; unpacked in a thread of its own."""
    from isal import igzip_threaded

    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return igzip_threaded.open(path, "rb") if packed else path.open("rb")


def _read_image(stream: Any, path: Path) -> tuple[NDArray[Any], Grid]:
    """Straight into the array that is returned. A header that claims more than the file can hold is a ValueError."""
    from nibabel import Nifti1Header
    from nibabel.volumeutils import apply_read_scaling

    header = Nifti1Header(stream.read(Nifti1Header.sizeof_hdr))
    shape = header.get_data_shape()
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        raise Refusal("nifti-not-3d", f"{path.name} has {len(shape)} dimensions.", "Give one three-dimensional image.")
    dtype, size = header.get_data_dtype(), path.stat().st_size
    if min(shape) < 1 or dtype.kind not in "iuf" or math.prod(shape) * dtype.itemsize > size * DEFLATE_RATIO_MAX:
        raise ValueError("no image")
    if header.get_data_offset() < DATA_OFFSET or np.isinf(header["scl_slope"]):
        raise ValueError("an image inside its own header, or without finite values")
    grid = Grid(shape, header.get_best_affine())
    data = np.empty(shape, dtype, order="F")
    _skip(stream, header.get_data_offset() - Nifti1Header.sizeof_hdr)
    _fill(stream, _flat(data))
    _skip(stream, None)
    slope, intercept = header.get_slope_inter()
    scaled = slope not in (None, 1.0) or intercept not in (None, 0.0)
    return (apply_read_scaling(data, slope, intercept) if scaled else data), grid


def _flat(data: NDArray[Any]) -> memoryview:
    """The bytes of a Fortran-ordered array, first axis fastest as NIfTI wants it, without copying them."""
    return data.T.reshape(-1).view(np.uint8).data


def _fill(stream: Any, target: memoryview) -> None:
    """In pieces: the unpacking stream sets aside as much again as it is asked for at once."""
    here = 0
    while here < len(target):
        got = stream.readinto(target[here : here + GZIP_BLOCK])
        if not got:
            raise EOFError
        here += got


def _skip(stream: Any, size: int | None) -> None:
    """Read `size` bytes and forget them, or all that are left, so that the checksum at the end is looked at."""
    while size is None or size > 0:
        got = len(stream.read(GZIP_BLOCK if size is None else min(size, GZIP_BLOCK)))
        if not got and size is None:
            return
        if not got:
            raise EOFError
        size = None if size is None else size - got


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote; refused where it is not there (`result-missing`) or not whole (`result-unreadable`)."""
    try:
        return json_of_text(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise missing(path) from None
    except UnicodeDecodeError:
        raise unreadable(path) from None


def json_of_text(text: str, path: Path) -> dict[str, Any]:
    """The text of the file at `path`."""
    try:
        content = json.loads(text)
    except ValueError:
        raise unreadable(path) from None
    if not isinstance(content, dict):
        raise unreadable(path)
    return content


def write_rows(path: Path, rows: Iterable[Any], kind: type[Any]) -> None:
    """Rows of dataclass `kind` as tab-separated text; a table without rows still has its header."""
    names = [field.name for field in fields(kind)]
    cells = operator.attrgetter(*names)  # of one name alone it gives the value itself, no tuple
    write_cells(path, names, ((cells(row),) if len(names) == 1 else cells(row) for row in rows))


def write_cells(path: Path, names: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Tab-separated text with `names` as its header; nothing known is `n/a`."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(names)
    writer.writerows([cell(value) for value in row] for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), encoding="utf-8")


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """Rows of a table written by `write_rows` or by a person; columns may stand in another order, none may lack."""
    return rows_of_file(_text(path), kind, path)


def rows_of_file(text: str, kind: type[Row], path: Path) -> list[Row]:
    """Rows of the text of the file at `path`."""
    try:
        return rows_of_text(text, kind, shown(path))
    except Refusal as refusal:
        raise of_results(refusal, path) from None


def rows_of_text(text: str, kind: type[Row], name: str) -> list[Row]:
    """Rows of the text of a table that messages call `name`."""
    readers = {column: reader(hint) for column, hint in typing.get_type_hints(kind).items()}
    with io.StringIO(text, newline="") as stream:
        table = csv.reader(stream, delimiter="\t")
        names = next(table, [])
        header, width = {column: place for place, column in enumerate(names)}, len(names)
        if missing := set(readers) - set(header):
            raise Refusal(
                "table-columns",
                f"{name} lacks the column {', '.join(sorted(missing))}.",
                "Restore it; tables are tab-separated with one header line.",
            )
        cells = [(read, header[column]) for column, read in readers.items()]
        rows = []
        for number, line in enumerate(filter(None, table), start=2):
            try:
                if len(line) != width:
                    raise ValueError("too many cells, or too few")
                rows.append(kind(*[read(line[place]) for read, place in cells]))
            except (KeyError, TypeError, ValueError):
                raise Refusal(
                    "table-row",
                    f"{name}, line {number}, cannot be read.",
                    "Correct or remove the line.",
                ) from None
        return rows


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal(
            "table-encoding", f"{shown(path)} is not UTF-8 text.", "Save it as tab-separated UTF-8."
        ) from None


def write_table(path: Path, table: pa.Table) -> None:
    """Parquet, one row group, LZ4: the same table gives the same bytes.

    Only columns other than floats have a dictionary: of floats, which hardly repeat, it makes a file larger by half.
    LZ4 is read twice as fast as zstd, for a tenth more room.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    repeating = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="lz4", use_dictionary=repeating, row_group_size=max(1, table.num_rows))


def read_table(path: Path, columns: Sequence[str] | None = None, *, coded: Sequence[str] = ()) -> pa.Table:
    """In the calling thread alone, for whoever reads many tables has threads of its own; `coded` are columns of words
    that come as a dictionary and its indices. Refused where the file is not there (`result-missing`), not whole
    (`result-unreadable`) or without one of `columns` (`table-columns`).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, read_dictionary=list(coded), pre_buffer=False) as file:
            table = file.read(columns=columns, use_threads=False)
    except FileNotFoundError:
        raise missing(path) from None
    except (pa.ArrowException, OSError):
        raise unreadable(path) from None
    if lacking := set(columns or ()) - set(table.column_names):
        words = f"{shown(path)} lacks the column {', '.join(sorted(lacking))}."
        raise Refusal("table-columns", words, f"{AGAIN} {shown(path)}")
    return table
