"""A series read once: every file's bytes -> SHA-256, header, pixels; slices sorted upwards on an even lattice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Grid
from petproc.core.tables import IndexRow
from petproc.dicom.files import BadFile, Files
from petproc.dicom.geometry import stack
from petproc.dicom.header import Header
from petproc.dicom.instance import check_layout, check_length, parse, stored_values

SLOPE_MAX = 1e9
INTERCEPT_MAX = 32768.0
"""A slope or intercept beyond is not believed."""
UNITS_WITH_INTERCEPT = ("CNTS", "GML", "CM2ML")
"""Counts of Philips scanners are P * slope + b before their private factor; SUV images are made by other software."""

_HU_MIN, _HU_MAX = -32768, 32767


@dataclass
class Instance:
    """One file in memory. Its bytes go as soon as its pixels are taken: a CT must not be held twice."""

    header: Header
    offset: int
    sha256: str
    size: int
    content: bytes

    @property
    def uid(self) -> str:
        return self.header.text("SOPInstanceUID") or ""

    def take_pixels(self) -> NDArray[np.integer]:
        values = stored_values(self.header, self.content, self.offset)
        self.content = b""
        return values


@dataclass(frozen=True)
class Series:
    """`instances[k]` is slice k of `grid`; `position_mm[k]` its delivered place along the slice normal."""

    instances: tuple[Instance, ...]
    grid: Grid
    position_mm: tuple[float, ...]
    findings: tuple[Finding, ...]

    @property
    def headers(self) -> tuple[Header, ...]:
        return tuple(instance.header for instance in self.instances)

    @property
    def first(self) -> Header:
        return self.instances[0].header


def read_series(rows: Sequence[IndexRow], *, threads: int) -> Series:
    """Read every file of a series in parallel; a `Refusal` names the files that cannot be used."""

    def read(number: int) -> Instance | str:
        try:
            return _read(files, rows[number])
        except BadFile as bad:
            return f"file {number + 1} of {len(rows)} (SOPInstanceUID {rows[number].instance}): {bad.reason}"

    with Files() as files, ThreadPoolExecutor(max(1, threads)) as pool:
        read_all = list(pool.map(read, range(len(rows))))
    bad = [found for found in read_all if isinstance(found, str)]
    if bad:
        raise _unreadable(bad)
    instances = [found for found in read_all if isinstance(found, Instance)]
    placed = stack([instance.header for instance in instances])
    return Series(tuple(instances[n] for n in placed.order), placed.grid, placed.position_mm, placed.findings)


def _read(files: Files, row: IndexRow) -> Instance:
    content = files.read(row.path, row.member)
    header, offset = parse(content)
    if header.text("SOPInstanceUID") != row.instance:
        raise BadFile("file-changed", "It is not the file that the inventory saw: it holds another instance.")
    check_layout(header)
    check_length(header, content, offset, len(content))
    return Instance(header, offset, hashlib.sha256(content).hexdigest(), len(content), content)


def _unreadable(bad: Sequence[str]) -> Refusal:
    more = f" And {len(bad) - 3} more." if len(bad) > 3 else ""
    return Refusal(
        "files-unreadable",
        f"{len(bad)} files cannot be used: {' '.join(bad[:3])}{more}",
        "Restore the files or ask the site to send the series again, then run the inventory on the new delivery.",
    )


def activity(series: Series, value_factor: Sequence[float], *, threads: int) -> NDArray[np.float32]:
    """PET values [i, j, k] = (stored * slope_k + intercept_k) * value_factor[k]; computed in double precision.

    `value_factor[k]`: unit of the volume per rescaled pixel value of slice k. The standard demands an intercept of 0 of
    every PET (C.8.9.4); it is applied where Units (0054,1001) are those in which scanners write one all the same.
    """
    volume = np.empty(series.grid.shape, np.float32, order="F")

    def fill(k: int, values: NDArray[np.integer], slope: float, intercept: float) -> None:
        units = series.instances[k].header.text("Units")
        if intercept and units not in UNITS_WITH_INTERCEPT:
            raise BadFile(
                "pet-intercept",
                f"Its RescaleIntercept (0028,1052) is {intercept:g}; in a PET in {units} it must be 0.",
            )
        plane = volume[:, :, k].T
        if intercept:
            plane[:] = (values.astype(np.float64) * slope + intercept) * value_factor[k]
        else:
            np.multiply(values, slope * value_factor[k], out=plane, dtype=np.float64, casting="unsafe")

    _fill(series, fill, threads)
    return volume


def hounsfield(series: Series, *, threads: int) -> NDArray[np.int16]:
    """CT values in HU [i, j, k], rounded to whole numbers and clipped to what 16 bits hold."""
    volume = np.empty(series.grid.shape, np.int16, order="F")

    def fill(k: int, values: NDArray[np.integer], slope: float, intercept: float) -> None:
        plane = volume[:, :, k].T
        if slope == 1 and intercept == int(intercept) and values.dtype.itemsize < 4:
            held = np.iinfo(values.dtype)
            low, high = max(held.min, _HU_MIN - int(intercept)), min(held.max, _HU_MAX - int(intercept))
            np.add(np.clip(values, low, high), np.int32(intercept), out=plane, casting="unsafe")
        else:
            plane[:] = np.clip(np.rint(values.astype(np.float64) * slope + intercept), _HU_MIN, _HU_MAX)

    _fill(series, fill, threads)
    return volume


def _fill(series: Series, fill: Callable[[int, NDArray[np.integer], float, float], None], threads: int) -> None:
    def one(k: int) -> str | None:
        instance = series.instances[k]
        slope, intercept = instance.header.number("RescaleSlope"), instance.header.number("RescaleIntercept")
        name = f"slice {k} (SOPInstanceUID {instance.uid})"
        if not slope or not 0 < slope <= SLOPE_MAX or intercept is None or abs(intercept) > INTERCEPT_MAX:
            return f"{name}: RescaleSlope (0028,1053) or RescaleIntercept (0028,1052) is missing or makes no sense."
        try:
            fill(k, instance.take_pixels(), slope, intercept)
        except BadFile as bad:
            return f"{name}: {bad.reason}"
        return None

    with ThreadPoolExecutor(max(1, threads)) as pool:
        bad = [found for found in pool.map(one, range(len(series.instances))) if found]
    if bad:
        raise _unreadable(bad)
