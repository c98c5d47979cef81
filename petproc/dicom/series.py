"""A series read once: every file's bytes -> SHA-256, header, pixels; slices sorted upwards on an even lattice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding, Refusal
from petproc.core.grid import Grid
from petproc.core.tables import IndexRow
from petproc.dicom.files import BadFile, Files
from petproc.dicom.frames import frame_headers, is_multi_frame
from petproc.dicom.geometry import stack
from petproc.dicom.header import Header
from petproc.dicom.instance import check_length, parse, stored_values
from petproc.dicom.pixels import check_layout

SLOPE_MAX = 1e9
INTERCEPT_MAX = 32768.0
"""A slope or intercept beyond is not believed."""
UNITS_WITH_INTERCEPT = ("CNTS", "GML", "CM2ML")
"""Counts of Philips scanners are P * slope + b before their private factor; SUV images are made by other software."""
LOSSY_SYNTAXES = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
"""JPEG baseline and extended lose information always."""
MAYBE_LOSSY_SYNTAXES = ("1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.203")
"""JPEG-LS near-lossless, JPEG 2000 and HTJ2K, unless LossyImageCompression (0028,2110) says 00."""

_HU_MIN, _HU_MAX = -32768, 32767

Stored = tuple[NDArray[np.integer], float, float]
"""Pixels as stored, slope and intercept."""


@dataclass(frozen=True)
class SourceFile:
    """A file of the delivery as it was read."""

    instance: str
    """SOPInstanceUID"""
    sha256: str
    size: int


@dataclass
class Instance:
    """One image: that of a classic file or one frame of a multi-frame file (`frame`, counted from 1, else None).

    Its bytes go as soon as its pixels are taken: a CT must not be held twice. The frames of a file share them.
    """

    header: Header
    offset: int
    file: SourceFile
    content: bytes
    frame: int | None = None

    @property
    def uid(self) -> str:
        return self.file.instance

    def take_pixels(self) -> NDArray[np.integer]:
        values = stored_values(self.header, self.content, self.offset)
        self.content = b""
        return values


@dataclass(frozen=True)
class Series:
    """`frames[f][k]` is the image of slice k of `grid` in time frame f; all but dynamic and gated PET have one frame.

    `position_mm[k]` is the delivered place of slice k along the slice normal. `grid` is sheared where the slices are
    not stacked along their normal, by `tilt_deg` (else 0). `files` are all that were read, in a fixed order.
    """

    frames: tuple[tuple[Instance, ...], ...]
    grid: Grid
    position_mm: tuple[float, ...]
    findings: tuple[Finding, ...]
    files: tuple[SourceFile, ...]
    tilt_deg: float = 0.0

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The images of the first frame: `instances[k]` is slice k."""
        return self.frames[0]

    @property
    def headers(self) -> tuple[Header, ...]:
        """Of all images, frame by frame, slices upwards."""
        return tuple(instance.header for frame in self.frames for instance in frame)

    @property
    def first(self) -> Header:
        return self.instances[0].header

    def of_frames(self, numbers: Sequence[int]) -> Series:
        """The same series with some of its frames."""
        return replace(self, frames=tuple(self.frames[number] for number in numbers))


def read_series(rows: Sequence[IndexRow], *, threads: int) -> Series:
    """Read every file of a series in parallel; a `Refusal` names the files that cannot be used."""

    def read(number: int) -> list[Instance] | str:
        try:
            return _read(files, rows[number])
        except BadFile as bad:
            return f"file {number + 1} of {len(rows)} (SOPInstanceUID {rows[number].instance}): {bad.reason}"

    with Files() as files, ThreadPoolExecutor(max(1, threads)) as pool:
        read_all = list(pool.map(read, range(len(rows))))
    bad = [found for found in read_all if isinstance(found, str)]
    if bad:
        raise _unreadable(bad)
    images = [image for found in read_all if not isinstance(found, str) for image in found]
    headers = [image.header for image in images]
    placed = stack(headers)
    frames = tuple(tuple(images[n] for n in frame) for frame in placed.frames)
    used = dict.fromkeys(image.file for frame in frames for image in frame)
    findings = (*placed.findings, *_lossy(headers))
    return Series(frames, placed.grid, placed.position_mm, findings, tuple(used), placed.tilt_deg)


def _read(files: Files, row: IndexRow) -> list[Instance]:
    content = files.read(row.path, row.member)
    header, offset = parse(content)
    if header.text("SOPInstanceUID") != row.instance:
        raise BadFile("file-changed", "It is not the file that the inventory saw: it holds another instance.")
    check_layout(header)
    check_length(header, content, offset, len(content))
    file = SourceFile(row.instance, hashlib.sha256(content).hexdigest(), len(content))
    if not is_multi_frame(header):
        return [Instance(header, offset, file, content)]
    return [Instance(one, offset, file, content, n) for n, one in enumerate(frame_headers(header), start=1)]


def _lossy(headers: Sequence[Header]) -> tuple[Finding, ...]:
    lossy = 0
    for header in headers:
        said = header.text("LossyImageCompression")
        syntax = header.transfer_syntax
        lossy += said == "01" or syntax in LOSSY_SYNTAXES or (syntax in MAYBE_LOSSY_SYNTAXES and said != "00")
    if not lossy:
        return ()
    words = (
        f"{lossy} of {len(headers)} images were compressed with loss (LossyImageCompression (0028,2110) or the "
        "transfer syntax says so): values differ from what the scanner reconstructed."
    )
    return (Finding("lossy-compression", words),)


def _unreadable(bad: Sequence[str]) -> Refusal:
    more = f" And {len(bad) - 3} more." if len(bad) > 3 else ""
    return Refusal(
        "files-unreadable",
        f"{len(bad)} files cannot be used: {' '.join(bad[:3])}{more}",
        "Restore the files or ask the site to send the series again, then run the inventory on the new delivery.",
    )


def activity(series: Series, value_factor: Sequence[float], *, threads: int) -> NDArray[np.float32]:
    """PET values [i, j, k] = (stored * slope_k + intercept_k) * value_factor[k]; computed in double precision.

    `value_factor[k]`: unit of the volume per rescaled pixel value of slice k. Where the series has several frames it
    goes on frame by frame, each factor holds its frame's share of the time, and the volume is the sum over the frames.
    """
    volume = np.empty(series.grid.shape, np.float32, order="F")
    slices = series.grid.shape[2]

    def fill(k: int, images: Sequence[Stored]) -> None:
        plane = volume[:, :, k].T
        factors = value_factor[k::slices]
        values, slope, intercept = images[0]
        if len(images) == 1 and not intercept:
            np.multiply(values, slope * factors[0], out=plane, dtype=np.float64, casting="unsafe")
            return
        total = np.zeros(plane.shape)
        for (values, slope, intercept), factor in zip(images, factors, strict=True):
            total += (values.astype(np.float64) * slope + intercept) * factor
        plane[:] = total

    _fill(series, fill, threads)
    return volume


def hounsfield(series: Series, *, threads: int) -> NDArray[np.int16]:
    """CT values in HU [i, j, k], rounded to whole numbers and clipped to what 16 bits hold."""
    volume = np.empty(series.grid.shape, np.int16, order="F")

    def fill(k: int, images: Sequence[Stored]) -> None:
        plane = volume[:, :, k].T
        values, slope, intercept = images[0]
        if slope == 1 and intercept == int(intercept) and values.dtype.itemsize < 4:
            held = np.iinfo(values.dtype)
            low, high = max(held.min, _HU_MIN - int(intercept)), min(held.max, _HU_MAX - int(intercept))
            np.add(np.clip(values, low, high), np.int32(intercept), out=plane, casting="unsafe")
        else:
            plane[:] = np.clip(np.rint(values.astype(np.float64) * slope + intercept), _HU_MIN, _HU_MAX)

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
        raise _unreadable(bad)


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
    return instance.take_pixels(), slope, intercept
