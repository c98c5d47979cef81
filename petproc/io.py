"""Files <-> core types: NIfTI, JSON, TSV, Parquet. The same content always gives the same bytes."""

from __future__ import annotations

import csv
import io
import json
import math
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.volume import Labels, Unit, Volume

if typing.TYPE_CHECKING:
    import pyarrow as pa

Row = TypeVar("Row")
EMPTY = "n/a"
GZIP_LEVEL = 1


def write_volume(path: Path, volume: Volume) -> None:
    """NIfTI with world space in scanner RAS+ mm; float32 for PET, int16 for HU."""
    dtype = np.int16 if volume.unit == "HU" else np.float32
    _write_nifti(path, np.asarray(volume.data, dtype=dtype), volume.grid)


def read_volume(path: Path, unit: Unit) -> Volume:
    data, grid = _read_nifti(path)
    dtype = np.int16 if unit == "HU" else np.float32
    return Volume(data.astype(dtype, copy=False), grid, unit)


def write_labels(path: Path, labels: Labels) -> None:
    _write_nifti(path, labels.data, labels.grid)


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


def _write_nifti(path: Path, data: np.ndarray, grid: Grid) -> None:
    import nibabel as nib
    from isal import igzip

    image = nib.Nifti1Image(data, grid.affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(grid.affine, code="scanner")
    image.set_qform(grid.affine, code="scanner")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(igzip.compress(image.to_bytes(), compresslevel=GZIP_LEVEL, mtime=0))


def _read_nifti(path: Path) -> tuple[np.ndarray, Grid]:
    import nibabel as nib
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
        image = nib.Nifti1Image.from_bytes(_decompressed(path.read_bytes()))
        data = np.asanyarray(image.dataobj)
        while data.ndim > 3 and data.shape[-1] == 1:
            data = data[..., 0]
        if data.ndim == 3:
            return data, Grid(data.shape, image.affine)
    except damage:
        raise Refusal(
            "nifti-unreadable", f"{path.name} is not a readable NIfTI file.", "Replace or make it anew."
        ) from None
    raise Refusal("nifti-not-3d", f"{path.name} has {data.ndim} dimensions.", "Give one three-dimensional image.")


def _decompressed(content: bytes) -> bytes:
    from isal import igzip

    return igzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_rows(path: Path, rows: Iterable[Any], kind: type[Any]) -> None:
    """Rows of dataclass `kind` as tab-separated text; a table without rows still has its header."""
    names = [field.name for field in fields(kind)]
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(names)
    writer.writerows([_cell(getattr(row, name)) for name in names] for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), encoding="utf-8")


def read_rows(path: Path, kind: type[Row]) -> list[Row]:
    """Rows of a table written by `write_rows` or by a person; columns may stand in another order, none may lack."""
    readers = {name: _reader(hint) for name, hint in typing.get_type_hints(kind).items()}
    with io.StringIO(_text(path), newline="") as stream:
        table = csv.DictReader(stream, delimiter="\t")
        if missing := set(readers) - set(table.fieldnames or ()):
            raise Refusal(
                "table-columns",
                f"{path.name} lacks the column {', '.join(sorted(missing))}.",
                "Restore it; tables are tab-separated with one header line.",
            )
        rows = []
        for number, line in enumerate(table, start=2):
            try:
                if None in line or None in line.values():
                    raise ValueError("too many cells, or too few")
                rows.append(kind(**{name: read(line[name]) for name, read in readers.items()}))
            except (KeyError, TypeError, ValueError):
                raise Refusal(
                    "table-row", f"{path.name}, line {number}, cannot be read.", "Correct or remove the line."
                ) from None
        return rows


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal("table-encoding", f"{path.name} is not UTF-8 text.", "Save it as tab-separated UTF-8.") from None


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return EMPTY
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return repr(float(value)) if isinstance(value, float) else str(value)


def _reader(hint: Any) -> Any:
    optional = isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint)
    base = next((part for part in typing.get_args(hint) if part is not type(None)), hint) if optional else hint
    convert: Any = {int: int, float: float, bool: lambda cell: {"yes": True, "no": False}[cell]}.get(base, str)

    def read(cell: str) -> Any:
        if optional and cell in ("", EMPTY):
            return None
        return convert(cell)

    return read


def write_table(path: Path, table: pa.Table) -> None:
    """Parquet, one row group, zstd: the same table gives the same bytes."""
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", row_group_size=max(1, table.num_rows))


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=columns)
