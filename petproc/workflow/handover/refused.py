"""What a job leaves that measured nothing: valid, empty files, of which every JSON says why."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np

from petproc.core.grid import Grid
from petproc.core.regions import LABEL_NAMES
from petproc.core.tables import (
    VOXEL_COLUMNS,
    ChangeRow,
    FragilityRow,
    InputRow,
    SliceRow,
    Station,
    UptakeRow,
    VesselRow,
)
from petproc.core.volume import Labels, Volume
from petproc.io import write_json, write_labels, write_rows, write_table, write_volume
from petproc.workflow.handover.images import LabelName

if TYPE_CHECKING:
    import pyarrow as pa

Record = Mapping[str, Any]


def write_refused(files: SimpleNamespace, record: Record) -> None:
    """Valid, empty files in place of what a job did not measure; every JSON file says why."""
    for name, path in vars(files).items():
        EMPTY.get(name, write_json)(path, record)


def _empty_volume(unit: Any) -> Callable[[Path, Record], None]:
    return lambda path, _: write_volume(path, Volume(np.zeros((1, 1, 1)), Grid((1, 1, 1), np.eye(4)), unit))


def _empty_labels(path: Path, _: Record) -> None:
    write_labels(path, Labels(np.zeros((1, 1, 1), np.uint8), Grid((1, 1, 1), np.eye(4)), LABEL_NAMES))


def _empty_rows(kind: type[Any]) -> Callable[[Path, Record], None]:
    return lambda path, _: write_rows(path, [], kind)


def _empty_voxels(path: Path, _: Record) -> None:
    write_table(path, _table(VOXEL_COLUMNS))


def _empty_stations(path: Path, _: Record) -> None:
    kinds = {int: "int64", str: "string"}
    hints = get_type_hints(Station)
    write_table(path, _table({field.name: kinds.get(hints[field.name], "double") for field in fields(Station)}))


def _table(columns: Mapping[str, str]) -> pa.Table:
    import pyarrow as pa

    return pa.schema(list(columns.items())).empty_table()


def _sidecar(path: Path, record: Record) -> None:
    write_json(path, {"petproc": record})


def _page(path: Path, record: Record) -> None:
    refusal = record["refusal"]
    words = html.escape(f"{refusal['reason']} {refusal['remedy']} [{refusal['code']}]")
    path.write_text(f"<!doctype html><meta charset=utf-8><title>petproc</title><p>{words}</p>\n", encoding="utf-8")


def _empty_outcomes(path: Path, _: Record) -> None:
    from petproc.multiverse import Outcome

    write_rows(path, [], Outcome)


def _empty_answers(path: Path, _: Record) -> None:
    from petproc.multiverse import Answer

    write_rows(path, [], Answer)


def _empty_picture(path: Path, _: Record) -> None:
    path.write_bytes(base64.b64decode(PIXEL))


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
"""A PNG of one transparent pixel."""
EMPTY: dict[str, Callable[[Path, Record], None]] = {
    "pet": _empty_volume("Bq/mL"),
    "ct": _empty_volume("HU"),
    "pet_sidecar": _sidecar,
    "ct_sidecar": _sidecar,
    "labels": _empty_labels,
    "label_names": _empty_rows(LabelName),
    "centrelines": _empty_rows(Station),
    "voxels": _empty_voxels,
    "stations": _empty_stations,
    "slices": _empty_rows(SliceRow),
    "uptake": _empty_rows(UptakeRow),
    "vessels": _empty_rows(VesselRow),
    "inputs": _empty_rows(InputRow),
    "change": _empty_rows(ChangeRow),
    "fragility": _empty_rows(FragilityRow),
    "report": _page,
    "specifications": _empty_outcomes,
    "changes": _empty_answers,
    "curve": _empty_picture,
    "page": _page,
}
"""By the name of the output in its rule; all others are JSON and hold the record alone."""
