"""A scan read again for an audit: the tables that `sample` left, with activities of the original DICOM in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from petproc import layout
from petproc.audit.plain import PlainScan, Row, rows_at
from petproc.audit.plain_metrics import Plain
from petproc.audit.recomputation import check_activity, check_geometry, delivered, suv_again
from petproc.audit.verification import Checked
from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import ORGANS
from petproc.core.tables import IndexRow, InputRow, Verdict
from petproc.io import read_json, read_labels, read_rows, read_table
from petproc.workflow.handover.images import LabelName
from petproc.workflow.plan import Plan

UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError)
"""What a file that is not as it was written makes its reader raise."""


class Reread:
    """One scan for all analyses, each backend's tables read once. What they are held against goes into `activity` and
    `geometry`."""

    def __init__(self, study: Path, plan: Plan, scan: tuple[str, str]) -> None:
        self.study, self.plan, self.row = study, plan, plan.scan(*scan)
        self.activity = Checked("voxel tables: activities as in the DICOM")
        self.geometry = Checked("voxel tables: inside and outside as by the masks")
        self._read: dict[str, PlainScan | str] = {}

    def by(self, analysis: str) -> Plain | str:
        """The scan as `audit.plain` measures it, by the settings that the analysis' tables were made with; in words why
        it cannot be."""
        try:
            recorded = read_json(self._path(layout.QUANTIFY, analysis=analysis))["settings"]
            backends = {"": recorded["backend"], **recorded["backend_of"]}
            scans = {region: self._backend(backend) for region, backend in backends.items()}
            suv = self._suv(analysis, recorded["quantify"])
        except UNREADABLE as error:
            return f"its files cannot be read ({type(error).__name__})"
        except Refusal as refusal:
            return f"{refusal.code}: {refusal.reason}"
        if missing := [scan for scan in scans.values() if isinstance(scan, str)]:
            return missing[0]
        made = {region: scan for region, scan in scans.items() if isinstance(scan, PlainScan)}
        return Plain(made, suv, recorded["quantify"])

    def _path(self, template: str, backend: str = "", analysis: str = "") -> Path:
        scan = (self.row.participant, self.row.session)
        made = self.plan.made_by(*scan, backend) if backend else ""
        return layout.path(template, self.study, participant=scan[0], session=scan[1], backend=made, analysis=analysis)

    def _backend(self, backend: str) -> PlainScan | str:
        if backend not in self._read:
            try:
                self._read[backend] = self._tables(backend)
                self._hold_against_masks(backend, self._read[backend])
            except Refusal as refusal:
                self._read[backend] = f"{refusal.code}: {refusal.reason}"
            except UNREADABLE as error:
                self._read[backend] = f"its files cannot be read ({type(error).__name__})"
        return self._read[backend]

    def _tables(self, backend: str) -> PlainScan:
        sidecar, sample = read_json(self._path(layout.PET_SIDECAR)), read_json(self._path(layout.SAMPLE, backend))
        for content in (sidecar["petproc"], sample):
            if content["status"] != "ok":
                raise Refusal(**content["refusal"])
        grid = Grid(tuple(sample["pet_shape"]), np.array(sample["pet_affine"], dtype=np.float64))
        table = read_table(self._path(layout.VOXELS, backend))
        index = np.stack([table.column(axis).to_numpy() for axis in "ijk"], axis=1).astype(np.int64)
        told = delivered(files_of(self.study, self.row.pet), sidecar, grid, index)
        where = self._name(layout.VOXELS, backend)
        self.activity.deviations += check_activity(where, index, table.column("activity").to_numpy(), told.activity)
        self.activity.count += len(index)
        if not told.plainly:
            self.activity.notes.append(f"{where}: activities were re-read by ingest, not plainly: {told.why}")
        voxels: dict[str, list[Row]] = {}
        for row, activity in zip(table.to_pylist(), told.activity.tolist(), strict=True):
            voxels.setdefault(row["region"], []).append({**row, "activity": activity})
        return PlainScan(
            voxels, read_table(self._path(layout.STATIONS, backend)).to_pylist(), sample, grid, self._heard()
        )

    def _heard(self) -> list[Verdict]:
        scan = (self.row.participant, self.row.session)
        return [Verdict(**one) for one in self.plan.judged() if (one["participant"], one["session"]) == scan]

    def _hold_against_masks(self, backend: str, scan: PlainScan | str) -> None:
        assert isinstance(scan, PlainScan)
        where = self._name(layout.VOXELS, backend)
        if scan.sample["alignment_applied"]:
            self.geometry.notes.append(f"{where}: not held against the masks, because the PET was moved onto the CT")
            return
        names = {row.index: row.name for row in read_rows(self._path(layout.LABEL_NAMES, backend), LabelName)}
        labels = read_labels(self._path(layout.LABELS, backend), names)
        for region in scan.voxels:
            if region not in ORGANS:
                rows = rows_at(region, scan)
                self.geometry.deviations += check_geometry((where, region), rows, labels, scan.grid)
                self.geometry.count += len(rows)

    def _suv(self, analysis: str, settings: dict[str, Any]) -> float | None:
        acquisition = PetAcquisition.from_json(read_json(self._path(layout.PET_SIDECAR))["petproc"]["acquisition"])
        scan = (self.row.participant, self.row.session)
        inputs = read_rows(self._path(layout.INPUTS, analysis=analysis), InputRow)
        return suv_again(acquisition, [row for row in inputs if (row.participant, row.session) == scan], settings)

    def _name(self, template: str, backend: str) -> str:
        return self._path(template, backend).relative_to(self.study).as_posix()


def files_of(study: Path, series: str) -> Sequence[IndexRow]:
    """Files of a series with paths that lead to them."""
    path = layout.path(layout.INDEX, study, series=series)
    rows = read_rows(path, IndexRow) if path.is_file() else []
    return [replace(row, path=str(study.resolve() / row.path)) for row in rows]
