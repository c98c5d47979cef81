"""What is to be done for a study: its settings and its scans, checked before the first job starts.

The rule files take everything that they plan from one `Plan`, so that a wrong key or row is one message in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from petproc import layout
from petproc.audit.decisions import Decisions, Edit, decisions, without_names
from petproc.audit.ledger import read
from petproc.audit.unblinding import Marks, marks
from petproc.core.errors import Refusal
from petproc.core.tables import PointRow, ScanRow, WorksheetRow
from petproc.core.worksheet_cells import check, says_something
from petproc.io import read_rows
from petproc.settings import Analysis, Section, Settings, combined, plain
from petproc.workflow.points import read_points

NAME = r"[A-Za-z0-9]+"
"""Participants and sessions become parts of file names, as BIDS has them: no other signs."""


@dataclass(frozen=True)
class Plan:
    """`scans` are all rows of `config/scans.tsv`, sorted by participant and session; `worksheet` those of
    `config/worksheet.tsv` that say something and `points` those of `config/points.tsv`, in the same order. `decisions`
    are those of the ledger; a scan that one of them leaves out has its reason. `marks` say what is exploratory since
    unblinding."""

    settings: Settings
    scans: tuple[ScanRow, ...]
    worksheet: tuple[WorksheetRow, ...] = ()
    points: tuple[PointRow, ...] = ()
    decisions: Decisions = field(default_factory=Decisions)
    marks: Marks = field(default_factory=Marks)

    @classmethod
    def of(cls, config: Mapping[str, Any], study: Path = Path()) -> Plan:
        """The plan of `study` with the settings in `config`; a `Refusal` says what to correct."""
        entries = read(study)
        made = decisions(entries)
        scans = _without_excluded(read_scans(study), made)
        settings = Settings.of(dict(config))
        since = marks(study, entries, settings)
        plan = cls(settings, scans, read_worksheet(study, scans), read_points(study, scans), made, since)
        for row in plan.scans:
            plan.mask(row.participant, row.session)
        return plan

    @classmethod
    def read(cls, study: Path) -> Plan:
        require_study(study)
        text = layout.path(layout.CONFIG, study).read_text(encoding="utf-8")
        try:
            config = yaml.safe_load(text) or {}
        except yaml.YAMLError as error:
            words = " ".join(str(error).split())
            raise Refusal("config-invalid", f"{layout.CONFIG} is not YAML: {words}.", "Correct that line.") from None
        return cls.of(config, study)

    @property
    def included(self) -> tuple[ScanRow, ...]:
        return tuple(row for row in self.scans if row.include == "yes")

    def exploratory(self, analysis: str) -> str:
        """In words why an analysis is exploratory: by the ledger, else because its settings say so; else empty."""
        return self.marks.analyses.get(analysis, self.settings.analyses[analysis].declared)

    def said_exploratory(self) -> list[str]:
        """A sentence for every analysis that is exploratory, and for every multiverse of after unblinding."""
        analyses = [(name, self.exploratory(name)) for name in self.settings.analyses]
        said = [f"Analysis {name} is exploratory: {words}." for name, words in analyses if words]
        return said + [f"Multiverse {name}: {words}." for name, words in self.marks.multiverse.items()]

    def scan(self, participant: str, session: str) -> ScanRow:
        return next(row for row in self.scans if (row.participant, row.session) == (participant, session))

    def rows(self) -> list[dict[str, Any]]:
        """Every scan as plain values, for `params` of the rules that make tables of all of them."""
        return [asdict(row) for row in self.scans]

    def entered(self) -> list[dict[str, Any]]:
        """The quantities that the worksheet tells of the included scans, as plain values for `params`.

        Who wrote them down stays where it is: it changes no number and may be a name.
        """
        names = {(row.participant, row.session) for row in self.included}
        rows = [asdict(row) for row in self.worksheet if (row.participant, row.session) in names]
        return [{name: value for name, value in row.items() if value is not None and name != "source"} for row in rows]

    def judged(self) -> list[dict[str, Any]]:
        """The readers' verdicts, one per scan, as plain values; who gave them and why stands in the ledger."""
        rows = [
            {**asdict(one), "session": scan.session, "why": "", "who": ""}
            for one in self.decisions.verdicts
            for scan in self.scans
            if scan.participant == one.participant and one.session in ("", scan.session)
        ]
        return sorted(rows, key=lambda row: (row["participant"], row["session"], row["region"], row["entry"]))

    def decided(self) -> dict[str, list[dict[str, Any]]]:
        """What people decided about the included scans, as plain values, for the rule that shows it."""
        return without_names(self.decisions, {row.participant for row in self.included})

    def points_of(self, participant: str, session: str) -> list[dict[str, Any]]:
        """The readers' points of one scan as plain values; who set them changes no number and stays where it is."""
        rows = [asdict(row) for row in self.points if (row.participant, row.session) == (participant, session)]
        return [{name: value for name, value in row.items() if value is not None and name != "reader"} for row in rows]

    def constraint(self, *names: str) -> str:
        """A pattern that matches only the participants, or sessions, of the included scans."""
        values = {getattr(row, name) for row in self.included for name in names}
        return "|".join(sorted(map(re.escape, values))) or "none"

    def edit_of(self, participant: str, session: str, backend: str) -> Edit | None:
        """The edit of a scan's masks that holds, of those that `backend` made."""
        key = (participant, session, backend)
        return next((one for one in self.decisions.edits if (one.participant, one.session, one.backend) == key), None)

    def made_by(self, participant: str, session: str, backend: str) -> str:
        """`backend` as file names have it: another where a person changed the masks that it made of the scan."""
        return layout.edited(backend) if self.edit_of(participant, session, backend) else backend

    def edited(self, participant: str, session: str, backend: str) -> dict[str, str]:
        """The masks of that edit as plain values, for `params`; empty where there is none."""
        edit = self.edit_of(participant, session, backend)
        return {"mask": edit.mask, "sha256": edit.sha256, "edited": backend} if edit else {}

    def bifurcations_of(self, participant: str, session: str, backend: str) -> list[dict[str, Any]]:
        """Where the carotids of edited masks divide: the reader's points, else where they did in the masks before."""
        told = [row for row in self.points_of(participant, session) if row.get("place") == "bifurcation"]
        edit, known = self.edit_of(participant, session, backend), {row["region"] for row in told}
        names = {"participant": participant, "session": session, "place": "bifurcation"}
        return told + [
            {**names, "region": region, "x_mm": x, "y_mm": y, "z_mm": z}
            for region, (x, y, z) in sorted((edit.bifurcations if edit else {}).items())
            if region not in known
        ]

    def per_scan(self, template: str, *, backend: str = "") -> list[str]:
        """The file of every included scan, from the masks that hold."""
        return [
            str(
                layout.path(
                    template,
                    participant=row.participant,
                    session=row.session,
                    backend=self.made_by(row.participant, row.session, backend),
                )
            )
            for row in self.included
        ]

    def per_backend(self, template: str, analysis: str) -> list[str]:
        """The file of every included scan by every backend of an analysis: all of the first backend, then the next."""
        return self.per_backends(template, self.settings.analyses[analysis].backends)

    def per_backends(self, template: str, backends: Sequence[str]) -> list[str]:
        """The file of every included scan: by the first backend of all scans, then by the next."""
        return [path for backend in backends for path in self.per_scan(template, backend=backend)]

    def per_combination(self, template: str, multiverse: str) -> list[str]:
        """The file of every included scan by every backend of a multiverse."""
        return self.per_backends(template, backends_of(self.analyses_of(multiverse)))

    def analyses_of(self, multiverse: str) -> list[Analysis]:
        """The analyses that a multiverse expands to."""
        grid = self.settings.multiverse[multiverse]
        return [analysis for _, analysis in combined(self.settings.analyses[grid.extends], grid.vary)]

    def mask(self, participant: str, session: str) -> str:
        """The imported label image of a scan, relative to the study unless the setting is absolute."""
        template = self.settings.segment.imported.path
        try:
            return template.format(participant=participant, session=session)
        except (KeyError, IndexError, ValueError):
            raise Refusal(
                "config-invalid",
                f"config/config.yaml: segment.imported.path: {template} cannot be filled in.",
                "Use {participant} and {session} and no other braces.",
            ) from None


def _without_excluded(scans: Sequence[ScanRow], made: Decisions) -> tuple[ScanRow, ...]:
    """`scans` with those left out that a person excluded, who is named by the ledger's entry alone."""
    why = {(one.participant, one.session): f"{one.why} (ledger entry {one.entry})" for one in made.exclusions}
    return tuple(
        replace(row, include="no", reason=why[row.participant, row.session])
        if (row.participant, row.session) in why
        else row
        for row in scans
    )


def backends_of(analyses: Sequence[Analysis]) -> list[str]:
    """Every backend that one of them takes a region from, in one order."""
    return sorted({backend for analysis in analyses for backend in analysis.backends})


def values_of(section: Section) -> Any:
    """A section as plain values in one order, because to Snakemake the same keys in another order are a change."""
    return _ordered(plain(section))


def _ordered(value: Any) -> Any:
    return {key: _ordered(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


def require_study(study: Path) -> None:
    if not layout.path(layout.CONFIG, study).is_file():
        raise Refusal(
            "no-study", f"{study} is not a study: it has no {layout.CONFIG}.", f"Make one with: petproc init {study}"
        )


def read_scans(study: Path) -> tuple[ScanRow, ...]:
    """Rows of the reviewed table in one order, whatever their order in the file."""
    path = layout.path(layout.SCANS, study)
    if not path.is_file():
        raise Refusal(
            "no-scans", f"{layout.SCANS} is missing.", "Propose one with: petproc inventory STUDY DELIVERY..."
        )
    rows = sorted(read_rows(path, ScanRow), key=lambda row: (row.participant, row.session))
    _check(rows)
    return tuple(rows)


def read_worksheet(study: Path, scans: Sequence[ScanRow]) -> tuple[WorksheetRow, ...]:
    """Rows of the site's worksheet that say something, in one order; none where there is no worksheet."""
    path = layout.path(layout.WORKSHEET, study)
    if not path.is_file():
        return ()
    rows = sorted(read_rows(path, WorksheetRow), key=lambda row: (row.participant, row.session))
    known, seen = {(row.participant, row.session) for row in scans}, set()
    for row in rows:
        key = (row.participant, row.session)
        if key not in known:
            raise Refusal(
                "worksheet-scan-unknown",
                f"{layout.WORKSHEET} has a row for participant {row.participant!r}, session {row.session!r}, which "
                f"{layout.SCANS} does not list.",
                "Write both as they are in that table, or remove the row.",
            )
        if key in seen:
            raise Refusal(
                "worksheet-scan-twice",
                f"{layout.WORKSHEET} has two rows for {layout.scan_name(*key)}.",
                "Keep the one that is right.",
            )
        seen.add(key)
        check(row)
    return tuple(row for row in rows if says_something(row))


def _check(rows: Sequence[ScanRow]) -> None:
    if not rows:
        raise Refusal("no-scans", f"{layout.SCANS} lists no scan.", "Fill it with: petproc inventory STUDY DELIVERY...")
    seen: set[tuple[str, str]] = set()
    for row in rows:
        wrong = [name for name in ("participant", "session") if not re.fullmatch(NAME, getattr(row, name))]
        if wrong:
            raise Refusal(
                "scan-name",
                f"{layout.SCANS}: {wrong[0]} {getattr(row, wrong[0])!r} cannot be part of a file name.",
                "Use letters and digits alone.",
            )
        if row.include not in ("yes", "no"):
            raise Refusal(
                "scan-include",
                f"{layout.SCANS}: include of {layout.scan_name(row.participant, row.session)} is {row.include!r}.",
                "Write yes or no.",
            )
        if (row.participant, row.session) in seen:
            raise Refusal(
                "scan-twice",
                f"{layout.SCANS} has two rows for {layout.scan_name(row.participant, row.session)}.",
                "Keep one, or give the other its own session.",
            )
        seen.add((row.participant, row.session))


def present(*paths: str) -> list[str]:
    """Those of `paths` that exist: an absent delivery or mask is refused by its job and does not stop the others."""
    return [path for path in paths if Path(path).is_file()]
