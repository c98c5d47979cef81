"""What might lie a little elsewhere: the outer wall of every vessel, or all vessels in the PET, as tables say it.

Moved out by d mm the wall leaves every voxel d mm deeper under it. Shifts are those that `sample` looked up
(`core.tables.SHIFTS`): the median depth is the one stored, and the other quantiles follow by the same difference.
Targets and blood pools move together. What a voxel belongs to (region, station) stays as it was, as do its distances to
neighbours and what the gate says of the stations: ends of vessels and cuts between regions do not move.

How deep a blood pool must lie is a margin under the wall as it was drawn, and moves with the boundary: the pool is then
the same voxels, the deepest, and whether it can be had is judged once. Else every ratio of a person with a narrow vena
cava would have no interval, though no voxel of blood reads otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Refusal
from petproc.core.tables import SHIFT_MM, SHIFTED
from petproc.quantify import ScanTables
from petproc.settings import FragilitySettings, QuantifySettings

MEDIAN = "depth_p50"

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Variant:
    """`words` say what is moved; `moved` gives a voxel table's columns with other depths; `out_mm` is how far out the
    boundary lies."""

    words: str
    moved: Callable[[Columns], Columns]
    out_mm: float = 0.0

    def of(self, tables: ScanTables) -> ScanTables:
        """A scan with this moved, by every backend that segments a region of it."""
        return _each(tables, self.moved)

    def under(self, settings: QuantifySettings) -> QuantifySettings:
        """With the blood pool's margin under the wall where it was."""
        margins = ("depth_min_mm", "artery_depth_min_mm")
        moved = {name: getattr(settings.background, name) + self.out_mm for name in margins}
        return settings.model_copy(update={"background": settings.background.model_copy(update=moved)})


def variants(settings: FragilitySettings) -> list[Variant]:
    """The boundary out and in, then every shift."""
    mm = settings.boundary_mm
    boundary = [
        Variant(f"boundary {mm:g} mm out", lambda columns: _deeper(columns, np.float32(mm)), mm),
        Variant(f"boundary {mm:g} mm in", lambda columns: _deeper(columns, np.float32(-mm)), -mm),
    ]
    return boundary + [_shift(name, column) for name, column in SHIFTED.items()]


def columns_needed() -> list[str]:
    """Of the voxel table, beside those that quantification reads."""
    return list(SHIFTED.values())


def worth_moving(tables: ScanTables, quantify: QuantifySettings, settings: FragilitySettings) -> ScanTables:
    """A scan without the rows that no variant brings into a vessel: most lie around it, and only SUVpeak sees them.

    A `Refusal` where rows that a variant may bring in were not kept by `sample`.
    """
    for one in (tables, *tables.of_region.values()):
        _require_reach(one, quantify.depth_mm[0], settings)
    if quantify.measures("suv_peak"):
        return tables
    least = min(quantify.depth_mm[0], quantify.background.depth_min_mm)

    def reaching(columns: Columns) -> Columns:
        most = np.full(len(columns[MEDIAN]), settings.boundary_mm, dtype=np.float32)
        for name in SHIFTED.values():
            most = np.fmax(most, columns[name] - columns[MEDIAN])
        at = np.flatnonzero(columns["depth_p90"] + most >= least)
        return {name: column[at] for name, column in columns.items()}

    return _each(tables, reaching)


def _require_reach(tables: ScanTables, outer_mm: float, settings: FragilitySettings) -> None:
    reach = tables.sample.get("settings", {}).get("reach_mm")
    needed = max(settings.boundary_mm, SHIFT_MM) - outer_mm
    if reach is not None and reach < needed:
        raise Refusal(
            "reach-too-short",
            f"Voxels are kept up to {reach:g} mm outside a wall, and {needed:g} mm are needed to move it.",
            "Raise sample.reach_mm.",
        )


def _each(tables: ScanTables, change: Callable[[Columns], Columns]) -> ScanTables:
    """`change` of the voxels of every backend, each once."""
    made: dict[int, ScanTables] = {}
    for one in (tables, *tables.of_region.values()):
        if id(one) not in made:
            made[id(one)] = replace(one, voxels=change(dict(one.voxels)) if one.voxels else one.voxels)
    elsewhere = {region: made[id(one)] for region, one in tables.of_region.items()}
    return replace(made[id(tables)], of_region=elsewhere)


def _shift(name: str, column: str) -> Variant:
    def moved(columns: Columns) -> Columns:
        return {**_deeper(columns, columns[column] - columns[MEDIAN]), MEDIAN: columns[column]}

    return Variant(f"vessels {SHIFT_MM:g} mm {name}", moved)


def _deeper(columns: Columns, by_mm: Any) -> Columns:
    return {**columns, **{name: columns[name] + by_mm for name in _depths(columns)}}


def _depths(columns: Columns) -> Sequence[str]:
    return [name for name in columns if name.startswith("depth_") and name not in SHIFTED.values()]
