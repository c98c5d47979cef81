"""Every value that numbers had in the runs so far, by the ledger and the tables that it names; what changed them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from petproc import layout
from petproc.audit.difference import settings_that_differ
from petproc.audit.explanation import Earlier
from petproc.audit.history import Publication, publications, recall
from petproc.audit.ledger import DECISIONS, Entry, read
from petproc.core.tables import UptakeRow
from petproc.io import rows_of_text

Key = tuple[str, str, str, str]
"""participant, session, region, metric"""
Values = Mapping[Key, UptakeRow]
TABLES = (layout.SCANS, layout.WORKSHEET, layout.POINTS)
"""of `config/`, from which numbers follow too"""
STAGES = ("ingest", "segment", "align", "sample", "quantify")
"""Those that make the number of a scan."""


@dataclass(frozen=True)
class Published:
    """An analysis as a run left it: settings and numbers, and what the run began with, as its entry in the ledger says.

    `entry` is 0 of tables that are there and that no run has published yet.
    """

    entry: int
    time: str
    who: str
    settings: Mapping[str, Any]
    began: Mapping[str, Any]
    values: Values


def key_of(row: UptakeRow) -> Key:
    return row.participant, row.session, row.region, row.metric


def earlier_values(
    study: Path, keys: Collection[Key], analysis: str, now: tuple[Mapping[str, Any], Values] | None = None
) -> dict[Key, list[Earlier]]:
    """Of every key its values in their order, the present one last, each with what changed since the one before.

    `now` are settings and numbers that are being made and that no run has published yet.
    """
    entries = read(study)
    found: dict[Key, list[Earlier]] = {key: [] for key in keys}
    previous: Published | None = None
    for one in _published(study, entries, analysis, now):
        changed = _changed(previous, one) if previous else ()
        for key, values in found.items():
            row = one.values.get(key)
            if row is None or (values and (values[-1].value, values[-1].status) == (row.value, row.status)):
                continue
            until = one.entry or len(entries) + 1
            since = [entry for entry in entries if values and values[-1].entry < entry.entry < until]
            why = (*changed, *_decided(since, key)) if values else ()
            values.append(Earlier(row.value, row.status, one.entry, one.time, one.who, why))
        previous = one
    return found


def _published(
    study: Path, entries: Sequence[Entry], analysis: str, now: tuple[Mapping[str, Any], Values] | None
) -> Iterator[Published]:
    quantify = layout.path(layout.QUANTIFY, analysis=analysis).as_posix()
    table = layout.path(layout.UPTAKE, analysis=analysis).as_posix()
    settings: Mapping[str, Any] = {}
    for number, by_path in _by_entry(publications(entries)).items():
        if quantify in by_path:
            settings = json.loads(recall(study, by_path[quantify].digest)).get("settings", {})
        if table in by_path:
            one = by_path[table]
            rows = rows_of_text(recall(study, one.digest).decode("utf-8"), UptakeRow, table)
            values = {key_of(row): row for row in rows}
            yield Published(number, one.time, one.who, settings, _began(entries, number), values)
    if now:
        yield Published(0, "", "", now[0], _began(entries, len(entries) + 1), now[1])


def _by_entry(found: Sequence[Publication]) -> dict[int, dict[str, Publication]]:
    entries: dict[int, dict[str, Publication]] = {}
    for one in found:
        entries.setdefault(one.entry, {})[one.path] = one
    return entries


def _began(entries: Sequence[Entry], before: int) -> Mapping[str, Any]:
    """What the last run before that entry began with."""
    runs = [entry.after for entry in entries if entry.what == "run-started" and entry.entry < before]
    return runs[-1] if runs else {}


def _changed(before: Published, now: Published) -> tuple[str, ...]:
    """Settings, versions and tables that are other ones; of settings before `quantify` only that the config changed."""
    settings = [f"{one.path}: {one.a} → {one.b}" for one in settings_that_differ(before.settings, now.settings)]
    versions = [
        f"results version of {one.path}: {one.a} → {one.b}"
        for one in settings_that_differ(*(one.began.get("results_version", {}) for one in (before, now)))
        if one.path in STAGES
    ]
    then, since = (one.began.get("config", {}) for one in (before, now))
    tables = [f"{path} was edited" for path in TABLES if then.get(path) != since.get(path)]
    found = settings + versions + tables
    if not found and then.get(layout.CONFIG) != since.get(layout.CONFIG):
        found = [f"{layout.CONFIG} was edited"]
    return tuple(found)


def _decided(entries: Sequence[Entry], key: Key) -> tuple[str, ...]:
    """What people decided about a scan or its participant, with the number of the ledger's entry."""
    return tuple(
        f"{' '.join((entry.what, entry.subject.get('region', ''))).strip()}, entry {entry.entry}: {entry.why}"
        for entry in entries
        if entry.what in DECISIONS
        and entry.subject.get("participant") == key[0]
        and entry.subject.get("session", key[1]) == key[1]
    )
