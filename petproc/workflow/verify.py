"""Everything that is there against what it says it is: files, ledger, settings, and numbers from the original DICOM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from petproc import layout
from petproc.audit.decisions import decisions
from petproc.audit.ledger import DECISIONS, Entry, sound
from petproc.audit.manifest import Deviation
from petproc.audit.recomputation import Number, check_number
from petproc.audit.verification import (
    Checked,
    check_config,
    check_delivery,
    check_files,
    check_history,
    check_ledger,
    check_settings,
)
from petproc.core.errors import Refusal
from petproc.core.tables import ScanRow, UptakeRow
from petproc.io import read_json, read_rows
from petproc.settings import Settings
from petproc.workflow.plan import Plan, read_scans, require_study, values_of
from petproc.workflow.reread import UNREADABLE, Reread, files_of

Show = Callable[..., None]
Key = tuple[str, str, str, str]
"""participant, session, region, metric"""


ASKED_WRONGLY = ("number-unknown", "analysis-not-made")
"""Codes of refusals of the question; any other is about a file."""


@dataclass
class Verification:
    """All checks in their order, and every number that was asked for."""

    checks: list[Checked] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not any(one.deviations for one in self.checks) and all(one.verdict != "deviates" for one in self.numbers)

    @property
    def counted(self) -> Counter[str]:
        """How many numbers came out how."""
        return Counter(one.verdict for one in self.numbers)


def verify_files(study: Path, show: Show) -> Verification:
    """The ledger, the history, every file of the last run, the delivery, and settings against the config."""
    require_study(study)
    entries = sound(study)
    files, history = (
        check_files(study, entries, lambda done, total: show(done, total, "")),
        check_history(study, entries),
    )
    named = {one.where for one in history.deviations}
    files.deviations = [one for one in files.deviations if one.where not in named]
    found = Verification([check_ledger(study), history, files])
    settings = Checked("settings: config as the tables were made with")
    found.checks.append(settings)
    settings.notes = check_config(study, entries) + _decided_since(entries)
    try:
        plan = plan_then(study, entries)
    except Refusal as refusal:
        settings.deviations.append(Deviation("config", refusal.reason.rstrip(".")))
        return found
    for name in plan.settings.analyses:
        _compare_settings(study, plan, name, settings)
    found.checks.append(_delivery(study, plan, show))
    return found


def verify_numbers(study: Path, found: Verification, wanted: Key | None, analysis: str | None, show: Show) -> None:
    """Recompute one number, or all of `analysis` or, without a name, of every analysis."""
    try:
        plan = plan_then(study, sound(study))
    except Refusal as refusal:
        found.checks[-1].notes.append(f"no number was recomputed: {refusal.reason}")
        return
    if analysis is not None:
        plan.settings.analysis(analysis)
    names = list(plan.settings.analyses) if analysis is None else [analysis]
    rows = {}
    for name in names:
        try:
            rows[name] = _uptake(study, name, wanted)
        except Refusal as refusal:
            if refusal.code in ASKED_WRONGLY:
                raise
            found.checks[-1].notes.append(f"no number of analysis {name} was recomputed: {refusal.reason}")
    included = {(scan.participant, scan.session) for scan in plan.included}
    scans = sorted({key for of in rows.values() for row in of if (key := (row.participant, row.session)) in included})
    for n, scan in enumerate(scans):
        reread = Reread(study, plan, scan)
        for name, of in rows.items():
            own = [row for row in of if (row.participant, row.session) == scan]
            plain = reread.by(name) if own else ""
            found.numbers += [check_number(name, row, plain) for row in own]
        _add(found, reread.activity)
        _add(found, reread.geometry)
        show(n + 1, len(scans), layout.scan_name(*scan))


def plan_then(study: Path, entries: Sequence[Entry]) -> Plan:
    """What the last run planned, as far as an audit needs it, even where the ledger has lines that are not sound: with
    the decisions that were made before it."""
    runs = [entry.entry for entry in entries if entry.what == "run-started"]
    before = [entry for entry in entries if runs and entry.entry < runs[-1]]
    return Plan(Settings.read(layout.path(layout.CONFIG, study)), read_scans(study), decisions=decisions(before))


def _decided_since(entries: Sequence[Entry]) -> list[str]:
    runs = [entry.entry for entry in entries if entry.what == "run-started"]
    since = [
        entry
        for entry in entries
        if entry.what in DECISIONS and entry.what != "unblinding" and runs and entry.entry > runs[-1]
    ]
    if not since:
        return []
    return [f"{len(since)} decisions were made since the last run, the last in entry {since[-1].entry}: petproc run"]


def _uptake(study: Path, analysis: str, wanted: Key | None) -> list[UptakeRow]:
    path = layout.path(layout.UPTAKE, study, analysis=analysis)
    if not path.is_file():
        words = f"Analysis {analysis} has no {path.name} yet."
        raise Refusal("analysis-not-made", words, f"Make it with: petproc run {study}")
    rows = read_rows(path, UptakeRow)
    if wanted is None:
        return rows
    found = [row for row in rows if (row.participant, row.session, row.region, row.metric) == wanted]
    if not found:
        raise Refusal(
            "number-unknown", f"Analysis {analysis} has no number {' '.join(wanted)}.", f"Look into {path.name}."
        )
    return found


def _add(found: Verification, checked: Checked) -> None:
    """To the check of the same name, which goes over all scans."""
    same = next((one for one in found.checks if one.what == checked.what), None)
    if same is None:
        found.checks.append(checked)
        return
    same.count += checked.count
    same.deviations += checked.deviations
    same.notes += checked.notes


def _delivery(study: Path, plan: Plan, show: Show) -> Checked:
    """Files of PET and CT of every included scan."""
    found = Verification([Checked("delivery: each file as ingest read it")])
    series = list(_series(plan))
    for n, (scan, template, uid) in enumerate(series):
        path = layout.path(template, participant=scan.participant, session=scan.session)
        try:
            if not (study / path).is_file():
                found.checks[0].notes.append(f"{path.as_posix()} is not there: its files are not checked")
                continue
            _add(found, check_delivery(files_of(study, uid), read_json(study / path), path.as_posix()))
        except (Refusal, *UNREADABLE):
            found.checks[0].deviations.append(Deviation(path.as_posix(), "cannot be read any more"))
        show(n + 1, len(series), "")
    return found.checks[0]


def _series(plan: Plan) -> Iterator[tuple[ScanRow, str, str]]:
    for scan in plan.included:
        yield scan, layout.PET_SIDECAR, scan.pet
        yield scan, layout.CT_SIDECAR, scan.ct


def _compare_settings(study: Path, plan: Plan, name: str, checked: Checked) -> None:
    """Where the config says something else now than when an analysis' tables were made."""
    config = values_of(plan.settings.analyses[name])
    quantified = ("backend", "backend_of", "quantify")
    recorded_by = {
        layout.QUANTIFY: quantified,
        layout.COMPARE: ("compare",),
        layout.FRAGILITY_SIDECAR: (*quantified, "fragility"),
    }
    for template, keys in recorded_by.items():
        path = layout.path(template, analysis=name)
        if not (study / path).is_file():
            checked.notes.append(f"analysis {name} has no {path.name} yet")
            continue
        try:
            recorded = read_json(study / path)["settings"]
        except (Refusal, *UNREADABLE):
            checked.deviations.append(Deviation(path.as_posix(), "cannot be read any more"))
            continue
        now = {key: config[key] for key in keys} if len(keys) > 1 else config[keys[0]]
        checked.notes += check_settings(path.as_posix(), recorded, now)
        checked.count += 1
