"""What a run left about one number, gathered from the study's files for `audit.explanation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from petproc import layout
from petproc.audit.decisions import decisions
from petproc.audit.explanation import Blood, Evidence
from petproc.audit.ledger import read
from petproc.audit.manifest import digest_of
from petproc.core.errors import Refusal
from petproc.core.tables import FragilityRow, InputRow, SliceRow, UptakeRow, Verdict, VesselRow, WorksheetRow
from petproc.io import read_json, read_rows
from petproc.quantify import ScanTables
from petproc.settings import Analysis
from petproc.workflow.earlier import Key, earlier_values, key_of
from petproc.workflow.handover.tables import scan_tables
from petproc.workflow.handover.way_back import pet_grid, recorded_blood
from petproc.workflow.plan import Plan

SIDECARS = (layout.SAMPLE, layout.PET_SIDECAR, layout.SEGMENTATION)


def evidence_of(study: Path, key: Key, analysis: str) -> Evidence:
    """Evidence of a number in the tables as they are; a `Refusal` names what is not there.

    Settings are those that the tables were made with, which may not be those of the config any more.
    """
    plan = Plan.read(study)
    plan.settings.analysis(analysis)
    row = _row(_rows(study, layout.UPTAKE, analysis, UptakeRow), key)
    key = key_of(row)
    participant, session, region, _ = key
    quantified, compared = (_record(study, template, analysis) for template in (layout.QUANTIFY, layout.COMPARE))
    used = {**quantified["settings"], "compare": compared.get("settings", {})}
    settings = Analysis.model_validate(used)
    backend = settings.backend_for(region)
    names = {
        "participant": participant,
        "session": session,
        "backend": _measured_by(study, plan, (participant, session), backend),
    }
    made = {template: _sidecar(layout.path(template, study, **names), row) for template in SIDECARS}
    labels = Path(layout.LABELS.format(**names))
    return Evidence(
        row,
        [one for one in _rows(study, layout.SLICES, analysis, SliceRow) if _about(one, key)],
        pet_grid(made[layout.SAMPLE]),
        used,
        made[layout.PET_SIDECAR],
        made[layout.SEGMENTATION],
        next((one for one in _rows(study, layout.VESSELS, analysis, VesselRow) if _about(one, key)), None),
        _blood(study, plan, row, settings, quantified),
        [
            one
            for one in _rows(study, layout.INPUTS, analysis, InputRow)
            if (one.participant, one.session) == (participant, session)
        ],
        decisions(read(study)),
        earlier_values(study, [key], analysis)[key],
        analysis,
        compared.get("exploratory", ""),
        {"file": labels.as_posix(), "sha256": digest_of(study / labels) or ""},
        _fragility(study, key, analysis),
    )


def _fragility(study: Path, key: Key, analysis: str) -> FragilityRow | None:
    """None of a blood pool or an organ, and where the table was not made yet."""
    path = layout.path(layout.FRAGILITY, study, analysis=analysis)
    rows = read_rows(path, FragilityRow) if path.is_file() else []
    return next((row for row in rows if (row.participant, row.session, row.region, row.metric) == key), None)


def _rows(study: Path, template: str, analysis: str, kind: type[Any]) -> list[Any]:
    path = layout.path(template, study, analysis=analysis)
    if not path.is_file():
        raise Refusal(
            "analysis-not-made", f"Analysis {analysis} has no {path.name} yet.", f"Make it with: petproc run {study}"
        )
    return read_rows(path, kind)


def _sidecar(path: Path, row: UptakeRow) -> dict[str, Any]:
    """Of a scan that is left out there may be none."""
    return read_json(path) if path.is_file() or row.status != "excluded" else {"petproc": {}}


def _row(uptake: Sequence[UptakeRow], key: Key) -> UptakeRow:
    found = next((one for one in uptake if key_of(one) == key), None)
    if found:
        return found
    if left_out := next((one for one in uptake if key_of(one)[:2] == key[:2] and one.status == "excluded"), None):
        return left_out
    for position, what in enumerate(("participant", "session", "region", "metric")):
        known = sorted({key_of(one)[position] for one in uptake if key_of(one)[:position] == key[:position]})
        if key[position] not in known:
            raise Refusal(
                "number-unknown", f"There is no {what} {key[position]!r} here.", f"There are: {', '.join(known)}."
            )
    raise Refusal("number-unknown", "There is no such number.", "Look into uptake.tsv.")


def _about(row: SliceRow | VesselRow, key: Key) -> bool:
    return (row.participant, row.session, row.region) == key[:3]


def _record(study: Path, template: str, analysis: str) -> dict[str, Any]:
    path = layout.path(template, study, analysis=analysis)
    return read_json(path) if path.is_file() else {}


def _blood(study: Path, plan: Plan, row: UptakeRow, analysis: Analysis, quantified: Mapping[str, Any]) -> Blood | None:
    """The blood pool as `quantify` recorded it, with its voxels where they are the same now."""
    region = row.background_region
    if region is None or row.background_suv is None:
        return None
    recorded = recorded_blood(quantified, (row.participant, row.session), region, analysis)
    found = _voxels(study, plan, (row.participant, row.session, region), analysis)
    same = found and recorded and (found.n_voxel, found.planes) == (recorded.n_voxel, recorded.planes)
    return found if same or recorded is None else recorded


def _voxels(study: Path, plan: Plan, place: tuple[str, str, str], analysis: Analysis) -> Blood | None:
    """The voxels of the pool, found again by the decisions as they are now; None where there is none any more."""
    from petproc.quantify.background import measure_background
    from petproc.quantify.scan import Scans

    *scan, region = place
    key = (scan[0], scan[1])
    verdicts = [Verdict(**one) for one in plan.judged() if (one["participant"], one["session"]) == key]
    try:
        found = Scans(tables_of(study, plan, analysis, key), analysis.quantify, verdicts).of(region)
        pool = measure_background(region, found, analysis.quantify.background)
    except Refusal:
        return None
    columns = found.voxels
    at = {
        (int(i), int(j), int(k)): float(value)
        for i, j, k, value in zip(*(columns[name] for name in ("i", "j", "k", "activity")), strict=True)
    }
    activity = np.array([at[int(i), int(j), int(k)] for i, j, k in pool.index], dtype=np.float64)
    return Blood.of(region, pool.index, activity, analysis.backend_for(region))


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
