"""Images: numbers on a grid, with a unit; and labels: names on a grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from petproc.core.grid import Grid

Unit = Literal["Bq/mL", "g/mL", "cm2/mL", "HU"]


@dataclass(frozen=True, eq=False)
class Volume:
    """`data[i, j, k]` in `unit` on `grid`: PET activity concentration in Bq/mL (float32), CT in HU (int16).

    A PET that was delivered as SUV and cannot be turned back into activity keeps its unit, g/mL or cm2/mL.
    """

    data: NDArray[Any]
    grid: Grid
    unit: Unit

    def __post_init__(self) -> None:
        if self.data.shape != self.grid.shape:
            raise ValueError(f"data of shape {self.data.shape} on a grid of shape {self.grid.shape}")


@dataclass(frozen=True, eq=False)
class Labels:
    """`data[i, j, k]` (uint8) on `grid`; 0 is nothing, other values are named in `names` (value -> region name)."""

    data: NDArray[np.uint8]
    grid: Grid
    names: Mapping[int, str]

    def __post_init__(self) -> None:
        if self.data.shape != self.grid.shape:
            raise ValueError(f"labels of shape {self.data.shape} on a grid of shape {self.grid.shape}")

    def mask(self, *regions: str) -> NDArray[np.bool_]:
        """Voxels of the union of `regions`; a region that is not among the names has none."""
        values = [value for value, name in self.names.items() if name in regions]
        return np.isin(self.data, values)
