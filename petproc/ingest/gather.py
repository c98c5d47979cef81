"""Every file of the deliveries, its header read once, sorted into series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from petproc.core.errors import Finding
from petproc.core.tables import IndexRow
from petproc.dicom.delivery import Seen, read_headers
from petproc.dicom.files import BadFile, Files
from petproc.dicom.frames import frame_headers
from petproc.dicom.instance import parse
from petproc.ingest.queries import Noted
from petproc.ingest.seen import SeriesSeen

Progress = Callable[[int, int], None]


@dataclass
class Gathered:
    """What lies in the deliveries. File names are relative to them."""

    series: dict[str, SeriesSeen] = field(default_factory=dict)
    noted: list[Noted] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    again: Counter[str] = field(default_factory=Counter)
    """images that came more than once, by series"""
    reused: Counter[str] = field(default_factory=Counter)
    """of these, those of another size"""

    @property
    def files(self) -> int:
        return len(self.names)

    def add(self, seen: Seen) -> None:
        self.names.add(seen.place.name)
        if seen.bad:
            self._bad(seen.place.name, seen.bad)
        if not seen.header:
            return
        uid = seen.header.text("SeriesInstanceUID") or ""
        instance, place = seen.header.text("SOPInstanceUID") or "", seen.place
        one = self.series.setdefault(uid, SeriesSeen(uid, seen.header.text("Modality") or ""))
        if instance in one.rows:
            self.again[uid] += 1
            self.reused[uid] += one.rows[instance].size != place.size
            return
        try:
            frames = frame_headers(seen.header)
        except BadFile as bad:
            self._bad(place.name, bad)
            frames = (seen.header,)
        one.add(frames, IndexRow(instance, place.path, place.member, place.size))

    def _bad(self, name: str, bad: BadFile) -> None:
        self.noted.append(Noted(name, Finding(bad.code, bad.reason, "info" if bad.code == "not-dicom" else "warning")))

    def repeated(self) -> list[Noted]:
        """Series of which images came more than once: a series sent twice is one series."""
        found = []
        for uid, count in self.again.items():
            value = f"{count} repeats, {len(self.series[uid].rows)} images"
            words = "Images of this series are in the delivery more than once; of each the first by file name is used."
            found.append(Noted(uid, Finding("instance-sent-twice", words, "info"), value=value))
        for uid, count in (+self.reused).items():
            words = (
                "Images with the same SOPInstanceUID (0008,0018) but of different size are in the delivery; the first "
                "by file name is used. Please tell which are right."
            )
            found.append(Noted(uid, Finding("instance-sent-differently", words), value=f"{count} images"))
        return found


def gather(deliveries: Sequence[Path], progress: Progress | None = None) -> Gathered:
    """Read folders and archives. Raises a `Refusal` only where one is not there at all."""
    found = Gathered()
    for seen in read_headers(deliveries, progress=progress):
        found.add(seen)
    found.noted += found.repeated()
    return found


def from_files(name: str, rows: Sequence[IndexRow]) -> SeriesSeen:
    """A series that an earlier inventory saw, from its files. Raises `BadFile`."""
    one = SeriesSeen(name, "")
    with Files() as files:
        for row in rows:
            header, _ = parse(files.read(row.path, row.member))
            one.modality = header.text("Modality") or ""
            one.add(frame_headers(header), row)
    return one
