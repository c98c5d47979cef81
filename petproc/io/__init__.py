"""Files <-> core types: NIfTI, JSON, TSV, Parquet. The same content always gives the same bytes."""

from petproc.io.images import read_labels, read_volume, write_labels, write_volume
from petproc.io.parquet import read_table, write_table
from petproc.io.text import (
    each_row,
    json_of_text,
    read_json,
    read_rows,
    rows_into,
    rows_of_file,
    rows_of_text,
    write_cells,
    write_json,
    write_rows,
)

__all__ = [
    "each_row",
    "json_of_text",
    "read_json",
    "read_labels",
    "read_rows",
    "read_table",
    "read_volume",
    "rows_into",
    "rows_of_file",
    "rows_of_text",
    "write_cells",
    "write_json",
    "write_labels",
    "write_rows",
    "write_table",
    "write_volume",
]
