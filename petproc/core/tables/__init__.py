"""The rows of every table. A field of a row is a column of the file, in this order; `None` is an empty cell ("n/a").

Text tables are tab-separated UTF-8 with one header line; numbers are written with the shortest digits that give the
same float back. The voxel table is Parquet; its columns are in `VOXEL_COLUMNS`.
"""

from petproc.core.tables.given import IndexRow, Judgement, PointRow, ScanRow, Verdict, WorksheetRow
from petproc.core.tables.measured import (
    ChangeRow,
    FragilityRow,
    InputRow,
    SliceRow,
    Status,
    UptakeRow,
    VesselRow,
    VesselStatus,
)
from petproc.core.tables.voxels import DEPTH_QUANTILES, FAR_MM, SHIFT_MM, SHIFTED, SHIFTS, VOXEL_COLUMNS, Station

__all__ = [
    "DEPTH_QUANTILES",
    "FAR_MM",
    "SHIFTED",
    "SHIFTS",
    "SHIFT_MM",
    "VOXEL_COLUMNS",
    "ChangeRow",
    "FragilityRow",
    "IndexRow",
    "InputRow",
    "Judgement",
    "PointRow",
    "ScanRow",
    "SliceRow",
    "Station",
    "Status",
    "UptakeRow",
    "Verdict",
    "VesselRow",
    "VesselStatus",
    "WorksheetRow",
]
