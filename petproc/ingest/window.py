"""One image from the frames of a dynamic or gated PET: those inside a window after injection, averaged over time.

Every frame is first brought to the series' one decay reference by its own factors, then counts by its duration. Which
frames is a decision of the study (`ingest.window_min`), never ours: without it such a series is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from petproc.core.acquisition import PetAcquisition
from petproc.core.errors import Finding, Refusal
from petproc.dicom.series import Series
from petproc.dicom.timeframes import MOVING
from petproc.ingest.derivation import Derivation

ROUNDING = timedelta(seconds=1)
"""A frame may reach this far out of the window: times are cut to whole seconds in many headers."""
_CHOOSE = (
    "Set ingest.window_min in config/config.yaml to [from, to], in minutes after injection: frames that lie wholly "
    "inside are averaged."
)


@dataclass(frozen=True)
class Span:
    """When a frame was acquired, over all its slices."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def one_image(pet: Series, known: Derivation, window_min: tuple[float, float] | None) -> tuple[Series, Derivation]:
    """The series with the frames that are averaged, and the derivation of their average; a static series as it is.

    `known` is the derivation of all images, frame by frame; so is the `value_factor` of the result, in which each
    factor holds the share of its frame. A `Refusal` tells the frames where none is chosen.
    """
    if len(pet.frames) == 1:
        return pet, replace(known, findings=(*known.findings, *_alone(pet)))
    told = known.acquisition
    spans = _spans(told, len(pet.frames))
    if window_min is None:
        raise Refusal(
            "frames-not-chosen", f"The PET has {_listed(spans, told.injection_time)}; none is chosen.", _CHOOSE
        )
    if told.injection_time is None:
        raise told.why_unknown("injection_time")
    chosen = _inside(spans, told.injection_time, window_min)
    if not chosen:
        raise Refusal(
            "no-frame-in-window",
            f"No frame of the PET lies wholly from {window_min[0]:g} to {window_min[1]:g} min after injection; it has "
            f"{_listed(spans, told.injection_time)}.",
            _CHOOSE,
        )
    _check_one_reference(known)
    return pet.of_frames(chosen), _averaged(known, chosen, spans)


def _alone(pet: Series) -> tuple[Finding, ...]:
    """One frame is an image by itself, but not what the scanner made if the headers count more."""
    kind = pet.first.text("SeriesType")
    keyword, tag = ("NumberOfTimeSlots", "(0054,0071)") if kind == "GATED" else ("NumberOfTimeSlices", "(0054,0101)")
    count = pet.first.integer(keyword) or 1
    if kind not in MOVING or count <= 1:
        return ()
    words = (
        f"The PET is {kind.lower()} and {keyword} {tag} is {count}, but one frame was delivered: it is measured alone."
    )
    return (Finding("single-frame-of-several", words),)


def _spans(told: PetAcquisition, frames: int) -> list[Span]:
    slices = len(told.slice_acquisition_time) // frames
    spans = []
    for first in range(0, frames * slices, slices):
        starts = told.slice_acquisition_time[first : first + slices]
        lengths = told.slice_duration_s[first : first + slices]
        ends = [start + timedelta(seconds=length) for start, length in zip(starts, lengths, strict=True)]
        spans.append(Span(min(starts), max(ends)))
    return spans


def _inside(spans: Sequence[Span], zero: datetime, window_min: tuple[float, float]) -> list[int]:
    begin, end = (zero + timedelta(minutes=minutes) for minutes in window_min)
    return [n for n, span in enumerate(spans) if span.start >= begin - ROUNDING and span.end <= end + ROUNDING]


def _listed(spans: Sequence[Span], zero: datetime | None) -> str:
    """The frames in words, those of the same length together."""
    start = zero or min(span.start for span in spans)
    runs: list[list[int]] = []
    for n, span in enumerate(spans):
        if runs and abs(span.seconds - spans[runs[-1][-1]].seconds) < 1.0:
            runs[-1].append(n)
        else:
            runs.append([n])
    words = []
    for run in runs:
        begin, end = spans[run[0]].start, max(spans[n].end for n in run)
        name = f"frame {run[0] + 1}" if len(run) == 1 else f"frames {run[0] + 1} to {run[-1] + 1}"
        words.append(f"{name} of {spans[run[0]].seconds:.0f} s from {_min(begin, start):.1f} to {_min(end, start):.1f}")
    after = "injection" if zero else "the start of the first; its injection time is not known"
    return f"{len(spans)} frames in time: {', '.join(words)} min after {after}"


def _min(time: datetime, zero: datetime) -> float:
    return (time - zero).total_seconds() / 60.0


def _check_one_reference(known: Derivation) -> None:
    """Frames may be averaged only where nothing says that they were decay-corrected to different times."""
    for finding in known.findings:
        if finding.code == "decay-factor-disagrees":
            raise Refusal(
                "frames-decay-disagrees",
                "The frames of the PET do not seem to be decay-corrected to one time, so that they cannot be averaged: "
                f"{finding.message}",
                "Ask the site for a static reconstruction of the window.",
            )


def _averaged(known: Derivation, chosen: Sequence[int], spans: Sequence[Span]) -> Derivation:
    told = known.acquisition
    by_frame = (len(spans), -1)
    starts = np.array(told.slice_acquisition_time, dtype=object).reshape(by_frame)[chosen]
    lengths = np.array(told.slice_duration_s).reshape(by_frame)[chosen]
    factors = np.array(known.value_factor).reshape(by_frame)[chosen] * (lengths / lengths.sum(axis=0))
    acquisition = replace(
        told,
        slice_acquisition_time=tuple(min(column) for column in starts.T),
        slice_duration_s=tuple(_covered_s(begun, lasted) for begun, lasted in zip(starts.T, lengths.T, strict=True)),
    )
    zero = told.injection_time or spans[0].start
    entries = [
        {"frame": n + 1, "from_min": _min(span.start, zero), "to_min": _min(span.end, zero), "averaged": n in chosen}
        for n, span in enumerate(spans)
    ]
    words = (
        f"{_listed([spans[n] for n in chosen], zero)} were averaged, weighted by their duration: "
        f"number {', '.join(str(n + 1) for n in chosen)} of {len(spans)}."
    )
    return replace(
        known,
        acquisition=acquisition,
        value_factor=tuple(map(float, factors.ravel())),
        card={**known.card, "frames": entries},
        findings=(*known.findings, Finding("frames-averaged", words, "info")),
    )


def _covered_s(starts: Sequence[datetime], lengths_s: Sequence[float]) -> float:
    """Seconds during which at least one frame ran: gates of one acquisition run at the same time, frames in turn."""
    covered = 0.0
    until = min(starts)
    for start, length in sorted(zip(starts, map(float, lengths_s), strict=True)):
        end = start + timedelta(seconds=length)
        covered += max(0.0, (end - max(start, until)).total_seconds())
        until = max(until, end)
    return covered
