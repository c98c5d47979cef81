"""`config/index/<series>.tsv`: where the files of a series are. Inside the study's folder paths are relative to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path

from petproc import layout
from petproc.core.errors import Finding
from petproc.core.tables import IndexRow
from petproc.dicom.files import BadFile, Files
from petproc.dicom.header import Header
from petproc.dicom.instance import parse
from petproc.ingest import ledger
from petproc.ingest.queries import Noted
from petproc.ingest.seen import SeriesSeen
from petproc.ingest.tellable import differing
from petproc.io import read_rows


def write_index(study: Path, series: Iterable[SeriesSeen]) -> None:
    """A file for every series of images that has none yet."""
    for one in series:
        path = layout.path(layout.INDEX, study, series=one.uid)
        if one.modality in ("PT", "CT") and one.is_image and not path.exists():
            _write(path, [_relative(row, study) for row in one.rows.values()])


def read_index(study: Path, uid: str) -> list[IndexRow]:
    """Files of a series with paths that lead there from anywhere; none where it has no index."""
    path = layout.path(layout.INDEX, study, series=uid)
    return [located(row, study) for row in read_rows(path, IndexRow)] if path.is_file() else []


def located(row: IndexRow, study: Path) -> IndexRow:
    """The row with its path taken from the study's folder where it is relative."""
    return replace(row, path=str(study.resolve() / row.path))


def first_header(rows: Sequence[IndexRow]) -> Header | None:
    """The header of the lowest instance that can be read."""
    with Files() as files:
        for row in sorted(rows, key=lambda row: row.instance)[:3]:
            try:
                return parse(files.read(row.path, row.member))[0]
            except BadFile:
                continue
    return None


def follow(study: Path, one: SeriesSeen) -> list[Noted]:
    """Of a series that is indexed and is delivered again: its files where they moved to, and what else is new."""
    old = read_index(study, one.uid)
    if not old:
        return []
    noted = _grown(one, old) + _corrected(one, old)
    gone = [row for row in old if not Path(row.path).exists()]
    if not gone:
        return noted
    here = {row.instance: row for row in one.rows.values()}
    moved = {row.instance: here[row.instance] for row in gone if _is_same(row, here.get(row.instance))}
    changed = sum(row.instance in here for row in gone) - len(moved)
    if changed:
        words = (
            f"{changed} files of this series are no longer where they were, and those of this delivery that have their "
            "UIDs are of another size: they were not taken. Please send the series as it was first delivered."
        )
        noted.append(Noted(one.uid, Finding("series-changed", words), value=f"{changed} of {len(old)} files"))
    if moved:
        rows = [moved.get(row.instance, row) for row in old]
        _write(layout.path(layout.INDEX, study, series=one.uid), [_relative(row, study) for row in rows])
        words = "The files of this series were no longer where they had been; they are now read from this delivery."
        noted.append(Noted(one.uid, Finding("delivery-moved", words, "info"), value=f"{len(moved)} files"))
    return noted


def _is_same(old: IndexRow, new: IndexRow | None) -> bool:
    return new is not None and old.size == new.size


def _grown(one: SeriesSeen, old: Sequence[IndexRow]) -> list[Noted]:
    """Instances that a later delivery adds to a series that is indexed: named, never mixed in."""
    more = len(set(one.rows) - {row.instance for row in old})
    if not more:
        return []
    words = (
        f"A later delivery holds {more} more images of this series, which were not added. To take them, remove "
        f"the series' file in config/index and its row in {layout.EXCLUDED_SERIES}, then repeat the inventory."
    )
    return [Noted(one.uid, Finding("series-grew", words), value=f"{more} images")]


def _corrected(one: SeriesSeen, old: Sequence[IndexRow]) -> list[Noted]:
    """Tags of a PET that say something else in a file that has come again at another place."""
    row = min(old, key=lambda row: row.instance)
    new = one.rows.get(row.instance)
    if one.modality != "PT" or new is None or (new.path, new.member) == (row.path, row.member):
        return []
    before = first_header([row])
    after = next(each for each in one.slices if each.instance == row.instance).kept
    tags = differing(one.headers_kept.header(after), before) if after and before else []
    if not tags:
        return []
    words = (
        f"The series was sent again with other values in {', '.join(tags)}; the files that came first are still read. "
        "If the new values are right, enter them in config/worksheet.tsv, or remove the series' file in config/index "
        f"and its row in {layout.EXCLUDED_SERIES} and repeat the inventory."
    )
    return [Noted(one.uid, Finding("series-resent-differently", words), tag="; ".join(tags))]


def _relative(row: IndexRow, study: Path) -> IndexRow:
    """Paths inside the study's folder from there, so that the folder can be moved with its deliveries."""
    path, home = Path(row.path), study.resolve()
    return replace(row, path=path.relative_to(home).as_posix()) if path.is_relative_to(home) else row


def _write(path: Path, rows: Iterable[IndexRow]) -> None:
    names = [field.name for field in fields(IndexRow)]
    ordered = sorted(rows, key=lambda row: row.instance)
    ledger.write_table(path, names, [[getattr(row, name) for name in names] for row in ordered])
