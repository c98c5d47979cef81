"""Segmentation made elsewhere: a label map on the CT grid, from a reader or any program, with the names of its values.

It must lie on the CT's own voxels (`lattice`); what is made of it is the same for every such map (`labelled`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from petproc.core.errors import Refusal
from petproc.core.results import Segmentation
from petproc.core.tables import PointRow
from petproc.core.volume import Labels, Volume
from petproc.segment.labelled import box_of, from_masks
from petproc.segment.lattice import onto_grid


def segment(
    ct: Volume, labels: Labels, *, names: Mapping[str, int], scan: str, points: Sequence[PointRow] = ()
) -> Segmentation:
    """`labels` holds the file's own values, `names` says which value is which region or guide (name -> value).

    `points` are the readers' of this scan, of which only the bifurcations of carotids are used. Refused where the map
    is not on the CT's lattice (`labels-off-grid`) or holds none of the values (`labels-empty`).
    """
    masks = onto_grid(labels, ct.grid, scan=scan)
    box = box_of(masks)
    if box is None or not np.isin(masks[box], list(names.values())).any():
        wanted = ", ".join(f"{name} = {value}" for name, value in names.items())
        raise Refusal(
            "labels-empty",
            f"The label map holds none of the values that are named ({wanted}).",
            "Set segment.imported.names to the values of this file, or replace the file.",
            scan,
        )
    return from_masks(ct, masks, names=names, backend="imported", points=points)
