"""Segments of a DICOM SEG on the voxels of the CT; a SEG holds only the slices where something is segmented."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from petproc.core.errors import Refusal
from petproc.core.volume import Labels
from petproc.dicom.masks import CtSource, Masks, check_source, named, overlap, rows_of

OFF_GRID_MM = 0.1
"""A segmented slice may lie this far from the CT's voxels: printed positions drift by 0.05 mm."""
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def place_segments(dataset: Dataset, source: CtSource, values: Mapping[str, int]) -> Masks:
    """See `masks.read_masks`. Fractional segments count from one half."""
    import highdicom

    seg = highdicom.seg.Segmentation.from_dataset(dataset, copy=False)
    names = {int(one.SegmentNumber): str(one.SegmentLabel) for one in rows_of(dataset, "SegmentSequence")}
    chosen = named(names, values)
    check_source({str(uid) for _, _, uid in seg.get_source_image_uids()}, source)
    data = np.zeros(source.grid.shape, dtype=np.uint8, order="F")
    shared = 0
    for number, value in sorted(chosen.items(), key=lambda entry: entry[1]):
        volume = seg.get_volume(segment_numbers=[number], atol=OFF_GRID_MM)
        mask = np.squeeze(np.asarray(volume.array), axis=-1) >= 0.5
        where, mask = _onto(mask, _LPS_TO_RAS @ np.asarray(volume.affine), source)
        shared += int((data[where][mask] > 0).sum())
        data[where][mask] = value
    return Masks(Labels(data, source.grid, {value: name for name, value in values.items()}), overlap(shared))


def _onto(
    mask: NDArray[np.bool_], affine: NDArray[np.float64], source: CtSource
) -> tuple[tuple[slice, ...], NDArray[np.bool_]]:
    """The part of the CT's array that `mask` fills, and the mask in its order of axes."""
    steps = np.linalg.inv(source.grid.affine) @ affine
    turn = np.rint(steps[:3, :3])
    order = np.abs(turn).argmax(axis=1)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in mask.shape])).reshape(3, -1).T
    exact = corners @ steps[:3, :3].T + steps[:3, 3]
    nearest = np.rint(exact)
    off_mm = float(np.abs((exact - nearest) * source.grid.spacing).max())
    low, high = nearest.min(axis=0).astype(int), nearest.max(axis=0).astype(int) + 1
    whole = sorted(order.tolist()) == [0, 1, 2] and (high - low == np.array(mask.shape)[order]).all()
    if not whole or off_mm > OFF_GRID_MM or (low < 0).any() or (high > source.grid.shape).any():
        raise Refusal(
            "labels-off-grid",
            f"The segments do not lie on the voxels of the CT: {off_mm:.2f} mm beside them, or beyond the CT.",
            "Draw or export the segments on this very CT.",
        )
    turned = mask.transpose(order)
    backwards = tuple(axis for axis in range(3) if turn[axis, order[axis]] < 0)
    return tuple(slice(a, b) for a, b in zip(low, high, strict=True)), np.flip(turned, axis=backwards)
