"""The frames in time of a dynamic or gated PET: several images of one place that tell different times or gates.

Beds may have times of their own, so that a frame is not one time: at every place the images are sorted by what they
tell, and frame f holds the f-th of each place. Places that share a time must share all of them, else images are
missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Refusal
from petproc.dicom.gaps import ONE_BY_ONE, WOBBLE_MM
from petproc.dicom.header import Header
from petproc.dicom.moments import moment, moment_of

MOVING = ("DYNAMIC", "GATED")
"""Values of SeriesType (0054,1000) of a PET with more than one frame."""

Told = tuple[float, ...]
"""Start in seconds, and what tells frames or gates of the same start apart."""

_TOLD = ("FrameReferenceTime", "TriggerTime", "NominalPercentageOfCardiacPhase", "TemporalPositionIndex")
_UNTOLD = -1.0
_SOME_DAY = "20000101"
"""Where the date was removed; frames are told apart by the clock alone."""


def frames_in_time(headers: Sequence[Header], along: NDArray[np.float64]) -> tuple[tuple[int, ...], ...]:
    """`[f][k]`: index of the image of place k in frame f, places sorted upwards by `along`, frames by time.

    One frame that holds everything where the series is not a PET with more than one frame: images at one place are
    duplicates then, which is for the check of the gaps to say. A `Refusal` where a frame is not complete.
    """
    uids = [header.text("SOPInstanceUID") or "" for header in headers]
    order = sorted(range(len(headers)), key=lambda n: (along[n], uids[n]))
    places = _places(order, along)
    if len(places) == len(order) or headers[0].text("Modality") != "PT" or not _is_moving(headers, places):
        return (tuple(order),)
    told = [_told(header) for header in headers]
    for place in places:
        place.sort(key=lambda n: (told[n], uids[n]))
    _check_different(headers, along, places, told)
    _check_complete(headers, along, places, told)
    return tuple(zip(*places, strict=True))


def _places(order: Sequence[int], along: NDArray[np.float64]) -> list[list[int]]:
    """Images at the same place, upwards."""
    places = [[order[0]]]
    for before, n in pairwise(order):
        if along[n] - along[before] < WOBBLE_MM:
            places[-1].append(n)
        else:
            places.append([n])
    return places


def _is_moving(headers: Sequence[Header], places: Sequence[Sequence[int]]) -> bool:
    """A few doubled places of a static series are not a second frame."""
    return headers[0].text("SeriesType") in MOVING or sum(len(place) > 1 for place in places) > len(places) / 2


def _told(header: Header) -> Told:
    start = (
        header.moment("Acquisition")
        or moment_of(header.text("AcquisitionDateTime"), header.zone)
        or moment(_SOME_DAY, header.text("AcquisitionTime"), header.zone)
    )
    numbers = [header.number(keyword) for keyword in _TOLD]
    return (
        start.timestamp() if start else _UNTOLD,
        *(_UNTOLD if number is None else number for number in numbers),
        _time_slice(header),
    )


def _time_slice(header: Header) -> float:
    """The number of the time slice or gate, counted by ImageIndex (0054,1330) as PS3.3 C.8.9.4.1.9 says."""
    index, slices = header.integer("ImageIndex"), header.integer("NumberOfSlices")
    if header.text("SeriesType") not in MOVING or not index or not slices or slices < 1:
        return _UNTOLD
    return float((index - 1) // slices)


def _check_different(
    headers: Sequence[Header], along: NDArray[np.float64], places: Sequence[Sequence[int]], told: Sequence[Told]
) -> None:
    pairs = [pair for place in places for pair in pairwise(place) if told[pair[0]] == told[pair[1]]]
    if pairs:
        words = "; ".join(
            f"{_number(headers[one])} and {_number(headers[other])} at {along[one]:.2f} mm" for one, other in pairs[:3]
        )
        raise Refusal(
            "duplicate-slices",
            f"{len(pairs)} pairs of slices lie at the same place and differ neither in time nor in gate: "
            f"slices {words}.",
            ONE_BY_ONE,
        )


def _check_complete(
    headers: Sequence[Header], along: NDArray[np.float64], places: Sequence[Sequence[int]], told: Sequence[Told]
) -> None:
    """Frames must be as many at every place; places that share a time, as the slices of one bed do, share all."""
    together: dict[Told, set[Told]] = {}
    for place in places:
        here = {told[n] for n in place}
        for time in tuple(here):
            here |= together.get(time, set())
        together |= dict.fromkeys(here, here)
    count = max(map(len, together.values()))
    short = [place for place in places if len(place) < count]
    if not short:
        return
    words = []
    for place in short[:3]:
        missing = sorted(together[told[place[0]]] - {told[n] for n in place})
        starts = ", ".join(_clock(time[0], headers[place[0]]) for time in missing[:5])
        words.append(
            f"at {along[place[0]]:.2f} mm there are {len(place)} of {count}"
            + (f" (none that starts at {starts})" if missing and missing[0][0] != _UNTOLD else "")
        )
    raise Refusal(
        "frames-incomplete",
        f"The PET has {count} frames in time, but at {len(short)} of {len(places)} places their images are not all "
        f"there: {'; '.join(words)}.",
        "Ask the site to send the whole series.",
    )


def _clock(seconds: float, header: Header) -> str:
    return datetime.fromtimestamp(seconds, header.zone).strftime("%H:%M:%S")


def _number(header: Header) -> str:
    return header.text("InstanceNumber") or "(no InstanceNumber)"
