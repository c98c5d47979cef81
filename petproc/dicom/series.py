"""A series read once: every file's bytes -> SHA-256, header, pixels; slices sorted upwards on an even lattice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
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
from petproc.dicom.padding import check_padding
from petproc.dicom.pixels import check_layout


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
        values = stored_values(self.header, self.content, self.offset, frame=(self.frame or 1) - 1)
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
        raise unreadable(bad)
    return assembled([image for found in read_all if not isinstance(found, str) for image in found])


def assembled(images: Sequence[Instance]) -> Series:
    """Images of one series, in whatever order, at their places in space and time; a `Refusal` where they have none.

    Only a CT may be stacked askew: resampling a PET would change what is measured.
    """
    headers = [image.header for image in images]
    placed = stack(headers)
    if placed.tilt_deg and headers[0].text("Modality") != "CT":
        raise Refusal(
            "gantry-tilt",
            f"The slices are not stacked along their normal but {placed.tilt_deg:.1f} degrees off it.",
            "Ask the site for the series as the scanner reconstructed it.",
        )
    frames = tuple(tuple(images[n] for n in frame) for frame in placed.frames)
    used = dict.fromkeys(image.file for frame in frames for image in frame)
    findings = (*placed.findings, *_lossy(headers), *check_padding(headers))
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
    lossy = sum(header.lossy for header in headers)
    if not lossy:
        return ()
    words = (
        f"{lossy} of {len(headers)} images were compressed with loss (LossyImageCompression (0028,2110) or the pixels "
        "themselves say so): values differ from what the scanner reconstructed."
    )
    return (Finding("lossy-compression", words),)


def unreadable(bad: Sequence[str]) -> Refusal:
    """The refusal of a series by what is wrong with each bad file, in words."""
    more = f" And {len(bad) - 3} more." if len(bad) > 3 else ""
    return Refusal(
        "files-unreadable",
        f"{len(bad)} files cannot be used: {' '.join(bad[:3])}{more}",
        "Restore the files or ask the site to send the series again, then run the inventory on the new delivery.",
    )
