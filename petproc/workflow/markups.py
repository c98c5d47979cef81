"""Points set in 3D Slicer into `config/points.tsv`: its Markups JSON files (`.mrk.json`, slicer.readthedocs.io).

A file says whether its positions are LPS, as Slicer writes them, or RAS; the table is RAS. A point whose label holds
the word bifurcation is that of its carotid.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from petproc import layout
from petproc.core.cells import EMPTY
from petproc.core.errors import Refusal
from petproc.core.tables import PointRow
from petproc.io import read_rows, write_rows
from petproc.workflow.plan import read_scans, require_study
from petproc.workflow.points import BIFURCATION, check_points

TO_RAS = {"LPS": (-1.0, -1.0, 1.0), "RAS": (1.0, 1.0, 1.0)}
"""Signs of x, y and z."""
NOT_SET = ("undefined", "preview", "missing")
"""positionStatus of points that have no place, or none yet."""


def add_points(study: Path, markups: Path, *, scan: tuple[str, str], region: str, reader: str | None = None) -> int:
    """Append the points of `markups` to the study's table as those of `region` in `scan` (participant, session).

    The number of points. Everything that is in the table stays as it is, columns of your own too; a vessel that has
    points in this scan already is refused (`points-there`).
    """
    require_study(study)
    new = [PointRow(*scan, region, x, y, z, place, reader) for x, y, z, place in read_markups(markups)]
    path = layout.path(layout.POINTS, study)
    if not path.is_file():
        write_rows(path, [], PointRow)
    old = read_rows(path, PointRow)
    if any((row.participant, row.session, row.region) == (*scan, region) for row in old):
        raise Refusal(
            "points-there",
            f"{layout.POINTS} has points of the {region} of {layout.scan_name(*scan)} already.",
            "Remove those rows first if the new points stand in their place.",
        )
    check_points([*old, *new], read_scans(study))
    path.write_text(_with(path.read_text(encoding="utf-8-sig"), new), encoding="utf-8")
    return len(new)


def read_markups(path: Path) -> list[tuple[float, float, float, str | None]]:
    """x, y, z (RAS+ mm) and place of every point that is set, of all lists in the file; refused where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        points = [_place(point, markup) for markup in content["markups"] for point in _set(markup)]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise Refusal(
            "markups-unreadable",
            f"{path.name} is no Markups file of 3D Slicer with positions in mm, LPS or RAS.",
            "Save the point list as .mrk.json.",
        ) from None
    if not points:
        raise Refusal("markups-empty", f"{path.name} holds no point that is set.", "Set two or more in the vessel.")
    return points


def _set(markup: dict[str, Any]) -> list[dict[str, Any]]:
    return [point for point in markup["controlPoints"] if point.get("positionStatus") not in NOT_SET]


def _place(point: dict[str, Any], markup: dict[str, Any]) -> tuple[float, float, float, str | None]:
    if markup.get("coordinateUnits", "mm") != "mm":
        raise ValueError("another unit")
    x, y, z = (
        sign * float(value) for sign, value in zip(TO_RAS[markup["coordinateSystem"]], point["position"], strict=True)
    )
    return x, y, z, BIFURCATION if BIFURCATION in str(point.get("label", "")).lower() else None


def _with(text: str, rows: Sequence[PointRow]) -> str:
    """The table with `rows` at its end, in the order of its own columns."""
    header = next(csv.reader(io.StringIO(text), delimiter="\t"))
    lines = io.StringIO()
    writer = csv.DictWriter(lines, header, restval=EMPTY, delimiter="\t", lineterminator="\n")
    for row in rows:
        writer.writerow({name: EMPTY if value is None else value for name, value in asdict(row).items()})
    return text + ("" if text.endswith("\n") else "\n") + lines.getvalue()
