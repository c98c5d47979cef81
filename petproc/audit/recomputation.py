"""Numbers again from the original DICOM: activities re-read, compared with the voxel table, and measured by `plain`.

The voxel table's geometry is held against the mask too, by counting lattice points. Depths are sub-voxel distances to a
smoothed wall, the mask has steps: near the wall a voxel may be half inside by the one and not by the other. So a voxel
is wrong only where both are sure: the mask by `COVERAGE_MARGIN`, the depth by half of the mask's largest voxel edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc import reference
from petproc.audit.manifest import THREADS, Deviation
from petproc.audit.plain import NotPlain, Row
from petproc.audit.plain_metrics import Plain, measure_again
from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import REGIONS, regions_of
from petproc.core.suv import glucose_factor, suv_per_activity
from petproc.core.tables import IndexRow, InputRow, UptakeRow
from petproc.core.volume import Labels
from petproc.dicom import plain as dicom
from petproc.dicom.files import BadFile, Files

SAME = 1e-6
"""Largest difference of a number, as a share of it, or as it is where it is below 1."""
COVERAGE_MARGIN = 0.15
GEOMETRY_SHARE = 0.02
"""Of a region's voxels inside the wall, that may be wrong. In the digital trial (masks of 3.6 mm) none are with the
true masks, 3 to 11 % with masks moved sideways by a voxel of theirs, 7 to 37 % with masks thicker or thinner by one."""
PLACE_SHARE = 0.1
"""Of the step between slices: where a delivered slice may lie from its place on the even lattice."""
MADE_FROM_SEVERAL = ("beds-corrected-separately", "frames-averaged")
"""Findings of ingest that say that a value is not a stored value times its slope."""

Index = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Delivered:
    """Activities (N,) at voxels (N, 3) of the PET, and how they were read: `plainly`, else by ingest and why."""

    activity: NDArray[np.float64]
    plainly: bool
    why: str = ""


@dataclass(frozen=True)
class Number:
    """A row checked: `ok`, `deviates`, `not recomputed` with the reason, or `no number` where it holds none."""

    analysis: str
    row: UptakeRow
    verdict: str
    again: float | None = None
    why: str = ""


def delivered(files: Sequence[IndexRow], sidecar: Mapping[str, Any], grid: Grid, index: Index) -> Delivered:
    """Activities at `index` from the files of a PET series; a `Refusal` where ingest cannot read them either."""
    try:
        return Delivered(_plainly(files, sidecar, grid, index), True)
    except dicom.NotPlain as odd:
        return Delivered(_by_ingest(files, sidecar, index), False, str(odd))


def check_activity(table: str, index: Index, written: NDArray[Any], found: NDArray[np.float64]) -> list[Deviation]:
    """Activities of a voxel table against those of the delivery, to the last digit of single precision."""
    apart = np.abs(written.astype(np.float64) - found) > np.spacing(np.abs(found).astype(np.float32))
    wrong = np.flatnonzero(apart | ~np.isfinite(written))
    if not len(wrong):
        return []
    first = wrong[0]
    where = f"{table}, {len(wrong)} of {len(index)} voxels, first {tuple(int(n) for n in index[first])}"
    return [Deviation(where, "activity is not that of the DICOM", f"{found[first]:.7g}", f"{written[first]:.7g}")]


def check_geometry(where: tuple[str, str], rows: Sequence[Row], labels: Labels, grid: Grid) -> list[Deviation]:
    """A region's voxels inside and outside the wall against the mask; `where` is the table and the region."""
    inside, wrong = geometry_apart(where[1], rows, labels, grid)
    if wrong <= GEOMETRY_SHARE * inside:
        return []
    why = f"{wrong} voxels are on the other side of the wall than by the mask, {inside} are inside"
    return [Deviation(f"{where[0]}, {where[1]}", why)]


def geometry_apart(region: str, rows: Sequence[Row], labels: Labels, grid: Grid) -> tuple[int, int]:
    """How many voxels of a region are inside the wall, and how many surely lie on the other side of it by the mask."""
    index = np.array([(row["i"], row["j"], row["k"]) for row in rows], dtype=np.int64).reshape(-1, 3)
    depth = np.array([row["depth_p50"] for row in rows], dtype=np.float64)
    deep, sure = depth >= 0.0, np.abs(depth) > float(labels.grid.spacing.max()) / 2.0
    share = reference.coverage_at(labels, regions_of(REGIONS[region].vessel), grid, index)
    wrong = sure & np.where(deep, share < 0.5 - COVERAGE_MARGIN, share > 0.5 + COVERAGE_MARGIN)
    return int(deep.sum()), int(wrong.sum())


def check_number(analysis: str, row: UptakeRow, plain: Plain | str) -> Number:
    """A row of `uptake.tsv` measured again; `plain` may be the reason why nothing of its scan can be."""
    if row.value is None:
        return Number(analysis, row, "no number", why=row.status)
    if isinstance(plain, str):
        return Number(analysis, row, "not recomputed", why=plain)
    try:
        again = measure_again(row, plain)
    except NotPlain as odd:
        return Number(analysis, row, "not recomputed", why=str(odd))
    if not _same(again.value, row.value):
        return Number(analysis, row, "deviates", again.value)
    if again.n_voxel != row.n_voxel:
        return Number(analysis, row, "deviates", again.value, f"{again.n_voxel} voxels, not {row.n_voxel}")
    if row.background_suv is not None and not _same(again.background_suv, row.background_suv):
        return Number(analysis, row, "deviates", again.value, f"background {again.background_suv}")
    return Number(analysis, row, "ok", again.value)


def suv_again(acquisition: PetAcquisition, inputs: Sequence[InputRow], settings: Mapping[str, Any]) -> float | None:
    """SUV per activity from what `inputs.tsv` says was taken of a scan; None where it says too little."""
    values: dict[str, Any] = {}
    glucose = None
    for row in inputs:
        if row.quantity in ("weight_kg", "height_m", "injected_activity_bq"):
            values[row.quantity] = None if row.value is None else float(row.value)
        elif row.quantity == "injection_time":
            values[row.quantity] = None if row.value is None else datetime.fromisoformat(row.value)
        elif row.quantity == "sex":
            values[row.quantity] = row.value
        elif row.quantity == "glucose_mmol_l":
            glucose = None if row.value is None else float(row.value)
    if acquisition.decay_correction == "ADMIN" and acquisition.decay_reference_time is None:
        values["decay_reference_time"] = values.get("injection_time")
    try:
        factor = suv_per_activity(replace(acquisition, **values), settings["suv"])
        return factor * glucose_factor(glucose, settings.get("glucose_reference_mmol_l"))
    except Refusal:
        return None


def _same(a: float | None, b: float) -> bool:
    return a is not None and abs(a - b) <= SAME * max(1.0, abs(b))


def _plainly(files: Sequence[IndexRow], sidecar: Mapping[str, Any], grid: Grid, index: Index) -> NDArray[np.float64]:
    ours = sidecar["petproc"]
    if any(one["code"] in MADE_FROM_SEVERAL for one in ours["findings"]):
        raise dicom.NotPlain("its values are made from several images, or brought to one time here")
    slices = {one["k"]: one["instance"] for one in ours["slices"]}
    at = {row.instance: row for row in files}
    found = np.full(len(index), np.nan)

    def fill(k: int) -> None:
        own = index[:, 2] == k
        image = dicom.read_plain_slice(_content(opened, at.get(slices.get(k, ""))))
        _check_place(image, grid, k)
        found[own] = image.values[tuple(index[own][:, :2].T)]

    with Files() as opened, ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(fill, np.unique(index[:, 2]).tolist()))
    return found


def _content(opened: Files, row: IndexRow | None) -> bytes:
    if row is None:
        raise dicom.NotPlain("a slice has no file of its own")
    try:
        return opened.read(row.path, row.member)
    except BadFile as bad:
        raise dicom.NotPlain(bad.reason) from None


def _check_place(image: dicom.PlainSlice, grid: Grid, k: int) -> None:
    """The image is where the table says that its slice is; if not, it is no plain series."""
    away = np.linalg.norm(grid.to_mm([0, 0, k]) - image.origin)
    steps = [np.linalg.norm(grid.affine[:3, n] - step) for n, step in enumerate((image.along_i, image.along_j))]
    if image.values.shape != grid.shape[:2] or away > PLACE_SHARE * grid.spacing[2] or max(steps) > 1e-3:
        raise dicom.NotPlain(f"slice {k} does not lie where the table has it")


def _by_ingest(files: Sequence[IndexRow], sidecar: Mapping[str, Any], index: Index) -> NDArray[np.float64]:
    from petproc.dicom.rescale import activity
    from petproc.ingest.scan import read_pet
    from petproc.settings import IngestSettings

    settings = IngestSettings.model_validate(sidecar["petproc"]["settings"])
    series, known = read_pet(files, settings=settings, threads=THREADS)
    volume = activity(series, known.value_factor, threads=THREADS)
    return np.asarray(volume[tuple(index.T)], dtype=np.float64)
