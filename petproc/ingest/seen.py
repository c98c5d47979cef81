"""What the inventory knows of a series from its headers alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from petproc.core.tables import IndexRow
from petproc.dicom.header import Header

IMAGE_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "CT",
    "1.2.840.10008.5.1.4.1.1.128": "PT",
    "1.2.840.10008.5.1.4.1.1.130": "PT",
    "1.2.840.10008.5.1.4.1.1.128.1": "PT",
}
"""SOP classes of CT and PET images: plain, enhanced, legacy converted enhanced."""
SLICES_MIN = 3
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class SeriesSeen:
    """One series of a delivery. Tags are those of the instance with the lowest SOPInstanceUID."""

    uid: str
    modality: str
    instances: dict[str, IndexRow] = field(default_factory=dict)
    acquired: datetime | None = None
    """earliest acquisition; where no instance tells it, the date of the series or study"""
    low_mm: float = np.inf
    high_mm: float = -np.inf
    """extent of the slice centres along z"""
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _tags_of: str = "~"

    KEPT = (
        "SOPClassUID",
        "StudyInstanceUID",
        "PatientID",
        "FrameOfReferenceUID",
        "Units",
        "CorrectedImage",
        "AttenuationCorrectionMethod",
        "SeriesType",
        "ImageType",
        "SeriesNumber",
    )

    def add(self, header: Header, row: IndexRow) -> bool:
        """False where this instance is here already: a series sent twice is one series."""
        if row.instance in self.instances:
            return False
        self.instances[row.instance] = row
        if row.instance < self._tags_of:
            self._tags_of, self.tags = row.instance, {keyword: header.texts(keyword) for keyword in self.KEPT}
        time = next((found for name in ("Acquisition", "Series", "Study") if (found := header.moment(name))), None)
        if time and (self.acquired is None or time < self.acquired):
            self.acquired = time
        position = header.numbers("ImagePositionPatient")
        if position and len(position) == 3:
            self.low_mm, self.high_mm = min(self.low_mm, position[2]), max(self.high_mm, position[2])
        return True

    def tag(self, keyword: str) -> str:
        return next(iter(self.tags.get(keyword, ())), "")

    @property
    def person(self) -> str:
        """PatientID; without one, each study is a person of its own."""
        return self.tag("PatientID") or f"study {self.tag('StudyInstanceUID')}"

    @property
    def length_mm(self) -> float:
        return max(0.0, self.high_mm - self.low_mm)

    @property
    def is_image(self) -> bool:
        return IMAGE_CLASSES.get(self.tag("SOPClassUID")) == self.modality

    def not_a_volume(self) -> str | None:
        """Why this series cannot be the PET or CT of a scan; None where it can."""
        if self.modality not in ("PT", "CT"):
            return f"modality {self.modality or 'unknown'}"
        if not self.is_image:
            return f"not a {self.modality} image"
        if "LOCALIZER" in self.tags["ImageType"]:
            return "localiser"
        if {"MIP", "PROJECTION IMAGE", "SCREEN SAVE"} & set(self.tags["ImageType"]) or "REPROJECTION" in self.tags[
            "SeriesType"
        ]:
            return "projection or screen copy"
        if len(self.instances) < SLICES_MIN or self.length_mm <= 0:
            return f"not a volume ({len(self.instances)} images)"
        return None


def sorted_series(series: Iterable[SeriesSeen]) -> list[SeriesSeen]:
    """By time, those without one last."""
    return sorted(series, key=lambda one: (one.acquired or _NEVER, one.uid))
