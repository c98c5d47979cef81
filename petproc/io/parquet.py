"""Tables as Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from petproc.core.broken import AGAIN, missing, shown, unreadable
from petproc.core.errors import Refusal

if TYPE_CHECKING:
    import pyarrow as pa


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
