"""Several acquisitions or reconstructions under one SeriesInstanceUID, taken apart into candidates of their own.

What the images are (person, kind, units, corrections, reconstruction, pixel grid) always separates. Where positions
then still repeat, the acquisition number or time separates, but only into whole stacks over the same place: beds and
slices have numbers and times of their own too. Frames of dynamic and gated series stay together; a slice that is
turned or lies apart stays where it is, for ingest to name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby

import numpy as np
from numpy.typing import NDArray

from petproc.core.errors import Finding
from petproc.ingest.seen import SLICES_MIN, SeriesSeen, Slice, Tags, is_frame

SAME_PLACE_MM = 0.01
"""Slices nearer to each other than this lie at one place."""
GAP_MAX = 1.5
"""A stack with a gap above so many times its usual one is not whole."""
SHARED = 0.8
"""Repeated acquisitions share at least this part of their places; neighbouring beds overlap by less."""
SPACING_TOLERANCE = 1e-3
"""Pixel spacings that differ by less are one, differently printed."""
KINDS = ("LOCALIZER", "MIP", "MAX_IP", "PROJECTION IMAGE", "REFORMATTED", "MPR", "SCREEN SAVE", "FUSED", "FUSION")
"""Words of ImageType that say an image is not a slice of the stack beside it."""

TURNED = 0.01
"""A slice whose directions differ by more from those of most is turned."""

_APART = (
    *("PatientID", "StudyInstanceUID", "Modality", "SOPClassUID", "SeriesType", "Units"),
    *("ConvolutionKernel", "ReconstructionMethod"),
)

Slices = Sequence[Slice]
Key = Callable[[Slice], Hashable]


@dataclass(frozen=True)
class Split:
    """The parts of one SeriesInstanceUID in a fixed order, and what separated them."""

    parts: tuple[SeriesSeen, ...]
    findings: tuple[Finding, ...] = ()


def split(series: SeriesSeen, known: Mapping[str, frozenset[str]]) -> Split:
    """The series as candidates; `known` are the parts that earlier inventories named, with their instances."""
    groups, reasons = _groups(series)
    names = _names(series.uid, groups, known)
    parts = tuple(series.part(name, group) for name, group in zip(names, groups, strict=True))
    if len(parts) == 1:
        return Split((_whole(parts[0]),) if names[0] == series.uid else parts)
    counts = " and ".join(f"{part.count} images as {part.uid}" for part in parts)
    words = f"The series holds more than one set of images ({', '.join(reasons)}); it is taken apart: {counts}."
    return Split(parts, (Finding("series-split", words, "info"),))


def _whole(part: SeriesSeen) -> SeriesSeen:
    part.root = ""
    return part


def _groups(series: SeriesSeen) -> tuple[list[Slices], list[str]]:
    """Images by what they are and, where that leaves repeated places, by when they were acquired."""
    groups, reasons = _by_kind(series.slices)
    for finer in (_by_image_type, _by_number, _by_time):
        parts = [finer(group) if _may_repeat(group) else [group] for group in groups]
        if any(len(some) > 1 for some in parts):
            reasons.append(finer.__name__.removeprefix("_by_").replace("_", " "))
        groups = [part for some in parts for part in some]
    return _files_whole(groups), reasons


def _by_kind(slices: Slices) -> tuple[list[Slices], list[str]]:
    spacing = _spacings(slices)
    keys: dict[str, Callable[[Tags], Hashable]] = {name: lambda tags, name=name: tags[name] for name in _APART}  # type: ignore[misc]
    keys["CorrectedImage"] = lambda tags: frozenset(tags["CorrectedImage"])
    keys["matrix or pixel spacing"] = lambda tags: (tags["Rows"], tags["Columns"], spacing[tags["PixelSpacing"]])
    keys["kind of image"] = lambda tags: (frozenset(KINDS) & set(tags["ImageType"]), tags["SamplesPerPixel"])
    reasons = [name for name, key in keys.items() if len({key(one.tags) for one in slices}) > 1]
    return _grouped(slices, lambda one: tuple(key(one.tags) for key in keys.values())), reasons


def _may_repeat(group: Slices) -> bool:
    """Whether several images lie at one place though no frames are declared."""
    return not is_frame(group[0]) and _repeats(group)


def _by_image_type(group: Slices) -> list[Slices]:
    return _grouped(group, lambda one: one.tags["ImageType"])


def _by_number(group: Slices) -> list[Slices]:
    return _if_acquisitions(group, _grouped(group, lambda one: one.number))


def _by_time(group: Slices) -> list[Slices]:
    return _if_acquisitions(group, _passes(group))


def _grouped(slices: Slices, key: Key) -> list[Slices]:
    groups: dict[Hashable, list[Slice]] = defaultdict(list)
    for one in slices:
        groups[key(one)].append(one)
    return list(groups.values())


def _passes(group: Slices) -> list[Slices]:
    """Images in order of time; where one comes back to a place, a new pass begins. One group where times lack."""
    timed = [(one.acquired, one) for one in group if one.acquired]
    if len(timed) < len(group):
        return [group]
    cell = {one[:2]: round(place / SAME_PLACE_MM) for one, place in _placed(group)}
    passes: list[list[Slice]] = []
    visited: set[int] = set()
    timed.sort(key=lambda pair: pair[0])
    for _, at_once in groupby(timed, key=lambda pair: pair[0]):
        moment = [one for _, one in at_once]
        cells = {cell[one[:2]] for one in moment if one[:2] in cell}
        if not passes or any({at - 1, at, at + 1} & visited for at in cells):
            passes.append([])
            visited = set()
        passes[-1] += moment
        visited |= cells
    return list(passes)


def _if_acquisitions(group: Slices, parts: list[Slices]) -> list[Slices]:
    """The parts where they are whole stacks, each over the same place as the largest; else the group."""
    largest = max(parts, key=len)
    whole = all(_is_stack(part) and _shared(part, largest) >= SHARED for part in parts)
    return parts if whole else [group]


def _is_stack(part: Slices) -> bool:
    places = _places(part)
    if len(places) < SLICES_MIN or _repeats(part):
        return False
    gaps = np.diff(places)
    return bool(gaps.max() <= GAP_MAX * np.median(gaps))


def _shared(part: Slices, whole: Slices) -> float:
    """Share of a stack's places that another has within half a slice."""
    mine, theirs = _places(part), _places(whole)
    near = np.searchsorted(theirs, mine)
    below, above = theirs[np.maximum(near - 1, 0)], theirs[np.minimum(near, len(theirs) - 1)]
    reach = 0.5 * float(np.median(np.diff(mine)))
    return float(np.mean(np.minimum(abs(mine - below), abs(mine - above)) <= reach))


def _repeats(group: Slices) -> bool:
    places = _places(group)
    return len(places) > 1 and bool((np.diff(places) < SAME_PLACE_MM).any())


def _places(group: Slices) -> NDArray[np.float64]:
    return np.sort([place for _, place in _placed(group)])


def _placed(group: Slices) -> list[tuple[Slice, float]]:
    """Images with their place along the normal of most of them; those that are turned are left out."""
    told = [one for one in group if one.position]
    if not told:
        return []
    axes = np.array([one.axes for one in told])
    usual = np.median(axes, axis=0)
    straight = np.abs(axes - usual).max(axis=1) < TURNED
    along = np.array([one.position for one in told]) @ np.cross(usual[:3], usual[3:])
    return [(one, float(place)) for one, place, kept in zip(told, along, straight, strict=True) if kept]


def _spacings(slices: Slices) -> dict[tuple[str, ...], int]:
    """PixelSpacing as printed -> which of the spacings that really differ it is."""
    printed = {one.tags["PixelSpacing"] for one in slices}
    values = sorted((_numbers(text), text) for text in printed)
    found: dict[tuple[str, ...], int] = {}
    group, last = 0, None
    for value, text in values:
        if last is not None and (len(value) != len(last) or _apart(value, last)):
            group += 1
        found[text], last = group, value
    return found


def _apart(one: Sequence[float], other: Sequence[float]) -> bool:
    return any(abs(a - b) > SPACING_TOLERANCE * max(abs(a), abs(b)) for a, b in zip(one, other, strict=True))


def _numbers(texts: Iterable[str]) -> tuple[float, ...]:
    try:
        return tuple(map(float, texts))
    except ValueError:
        return ()


def _files_whole(groups: Sequence[Slices]) -> list[Slices]:
    """Groups joined again where one multi-frame file has images in both: the index knows files, not frames."""
    group_of: dict[str, int] = {}
    joined: dict[int, list[Slice]] = {}
    for number, group in enumerate(groups):
        touching = {group_of[one.instance] for one in group if one.instance in group_of}
        joined[number] = [one for other in sorted(touching) for one in joined.pop(other)] + list(group)
        group_of |= {one.instance: number for one in (joined[number] if touching else group)}
    return list(joined.values())


def _names(uid: str, groups: list[Slices], known: Mapping[str, frozenset[str]]) -> list[str]:
    """A name for each group, which are put into order: the one an earlier inventory gave it, else the next free."""
    groups.sort(key=_order)
    if len(groups) == 1 and len(known) <= 1:
        return [next(iter(known), uid)]
    owner = {instance: name for name, held in known.items() for instance in held}
    taken = set(known)
    free = (name for number in count(1) if (name := f"{uid}_{number}") not in known)
    names: list[str] = []
    for group in groups:
        old = sorted({owner[one.instance] for one in group if one.instance in owner} & taken)
        taken -= set(old[:1])
        names.append(old[0] if old else next(free))
    return names


def _order(group: Slices) -> tuple[str, str, tuple[str, int]]:
    """By kind, time and lowest instance."""
    first = min(group, key=lambda one: one[:2])
    times = [one.acquired.isoformat() for one in group if one.acquired]
    return next(iter(first.tags["Modality"]), ""), min(times, default=""), first[:2]
