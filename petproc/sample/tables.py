"""The voxel table and the stations table as Arrow tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from petproc.core.acquisition import PetAcquisition
from petproc.core.grid import Grid
from petproc.core.tables import DEPTH_QUANTILES, SHIFTED, VOXEL_COLUMNS, Station
from petproc.core.volume import Volume
from petproc.sample.rows import Rows

STATION_TYPES: dict[str, pa.DataType] = {
    "vessel": pa.string(),
    "station": pa.int16(),
    "region": pa.string(),
    **{field.name: pa.float64() for field in fields(Station)[3:]},
    "in_pet": pa.bool_(),
    "acquisition_min": pa.float64(),
    "pet_k": pa.float64(),
}
"""A `Station` where it was sampled (moved by the alignment if that was applied), and beside it: `in_pet`, whether the
whole cross-section lies in the PET volume with one voxel to spare; `acquisition_min` from injection to the start of
the acquisition there, null where unknown or outside the volume; `pet_k` PET slice of the station, fractions allowed."""


def voxel_table(
    rows: Mapping[str, Rows], distances: Mapping[str, Mapping[str, NDArray[np.float32]]], pet: Volume
) -> pa.Table:
    """Columns `VOXEL_COLUMNS` of all regions in the order of `rows`, which are sorted; distances by region."""
    tables = [_voxels(region, rows[region], distances[region], pet) for region in rows]
    return pa.concat_tables([_voxel_schema().empty_table(), *tables]).combine_chunks()


def _voxels(region: str, rows: Rows, distances: Mapping[str, NDArray[np.float32]], pet: Volume) -> pa.Table:
    i, j, k = rows.index.T
    columns: dict[str, NDArray[Any]] = {
        "i": i,
        "j": j,
        "k": k,
        "activity": pet.data[i, j, k],
        **{f"depth_p{q}": rows.depth[:, n] for n, q in enumerate(DEPTH_QUANTILES)},
        "station": rows.station,
        "angle_deg": rows.angle_deg,
        **distances,
        **{name: rows.shifted[:, n] for n, name in enumerate(SHIFTED.values())},
    }
    arrays = {
        name: pa.array(column.astype(VOXEL_COLUMNS[name]), from_pandas=name in SHIFTED.values())  # null where unknown
        for name, column in columns.items()
    }
    arrays["region"] = pa.repeat(pa.scalar(region), len(rows))
    return pa.table([arrays[name] for name in VOXEL_COLUMNS], schema=_voxel_schema())


def _voxel_schema() -> pa.Schema:
    return pa.schema([(name, pa.type_for_alias(kind)) for name, kind in VOXEL_COLUMNS.items()])


def station_table(stations: Sequence[Station], pet: Grid, acquisition: PetAcquisition) -> pa.Table:
    """One row per station in the order given, columns `STATION_TYPES`."""
    index = pet.to_index(np.array([(s.x_mm, s.y_mm, s.z_mm) for s in stations]).reshape(-1, 3))
    extra = [
        {
            "in_pet": _in_pet(station, pet),
            "acquisition_min": _uptake_min(acquisition, float(place[2]), pet.shape[2]),
            "pet_k": float(place[2]),
        }
        for station, place in zip(stations, index, strict=True)
    ]
    rows = [asdict(station) | more for station, more in zip(stations, extra, strict=True)]
    return pa.Table.from_pylist(rows, schema=pa.schema(list(STATION_TYPES.items())))


def _in_pet(station: Station, pet: Grid) -> bool:
    """Whether the circle of the station's radius lies within the volume's faces less one voxel."""
    tangent = np.array([station.tangent_x, station.tangent_y, station.tangent_z])
    first = np.cross(tangent, np.eye(3)[np.argmin(np.abs(tangent))])
    first /= np.linalg.norm(first)
    second = np.cross(tangent / np.linalg.norm(tangent), first)
    turn = np.radians(np.arange(0, 360, 10))[:, None]
    centre = np.array([station.x_mm, station.y_mm, station.z_mm])
    index = pet.to_index(centre + station.radius_mm * (np.cos(turn) * first + np.sin(turn) * second))
    return bool((index >= 0.5).all() and (index <= np.array(pet.shape) - 1.5).all())


def _uptake_min(acquisition: PetAcquisition, pet_k: float, slices: int) -> float | None:
    k = round(pet_k)
    return acquisition.uptake_min(k) if 0 <= k < slices else None
