"""Points that readers set on CTs, `config/points.tsv`, checked before the first job starts."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from petproc import layout
from petproc.core.errors import Refusal
from petproc.core.regions import CAROTIDS, ORGANS, REGIONS
from petproc.core.tables import PointRow, ScanRow
from petproc.io import read_rows

BIFURCATION = "bifurcation"
SIDES = [(name, name.replace("left", "right", 1)) for name in REGIONS if name.startswith("left")]


def read_points(study: Path, scans: Sequence[ScanRow]) -> tuple[PointRow, ...]:
    """Rows in one order, whatever their order in the file; none where there is no file."""
    path = layout.path(layout.POINTS, study)
    if not path.is_file():
        return ()
    rows = sorted(read_rows(path, PointRow), key=_order)
    check_points(rows, scans)
    return tuple(rows)


def check_points(rows: Sequence[PointRow], scans: Sequence[ScanRow]) -> None:
    """Refuse rows that no vessel of a listed scan can be followed by."""
    known = {(row.participant, row.session) for row in scans}
    for row in rows:
        _check_row(row, known)
    for key in dict.fromkeys((row.participant, row.session) for row in rows):
        _check_scan(layout.scan_name(*key), [row for row in rows if (row.participant, row.session) == key])


def _order(row: PointRow) -> tuple[object, ...]:
    return row.participant, row.session, row.region, row.x_mm, row.y_mm, row.z_mm, row.place or ""


def _check_row(row: PointRow, known: set[tuple[str, str]]) -> None:
    if (row.participant, row.session) not in known:
        raise Refusal(
            "points-scan-unknown",
            f"{layout.POINTS} has a row for participant {row.participant!r}, session {row.session!r}, which "
            f"{layout.SCANS} does not list.",
            "Write both as they are in that table, or remove the row.",
        )
    scan = layout.scan_name(row.participant, row.session)
    if row.region not in REGIONS or row.region in ORGANS:
        raise Refusal(
            "points-region",
            f"{layout.POINTS}: {scan} has a point in {row.region!r}, which is no vessel.",
            f"Known are {', '.join(name for name in REGIONS if name not in ORGANS)}.",
        )
    if not all(map(isfinite, (row.x_mm, row.y_mm, row.z_mm))):
        raise Refusal(
            "points-not-finite",
            f"{layout.POINTS}: a point of the {row.region} of {scan} has a coordinate that is no finite number.",
            "Write x_mm, y_mm and z_mm in mm, RAS+.",
        )
    if row.place is not None and (row.place != BIFURCATION or row.region not in CAROTIDS):
        raise Refusal(
            "points-place",
            f"{layout.POINTS}: place of a point of the {row.region} of {scan} is {row.place!r}.",
            f"Write {BIFURCATION} for that of a common carotid; leave the cell empty for every other point.",
        )


def _check_scan(scan: str, rows: Sequence[PointRow]) -> None:
    for region in dict.fromkeys(row.region for row in rows):
        of_region = [row for row in rows if row.region == region]
        if sum(row.place is not None for row in of_region) > 1:
            raise Refusal(
                "points-place",
                f"{layout.POINTS}: the {region} of {scan} has two bifurcations.",
                "Keep the one that is right.",
            )
        # A bifurcation alone tells where the arc length of a mask counts from.
        if len(of_region) == 1 and of_region[0].place is None:
            raise Refusal(
                "points-too-few",
                f"{layout.POINTS}: the {region} of {scan} has one point.",
                "Set at least one in its lower and one in its upper end.",
            )
    for left, right in SIDES:
        xs = [[row.x_mm for row in rows if row.region == name] for name in (left, right)]
        if all(xs) and sum(xs[0]) / len(xs[0]) >= sum(xs[1]) / len(xs[1]):
            raise Refusal(
                "points-sides",
                f"{layout.POINTS}: the {left} of {scan} lies to the right of the {right}.",
                "Write RAS+ mm, in which x grows to the patient's right, and each vessel on its own side.",
            )
