"""Which of several reconstructions is taken: the same at every visit of a participant, then by the study's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from petproc.dicom.header import Header
from petproc.ingest.seen import SeriesSeen

SPACING_TOLERANCE_MM = 0.01
STEP_TOLERANCE_MM = 0.05
"""Slice distances wobble at bed seams."""

_PLAIN = ("Manufacturer", "ManufacturerModelName", "ReconstructionMethod", "ConvolutionKernel")


@dataclass(frozen=True)
class Reconstruction:
    """How a PET was made, as far as its headers tell: what has to be alike for two visits to be compared."""

    texts: tuple[str, ...]
    """manufacturer, model, method and kernel"""
    matrix: tuple[int | None, int | None]
    spacing_mm: tuple[float, ...]
    step_mm: float | None
    """between slices; None where one header alone is known"""
    description: str

    @classmethod
    def of(cls, header: Header, step_mm: float | None = None) -> Reconstruction:
        return cls(
            tuple(" ".join(header.texts(keyword)).casefold() for keyword in _PLAIN),
            (header.integer("Rows"), header.integer("Columns")),
            header.numbers("PixelSpacing") or (),
            step_mm,
            (header.text("SeriesDescription") or "").casefold(),
        )

    @classmethod
    def of_series(cls, pet: SeriesSeen) -> Reconstruction:
        step = pet.length_mm / (pet.count - 1) if pet.count > 1 and not pet.has_frames else None
        return cls.of(pet.first_header, step)

    def differs(self, other: Reconstruction) -> tuple[str, ...]:
        """What is told of both and not the same, in the words of the standard."""
        found = [name for name, mine, theirs in zip(_PLAIN, self.texts, other.texts, strict=True) if mine != theirs]
        found = [name for name in found if self._text(name) and other._text(name)]
        if self.matrix != other.matrix:
            found.append("matrix")
        elif any(abs(a - b) > SPACING_TOLERANCE_MM for a, b in zip(self.spacing_mm, other.spacing_mm, strict=False)):
            found.append("PixelSpacing")
        if self.step_mm and other.step_mm and abs(self.step_mm - other.step_mm) > STEP_TOLERANCE_MM:
            found.append("distance between slices")
        return tuple(found)

    def _text(self, name: str) -> str:
        return self.texts[_PLAIN.index(name)]


def preferred(series: SeriesSeen, prefer: Sequence[str]) -> int:
    """Place of the first of the words in `prefer` that the series' description, method or kernel holds."""
    told = " ".join(
        " ".join(series.tags[keyword]) for keyword in ("SeriesDescription", "ReconstructionMethod", "ConvolutionKernel")
    ).casefold()
    return next((n for n, word in enumerate(prefer) if word.casefold() in told), len(prefer))


def alike(
    visits: Sequence[Sequence[SeriesSeen]], *, prefer: Sequence[str], earlier: Sequence[Reconstruction]
) -> list[SeriesSeen]:
    """One PET of each visit: the reconstruction that most visits have, among these the preferred one.

    `visits` holds the reconstructions of each visit, best first; `earlier` those chosen at visits that the table has
    already. A visit that lacks the common one gives its own first.
    """
    made = {pet.uid: Reconstruction.of_series(pet) for visit in visits for pet in visit}

    def same(one: Reconstruction, other: Reconstruction) -> bool:
        return not one.differs(other)

    def rank(place: tuple[int, int]) -> tuple[int, int, int, int]:
        pet = visits[place[0]][place[1]]
        mine = made[pet.uid]
        having = sum(any(same(mine, made[other.uid]) for other in visit) for visit in visits)
        having += sum(same(mine, other) for other in earlier)
        return -having, preferred(pet, prefer), place[1], place[0]

    if not visits:
        return []
    n, m = min(((n, m) for n, visit in enumerate(visits) for m in range(len(visit))), key=rank)
    leader = made[visits[n][m].uid]

    def fits(pet: SeriesSeen) -> tuple[bool, bool, int]:
        mine = made[pet.uid]
        return not same(mine, leader), mine.description != leader.description, preferred(pet, prefer)

    return [min(visit, key=fits) for visit in visits]
