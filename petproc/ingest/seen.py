"""What the inventory knows of a series from its headers alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np

from petproc.core.tables import IndexRow
from petproc.dicom.header import Header, tag_of
from petproc.dicom.kept import Kept, KeptHeaders
from petproc.dicom.moments import moment_of
from petproc.ingest.people import NO_ID

IMAGE_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "CT",
    "1.2.840.10008.5.1.4.1.1.128": "PT",
    "1.2.840.10008.5.1.4.1.1.130": "PT",
    "1.2.840.10008.5.1.4.1.1.128.1": "PT",
}
"""SOP classes of CT and PET images: plain, enhanced, legacy converted enhanced."""
TEXTS = (
    *("SOPClassUID", "StudyInstanceUID", "FrameOfReferenceUID", "Modality", "SeriesNumber", "SeriesDescription"),
    *("PatientID", "PatientName", "PatientSex", "PatientBirthDate", "PatientSize", "PatientWeight"),
    *("Units", "CorrectedImage", "AttenuationCorrectionMethod", "SeriesType", "ImageType"),
    *("ReconstructionMethod", "ConvolutionKernel", "PixelSpacing"),
)
NUMBERS = ("Rows", "Columns", "SamplesPerPixel")
SLICES_MIN = 3
FAR_MM, UNIT_MAX = 1e5, 1.1
"""A place further from the origin than 100 m is none, nor is a longer direction one."""
UPRIGHT_MIN = 0.707
"""Slices whose normal is tilted by more than 45 degrees against the body's axis are not axial."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

_CLOCKS = [f"{name}{part}" for name in ("Acquisition", "Series", "Study") for part in ("Date", "Time")]
_TAGS = tuple(map(tag_of, (*TEXTS, *NUMBERS)))
_TIMES = tuple(map(tag_of, (*_CLOCKS, "AcquisitionDateTime", "TimezoneOffsetFromUTC")))

_PLACE = frozenset(
    map(
        tag_of,
        (
            *("SOPInstanceUID", "Modality", "InstanceNumber", "Rows", "Columns", "PixelSpacing"),
            *("ImagePositionPatient", "ImageOrientationPatient"),
        ),
    )
)

Raw = tuple[bytes | None, ...]
Tags = Mapping[str, tuple[str, ...]]
Times = tuple[datetime | None, datetime | None]
"""Acquisition, and series or study."""
Point = tuple[float, float, float]


class Slice(NamedTuple):
    """One image of a series: a file, or a frame of a multi-frame file (`frame` from 0)."""

    instance: str
    frame: int
    position: Point | None
    axes: tuple[float, ...]
    """directions of a row and a column; axial where the header does not tell"""
    acquired: datetime | None
    """None where the image does not tell its acquisition"""
    series_time: datetime | None
    number: str
    """AcquisitionNumber"""
    tags: Tags
    """those of `TEXTS` and `NUMBERS`"""
    kept: Kept | None
    """the header of a PET image, of a CT image what tells its place"""


@dataclass(eq=False)
class SeriesSeen:
    """One series of a delivery, or a part of one (`petproc.ingest.parts`).

    Tags are those of the image with the lowest SOPInstanceUID, so that the order of files has no influence. While its
    files are still being added, nothing is asked of it: what is derived from all of them is worked out once.
    """

    uid: str
    modality: str
    rows: dict[str, IndexRow] = field(default_factory=dict)
    """SOPInstanceUID -> its file"""
    slices: list[Slice] = field(default_factory=list)
    headers_kept: KeptHeaders = field(default_factory=KeptHeaders, repr=False)
    root: str = ""
    """SeriesInstanceUID of the series that this is a part of; empty where it is whole"""
    _tags: dict[Raw, Tags] = field(default_factory=dict, repr=False)
    _times: dict[Raw, Times] = field(default_factory=dict, repr=False)

    def add(self, frames: Sequence[Header], row: IndexRow) -> None:
        """One file of the series with the headers of its images; never called twice for one instance."""
        self.rows[row.instance] = row
        self.slices += [self._slice(header, row.instance, n) for n, header in enumerate(frames)]

    def _slice(self, header: Header, instance: str, frame: int) -> Slice:
        position, axes = header.numbers("ImagePositionPatient"), header.numbers("ImageOrientationPatient")
        tags, (acquired, series_time) = self._tags_of(header), self._times_of(header)
        return Slice(
            instance,
            frame,
            (position[0], position[1], position[2]) if _are(position, 3, FAR_MM) and position else None,
            axes if _are(axes, 6, UNIT_MAX) and axes else _AXIAL,
            acquired,
            series_time,
            header.text("AcquisitionNumber") or "",
            tags,
            self._kept(header, next(iter(tags["Modality"]), "")),
        )

    def _kept(self, header: Header, modality: str) -> Kept | None:
        """All of a PET, of which SUV has to be foretold; of a CT where its slices lie."""
        if modality not in ("PT", "CT"):
            return None
        return self.headers_kept.keep(header, only=None if modality == "PT" else _PLACE)

    def _tags_of(self, header: Header) -> Tags:
        """Read once for all images in which they are the same bytes."""
        raw = tuple(map(header.elements.values.get, _TAGS))
        if raw not in self._tags:
            numbers = {keyword: header.integer(keyword) for keyword in NUMBERS}
            self._tags[raw] = {keyword: header.texts(keyword) for keyword in TEXTS} | {
                keyword: () if number is None else (str(number),) for keyword, number in numbers.items()
            }
        return self._tags[raw]

    def _times_of(self, header: Header) -> Times:
        raw = tuple(map(header.elements.values.get, _TIMES))
        if raw not in self._times:
            acquired = header.moment("Acquisition") or moment_of(header.text("AcquisitionDateTime"), header.zone)
            self._times[raw] = acquired, header.moment("Series") or header.moment("Study")
        return self._times[raw]

    def part(self, name: str, slices: Iterable[Slice]) -> SeriesSeen:
        """A series of its own from some images of this one."""
        chosen = list(slices)
        rows = {one.instance: self.rows[one.instance] for one in chosen}
        modality = next(iter(chosen[0].tags["Modality"]), self.modality)
        return SeriesSeen(name, modality, rows, chosen, self.headers_kept, self.uid)

    @cached_property
    def first(self) -> Slice:
        return min(self.slices, key=lambda one: (one.instance, one.frame))

    @property
    def tags(self) -> Tags:
        return self.first.tags

    def tag(self, keyword: str) -> str:
        return next(iter(self.tags[keyword]), "")

    def text(self, keyword: str) -> str | None:
        return self.tag(keyword) or None

    def number(self, keyword: str) -> float | None:
        try:
            return float(self.tag(keyword))
        except ValueError:
            return None

    @property
    def first_header(self) -> Header:
        """Of the image with the lowest SOPInstanceUID of a PET."""
        assert self.first.kept
        return self.headers_kept.header(self.first.kept)

    def headers(self) -> list[Header]:
        """Of every image of a PET or CT as far as they are kept, from the feet upwards."""
        ordered = sorted(self.slices, key=lambda one: (one.position[2] if one.position else 0.0, one[:2]))
        return [self.headers_kept.header(one.kept) for one in ordered if one.kept]

    @cached_property
    def acquired(self) -> datetime | None:
        """The earliest acquisition; where no image tells it, the date of the series or study."""
        times = [one.acquired for one in self.slices if one.acquired]
        times = times or [one.series_time for one in self.slices if one.series_time]
        return min(times, default=None)

    @cached_property
    def last_acquired(self) -> datetime | None:
        return max((one.acquired for one in self.slices if one.acquired), default=self.acquired)

    @cached_property
    def heights_mm(self) -> list[float]:
        """Slice centres along z, upwards."""
        return sorted(one.position[2] for one in self.slices if one.position)

    @property
    def low_mm(self) -> float:
        return min(self.heights_mm, default=np.inf)

    @property
    def high_mm(self) -> float:
        return max(self.heights_mm, default=-np.inf)

    @property
    def length_mm(self) -> float:
        return max(0.0, self.high_mm - self.low_mm)

    @property
    def count(self) -> int:
        """Images, which in multi-frame files are more than files."""
        return len(self.slices)

    @property
    def person(self) -> str:
        """PatientID; without one, each study is a person of its own."""
        return self.tag("PatientID") or f"{NO_ID}{self.tag('StudyInstanceUID')}"

    @property
    def is_image(self) -> bool:
        return IMAGE_CLASSES.get(self.tag("SOPClassUID")) == self.modality

    @property
    def has_frames(self) -> bool:
        return is_frame(self.first)

    @property
    def is_axial(self) -> bool:
        """Whether most slices are; the odd one is for ingest to name."""
        upright = sum(is_upright(one.axes) for one in self.slices)
        return 2 * upright > len(self.slices)


def _are(values: Sequence[float] | None, count: int, limit: float) -> bool:
    return values is not None and len(values) == count and max(map(abs, values)) <= limit


def is_frame(one: Slice) -> bool:
    """Of a series declared dynamic or gated: its positions repeat by intent."""
    return bool({"DYNAMIC", "GATED"} & set(one.tags["SeriesType"]))


def is_upright(axes: Sequence[float]) -> bool:
    return abs(axes[0] * axes[4] - axes[1] * axes[3]) >= UPRIGHT_MIN


def sorted_series(series: Iterable[SeriesSeen]) -> list[SeriesSeen]:
    """By time, those without one last."""
    return sorted(series, key=lambda one: (one.acquired or _NEVER, one.uid))
