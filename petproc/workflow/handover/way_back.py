"""The way back of an analysis' numbers for its page: each explained from the tables, as `petproc explain` does.

Voxels are not looked up: of the blood pool the page has what `quantify` recorded, and the command lists every voxel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from petproc import layout
from petproc.audit.decisions import Decisions, Edit, Override
from petproc.audit.explanation import Blood, Evidence, explanation
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.tables import InputRow, ScanRow, SliceRow, UptakeRow, Verdict, VesselRow
from petproc.io import read_json, read_rows
from petproc.settings import Analysis
from petproc.workflow.earlier import earlier_values, key_of
from petproc.workflow.handover.tables import included

Record = Mapping[str, Any]


def read_way_back(
    files: SimpleNamespace,
    rows: Sequence[ScanRow],
    analysis: tuple[str, Analysis],
    decided: Mapping[str, Sequence[Record]],
    study: Path = Path(),
) -> list[dict[str, Any]]:
    """An explanation for each scan and target region of the analysis' index metric, in the order of the table.

    `files` are those of the rule `report`: of what a backend makes, all scans of the first backend of the analysis,
    then all of the next. `decided` is what `Plan.decided` says. The ledger is read for earlier values.
    """
    name, asked = analysis
    quantified, compared = read_json(files.quantify), read_json(files.compare)
    used = {**quantified["settings"], "compare": compared["settings"]}
    table = read_rows(files.uptake, UptakeRow)
    wanted = [row for row in table if row.metric == asked.compare.index_metric and row.region in asked.quantify.regions]
    values = {key_of(row): row for row in wanted}
    known = earlier_values(study, list(values), name, now=(quantified["settings"], values))
    slices, vessels = _by_place(read_rows(files.slices, SliceRow)), _by_place(read_rows(files.vessels, VesselRow))
    inputs = read_rows(files.inputs, InputRow)
    scans = {(row.participant, row.session): n for n, row in enumerate(included(rows))}
    made, made_decisions = _Made(files, len(scans), asked), _decisions(decided)
    told = []
    for row in wanted:
        scan, place = (row.participant, row.session), key_of(row)[:3]
        sample, segmentation, labels = made.of(scans[scan], row.region)
        evidence = Evidence(
            row,
            slices.get(place, []),
            pet_grid(sample),
            used,
            made.pet(scans[scan]),
            segmentation,
            next(iter(vessels.get(place, [])), None),
            recorded_blood(quantified, scan, row.background_region, asked),
            [one for one in inputs if (one.participant, one.session) == scan],
            made_decisions,
            known[key_of(row)],
            name,
            compared.get("exploratory", ""),
            {"file": labels},
        )
        told.append(explanation(evidence))
    return told


class _Made:
    """Sidecars of the scans, each read once."""

    def __init__(self, files: SimpleNamespace, count: int, analysis: Analysis) -> None:
        self.files, self.count, self.analysis = files, count, analysis
        self.read: dict[Path, Record] = {}

    def of(self, n: int, region: str) -> tuple[Record, Record, str]:
        """What sample and segment say of scan `n`, and the name of the labels, by the backend of `region`."""
        at = self.analysis.backends.index(self.analysis.backend_for(region)) * self.count + n
        segmentation = self.files.segmentation[at]
        labels = segmentation.with_name(segmentation.name.replace(".json", ".nii.gz"))
        return self._json(self.files.sample[at]), self._json(segmentation), labels.name

    def pet(self, n: int) -> Record:
        return self._json(self.files.pet_sidecar[n])

    def _json(self, path: Path) -> Record:
        """A file that is not whole says nothing; the page's findings name it."""
        if path not in self.read:
            try:
                self.read[path] = read_json(path)
            except Refusal:
                self.read[path] = {"petproc": {}}
        return self.read[path]


def pet_grid(sample: Record) -> Grid | None:
    """Grid of the PET by what `sample` recorded; None of a scan that was refused, which has no voxel to place."""
    if "pet_shape" not in sample:
        return None
    return Grid(tuple(sample["pet_shape"]), np.array(sample["pet_affine"], dtype=np.float64))


def recorded_blood(quantified: Record, scan: tuple[str, str], region: str | None, analysis: Analysis) -> Blood | None:
    """What `quantify.json` holds of a blood pool; None where there is none or none was recorded yet."""
    told = quantified.get("blood", {}).get(layout.scan_name(*scan), {}).get(region)
    if region is None or told is None:
        return None
    return Blood(region, told["n_voxel"], told["activity_bq_ml"], told["planes"], analysis.backend_for(region))


def _decisions(decided: Mapping[str, Sequence[Record]]) -> Decisions:
    return Decisions(
        tuple(Verdict(**one) for one in decided["verdicts"]),
        (),
        tuple(Override(**one) for one in decided["overrides"]),
        tuple(Edit(**one) for one in decided["edits"]),
    )


def _by_place(rows: Sequence[Any]) -> dict[tuple[str, ...], list[Any]]:
    """By participant, session and region."""
    found: dict[tuple[str, ...], list[Any]] = {}
    for row in rows:
        found.setdefault((row.participant, row.session, row.region), []).append(row)
    return found
