"""The files of a delivery by the folder in which they lie."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from petproc.core.tables import IndexRow
from petproc.dicom.delivery import read_headers


def rows_by_folder(delivery: Path) -> dict[str, list[IndexRow]]:
    found: dict[str, list[IndexRow]] = defaultdict(list)
    for seen in read_headers([delivery]):
        if seen.header:
            place = seen.place
            row = IndexRow(seen.header.text("SOPInstanceUID") or "", place.path, place.member, place.size)
            found[str(Path(place.name).parent)].append(row)
    return found
