"""Stored pixels to physical values: PET in the unit of its derivation, CT in HU, slice by slice in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from petproc.dicom.files import BadFile
from petproc.dicom.padding import empty_values
from petproc.dicom.series import Instance, Series, unreadable

SLOPE_MAX = 1e9
INTERCEPT_MAX = 32768.0
"""A slope or intercept beyond is not believed."""
UNITS_WITH_INTERCEPT = ("CNTS", "GML", "CM2ML")
"""Counts of Philips scanners are P * slope + b before their private factor; SUV images are made by other software."""
AIR_HU = -1024
"""What a CT holds where nothing was measured."""

_HU_MIN, _HU_MAX = -32768, 32767


class Stored(NamedTuple):
    """Pixels (rows, columns) as stored, and what makes values of them; `empty` are the stored values of padding."""

    pixels: NDArray[np.integer]
    slope: float
    intercept: float
    empty: tuple[int, int] | None

    @property
    def is_empty(self) -> NDArray[np.bool_] | bool:
        if self.empty is None:
            return False
        low, high = self.empty
        return np.asarray(self.pixels == low if low == high else (self.pixels >= low) & (self.pixels <= high))


def activity(series: Series, value_factor: Sequence[float], *, threads: int) -> NDArray[np.float32]:
    """PET values [i, j, k] = (stored * slope_k + intercept_k) * value_factor[k], 0 where padded; in double precision.

    `value_factor[k]`: unit of the volume per rescaled pixel value of slice k. Where the series has several frames it
    goes on frame by frame, each factor holds its frame's share of the time, and the volume is the sum over the frames.
    """
    volume = np.empty(series.grid.shape, np.float32, order="F")
    slices = series.grid.shape[2]

    def fill(k: int, images: Sequence[Stored]) -> None:
        plane = volume[:, :, k].T
        factors = value_factor[k::slices]
        first = images[0]
        if len(images) == 1 and not first.intercept and not first.empty:
            np.multiply(first.pixels, first.slope * factors[0], out=plane, dtype=np.float64, casting="unsafe")
            return
        total = np.zeros(plane.shape)
        for image, factor in zip(images, factors, strict=True):
            values = (image.pixels.astype(np.float64) * image.slope + image.intercept) * factor
            np.copyto(values, 0.0, where=image.is_empty)
            total += values
        plane[:] = total

    _fill(series, fill, threads)
    return volume


def hounsfield(series: Series, *, threads: int) -> NDArray[np.int16]:
    """CT values in HU [i, j, k], rounded to whole numbers and clipped to what 16 bits hold; padding is air."""
    volume = np.empty(series.grid.shape, np.int16, order="F")

    def fill(k: int, images: Sequence[Stored]) -> None:
        plane = volume[:, :, k].T
        (image,) = images
        pixels, slope, intercept = image.pixels, image.slope, image.intercept
        if slope == 1 and intercept == int(intercept) and pixels.dtype.itemsize < 4:
            held = np.iinfo(pixels.dtype)
            low, high = max(held.min, _HU_MIN - int(intercept)), min(held.max, _HU_MAX - int(intercept))
            np.add(np.clip(pixels, low, high), np.int32(intercept), out=plane, casting="unsafe")
        else:
            plane[:] = np.clip(np.rint(pixels.astype(np.float64) * slope + intercept), _HU_MIN, _HU_MAX)
        if image.empty:
            np.copyto(plane, AIR_HU, where=image.is_empty)

    _fill(series, fill, threads)
    return volume


def _fill(series: Series, fill: Callable[[int, Sequence[Stored]], None], threads: int) -> None:
    def one(k: int) -> str | None:
        images = []
        for frame in series.frames:
            try:
                images.append(_stored(frame[k]))
            except BadFile as bad:
                return f"slice {k} (SOPInstanceUID {frame[k].uid}): {bad.reason}"
        fill(k, images)
        return None

    with ThreadPoolExecutor(max(1, threads)) as pool:
        bad = [found for found in pool.map(one, range(series.grid.shape[2])) if found]
    if bad:
        raise unreadable(bad)


def _stored(instance: Instance) -> Stored:
    header = instance.header
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    if not slope or not 0 < slope <= SLOPE_MAX or intercept is None or abs(intercept) > INTERCEPT_MAX:
        raise BadFile(
            "rescale-invalid", "RescaleSlope (0028,1053) or RescaleIntercept (0028,1052) is missing or makes no sense."
        )
    if intercept and header.text("Modality") == "PT" and (units := header.text("Units")) not in UNITS_WITH_INTERCEPT:
        raise BadFile(
            "pet-intercept", f"Its RescaleIntercept (0028,1052) is {intercept:g}; in a PET in {units} it must be 0."
        )
    return Stored(instance.take_pixels(), slope, intercept, empty_values(header))
