"""What quantify reads of a scan: its voxel and stations tables as columns, and its sidecars.

A voxel's `region` is held as the region's label value (`core.regions`), because comparing small numbers is fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Refusal
from petproc.core.regions import REGIONS
from petproc.core.tables import WorksheetRow
from petproc.settings import DEPTH_QUANTILE_OPPOSITE, Analysis

if TYPE_CHECKING:
    import pyarrow as pa

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class ScanTables:
    """A scan as tables.

    `voxels` are columns of the voxel table (`core.tables.VOXEL_COLUMNS`, those of `columns_read`) with regions as label
    values; `stations` columns of `core.tables.Station`, `in_pet` (bool) and `acquisition_min`, an unknown score being
    NaN; `sample` the sidecar of the sample stage, of which `backend`, `scores`, `absent`, `pet_shape` and `pet_affine`
    are read; `acquisition` as the tags tell it and `worksheet` the site's row for it. A scan that an earlier stage
    refused has `refusal` (`code`, `reason`, `remedy`), and an acquisition if it came so far; the rest of it is not
    looked at. `of_region` holds the tables of the regions that another backend segments: of these `voxels`, `stations`,
    `sample` and `refusal` alone are read.
    """

    participant: str
    session: str
    voxels: Columns
    stations: Columns
    sample: Mapping[str, Any]
    acquisition: PetAcquisition | None
    refusal: Mapping[str, str] | None = None
    worksheet: WorksheetRow | None = None
    of_region: Mapping[str, ScanTables] = field(default_factory=dict)

    @property
    def backend(self) -> str:
        return str(self.sample.get("backend", ""))

    @property
    def refused(self) -> Refusal | None:
        if self.refusal is None:
            return None
        return Refusal(**{name: self.refusal[name] for name in ("code", "reason", "remedy")})


def for_backends(by_backend: Mapping[str, ScanTables], analysis: Analysis) -> ScanTables:
    """A scan for `analysis`, each region from the tables of the backend that segments it."""
    elsewhere = {region: by_backend[backend] for region, backend in analysis.elsewhere.items()}
    return replace(by_backend[analysis.backend], of_region=elsewhere)


def columns_read(*coverages: str) -> list[str]:
    """Columns of the voxel table that quantification with these depth quantiles, and their opposites, needs."""
    quantiles = [one for name in coverages for one in (name, DEPTH_QUANTILE_OPPOSITE[name])]
    depths = dict.fromkeys(f"depth_{name}" for name in (*quantiles, "p50", "p90"))
    return ["region", "i", "j", "k", "activity", *depths, "station", "vessel_mm", "myocardium_mm", "lung_mm"]


def stations_read() -> list[str]:
    """Columns of the stations table that quantification needs."""
    return list(_STATION_KINDS)


def voxel_columns(table: pa.Table) -> dict[str, NDArray[Any]]:
    """Columns of a voxel table read from Parquet; region names become label values."""
    columns = {name: table.column(name).to_numpy() for name in table.column_names if name != "region"}
    coded = table.column("region").combine_chunks()
    if not hasattr(coded, "indices"):
        coded = coded.dictionary_encode()
    names = coded.dictionary.to_pylist()
    if unknown := sorted(set(names) - set(REGIONS)):
        raise Refusal(
            "table-region", f"The voxel table names regions not known here: {', '.join(unknown)}.", "Run sample again."
        )
    values = np.array([REGIONS[name].value for name in names], dtype=np.uint8)
    codes = coded.indices.to_numpy(zero_copy_only=False)
    return {"region": values[codes] if len(names) else np.zeros(0, np.uint8), **columns}


def station_columns(table: pa.Table) -> dict[str, NDArray[Any]]:
    """Columns of a stations table read from Parquet; an empty score becomes NaN."""
    return {
        name: table.column(name).combine_chunks().to_numpy(zero_copy_only=False).astype(kind, copy=False)
        for name, kind in _STATION_KINDS.items()
    }


_STATION_KINDS: dict[str, Any] = {
    **dict.fromkeys(("vessel", "region"), object),
    "station": np.int64,
    **dict.fromkeys(("arc_mm", "x_mm", "y_mm", "z_mm", "tangent_x", "tangent_y", "tangent_z"), np.float64),
    **dict.fromkeys(("radius_mm", "ring_score", "visible_fraction", "acquisition_min"), np.float64),
    "in_pet": np.bool_,
}
