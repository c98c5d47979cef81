"""What a run left about one number, gathered from the study's files for `audit.explanation`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from petproc import layout
from petproc.audit.decisions import decisions
from petproc.audit.difference import settings_that_differ
from petproc.audit.explanation import Blood, Earlier, Evidence
from petproc.audit.history import Publication, publications, recall
from petproc.audit.ledger import DECISIONS, Entry, read
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.tables import InputRow, SliceRow, UptakeRow, Verdict, VesselRow, WorksheetRow
from petproc.io import read_json, read_rows, rows_of_text
from petproc.quantify import ScanTables
from petproc.settings import Analysis
from petproc.workflow.handover.tables import scan_tables
from petproc.workflow.plan import Plan

Key = tuple[str, str, str, str]
"""participant, session, region, metric"""


def evidence_of(study: Path, key: Key, analysis: str) -> Evidence:
    """Evidence of a number in the tables as they are; a `Refusal` names what is not there."""
    plan = Plan.read(study)
    settings = _analysis(plan, analysis)
    uptake = _rows(study, layout.UPTAKE, analysis, UptakeRow)
    row = _row(uptake, key)
    participant, session, region, _ = key
    backend = settings.backend_of.get(region, settings.backend)
    names = {
        "participant": participant,
        "session": session,
        "backend": _measured_by(study, plan, (participant, session), backend),
    }
    sample = read_json(layout.path(layout.SAMPLE, study, **names))
    used = _settings_used(study, analysis)
    return Evidence(
        row,
        [one for one in _rows(study, layout.SLICES, analysis, SliceRow) if _about(one, key)],
        Grid(tuple(sample["pet_shape"]), np.array(sample["pet_affine"], dtype=np.float64)),
        used,
        read_json(layout.path(layout.PET_SIDECAR, study, participant=participant, session=session)),
        read_json(layout.path(layout.SEGMENTATION, study, **names)),
        next((one for one in _rows(study, layout.VESSELS, analysis, VesselRow) if _about(one, key)), None),
        _blood(study, plan, row, settings),
        [
            one
            for one in _rows(study, layout.INPUTS, analysis, InputRow)
            if (one.participant, one.session) == (participant, session)
        ],
        decisions(read(study)),
        earlier_values(study, key, analysis),
        analysis,
        _exploratory(study, analysis),
    )


def earlier_values(study: Path, key: Key, analysis: str) -> list[Earlier]:
    """Every value that a number had in the runs so far, the present one last; settings that changed in between."""
    found: list[Earlier] = []
    settings: dict[str, Any] | None = None
    entries = read(study)
    for entry, of_entry in _by_entry(publications(entries)):
        path = layout.path(layout.QUANTIFY, analysis=analysis).as_posix()
        changed: tuple[str, ...] = ()
        if path in of_entry:
            now = json.loads(recall(study, of_entry[path].digest)).get("settings", {})
            differ = settings_that_differ(settings, now) if settings is not None else []
            changed = tuple(f"{one.path}: {one.a} -> {one.b}" for one in differ)
            settings = now
        table = layout.path(layout.UPTAKE, analysis=analysis).as_posix()
        if table not in of_entry:
            continue
        text = recall(study, of_entry[table].digest).decode("utf-8")
        row = next((one for one in rows_of_text(text, UptakeRow, table) if _key(one) == key), None)
        if row and (not found or (found[-1].value, found[-1].status) != (row.value, row.status)):
            one = of_entry[table]
            if found:
                changed += _decided([one for one in entries if found[-1].entry < one.entry < entry], key)
            found.append(Earlier(row.value, row.status, entry, one.time, one.who, changed))
    return found


def _decided(entries: Sequence[Entry], key: Key) -> tuple[str, ...]:
    """What people decided about a scan or its participant, with the number of the ledger's entry."""
    return tuple(
        f"{' '.join((entry.what, entry.subject.get('region', ''))).strip()}, entry {entry.entry}: {entry.why}"
        for entry in entries
        if entry.what in DECISIONS
        and entry.subject.get("participant") == key[0]
        and entry.subject.get("session", key[1]) == key[1]
    )


def _by_entry(found: Sequence[Publication]) -> list[tuple[int, dict[str, Publication]]]:
    entries: dict[int, dict[str, Publication]] = {}
    for one in found:
        entries.setdefault(one.entry, {})[one.path] = one
    return list(entries.items())


def _analysis(plan: Plan, name: str) -> Analysis:
    if name not in plan.settings.analyses:
        raise Refusal(
            "analysis-unknown",
            f"The study has no analysis {name!r}.",
            f"It has: {', '.join(plan.settings.analyses)}.",
        )
    return plan.settings.analyses[name]


def _rows(study: Path, template: str, analysis: str, kind: type[Any]) -> list[Any]:
    path = layout.path(template, study, analysis=analysis)
    if not path.is_file():
        raise Refusal(
            "analysis-not-made", f"Analysis {analysis} has no {path.name} yet.", f"Make it with: petproc run {study}"
        )
    return read_rows(path, kind)


def _row(uptake: Sequence[UptakeRow], key: Key) -> UptakeRow:
    found = next((one for one in uptake if _key(one) == key), None)
    if found:
        return found
    for position, what in enumerate(("participant", "session", "region", "metric")):
        known = sorted({_key(one)[position] for one in uptake if _key(one)[:position] == key[:position]})
        if key[position] not in known:
            raise Refusal(
                "number-unknown", f"There is no {what} {key[position]!r} here.", f"There are: {', '.join(known)}."
            )
    raise Refusal("number-unknown", "There is no such number.", "Look into uptake.tsv.")


def _key(row: UptakeRow) -> Key:
    return row.participant, row.session, row.region, row.metric


def _about(row: SliceRow | VesselRow, key: Key) -> bool:
    return (row.participant, row.session, row.region) == key[:3]


def _settings_used(study: Path, analysis: str) -> dict[str, Any]:
    """Those that the tables were made with, which may not be those of the config any more."""
    quantified = read_json(layout.path(layout.QUANTIFY, study, analysis=analysis))["settings"]
    compare = layout.path(layout.COMPARE, study, analysis=analysis)
    return {**quantified, "compare": read_json(compare)["settings"] if compare.is_file() else {}}


def _exploratory(study: Path, analysis: str) -> str:
    """Why it is, as its tables say: the config may have been edited since."""
    compare = layout.path(layout.COMPARE, study, analysis=analysis)
    said: str = read_json(compare).get("exploratory", "") if compare.is_file() else ""
    return said


def _blood(study: Path, plan: Plan, row: UptakeRow, analysis: Analysis) -> Blood | None:
    """The voxels of the blood pool, found again as they were."""
    from petproc.quantify.background import measure_background
    from petproc.quantify.scan import Scans

    region = row.background_region
    if region is None or row.background_suv is None:
        return None
    tables = tables_of(study, plan, analysis, (row.participant, row.session))
    verdicts = [
        Verdict(**one)
        for one in plan.judged()
        if (one["participant"], one["session"]) == (row.participant, row.session)
    ]
    scan = Scans(tables, analysis.quantify, verdicts).of(region)
    pool = measure_background(region, scan, analysis.quantify.background)
    columns = scan.voxels
    at = {
        (int(i), int(j), int(k)): float(value)
        for i, j, k, value in zip(*(columns[name] for name in ("i", "j", "k", "activity")), strict=True)
    }
    activity = np.array([at[int(i), int(j), int(k)] for i, j, k in pool.index], dtype=np.float64)
    return Blood(region, pool.index, activity)


def _measured_by(study: Path, plan: Plan, scan: tuple[str, str], backend: str) -> str:
    """`backend` as file names of the scan have it; refused where its masks were edited after the last run."""
    made = plan.made_by(*scan, backend)
    names = {"participant": scan[0], "session": scan[1], "backend": made}
    if made != backend and not layout.path(layout.SAMPLE, study, **names).is_file():
        raise Refusal(
            "edit-not-measured",
            "The masks of this scan were edited, and nothing has been measured with them yet.",
            f"Next: petproc run {study}",
        )
    return made


def tables_of(study: Path, plan: Plan, analysis: Analysis, scan: tuple[str, str]) -> ScanTables:
    """Voxel and stations tables of one scan, as quantify reads them."""
    row = plan.scan(*scan)
    names = {"participant": row.participant, "session": row.session}
    templates = {"voxels": layout.VOXELS, "stations": layout.STATIONS, "sample": layout.SAMPLE}
    files = SimpleNamespace(
        pet_sidecar=[layout.path(layout.PET_SIDECAR, study, **names)],
        **{
            name: [
                layout.path(template, study, backend=_measured_by(study, plan, scan, backend), **names)
                for backend in analysis.backends
            ]
            for name, template in templates.items()
        },
    )
    worksheet: dict[tuple[str, str], WorksheetRow] = {(one.participant, one.session): one for one in plan.worksheet}
    return scan_tables(files, [row], worksheet, analysis)[0]()
