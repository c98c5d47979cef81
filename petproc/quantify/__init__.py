"""From a scan's tables to its numbers: which stations count, the blood pool, slices, metrics. Opens no image."""

from petproc.quantify.measured import Quantified, quantify_scan, quantify_study
from petproc.quantify.rows import excluded_rows
from petproc.quantify.scan import Memo
from petproc.quantify.tables import (
    ScanTables,
    columns_read,
    for_backends,
    station_columns,
    stations_read,
    voxel_columns,
)

__all__ = [
    "Memo",
    "Quantified",
    "ScanTables",
    "columns_read",
    "excluded_rows",
    "for_backends",
    "quantify_scan",
    "quantify_study",
    "station_columns",
    "stations_read",
    "voxel_columns",
]
