"""A series sent again under new UIDs: the same places, times and pixels. The copy is left out."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

from petproc.core.errors import Finding
from petproc.core.tables import IndexRow
from petproc.dicom.files import BadFile, Files
from petproc.dicom.instance import parse
from petproc.ingest.queries import Noted
from petproc.ingest.seen import SeriesSeen, Slice
from petproc.ingest.tellable import differing

_ALIKE = (
    *("Modality", "Rows", "Columns", "PixelSpacing", "Units", "CorrectedImage", "ImageType"),
    *("ReconstructionMethod", "ConvolutionKernel"),
)


def copies(fresh: Sequence[SeriesSeen], known: Iterable[SeriesSeen]) -> dict[str, tuple[SeriesSeen, Noted]]:
    """Of the `fresh` series those that are copies -> what they are copies of (`known` ones first, then by study).

    What their headers tell decides which are compared, the bytes of three slices' pixels whether they are the same.
    """
    alike: dict[Hashable, list[SeriesSeen]] = defaultdict(list)
    for one in (*known, *sorted(fresh, key=lambda one: (one.tag("StudyInstanceUID"), one.uid))):
        if one.modality in ("PT", "CT") and one.count:
            alike[_fingerprint(one)].append(one)
    new = {one.uid for one in fresh}
    found: dict[str, tuple[SeriesSeen, Noted]] = {}
    for group in alike.values():
        pixels = {one.uid: _pixels(one) for one in group} if len(group) > 1 else {}
        first: dict[str, SeriesSeen] = {}
        for one in group:
            original = first.setdefault(pixels.get(one.uid) or one.uid, one)
            if original is not one and one.uid in new:
                found[one.uid] = original, _noted(one, original)
    return found


def _noted(copy: SeriesSeen, original: SeriesSeen) -> Noted:
    value = f"copy of {original.uid}"
    if copy.person != original.person:
        words = (
            "The same images were sent under two PatientIDs (0010,0020). This series is left out; if they belong to "
            "its PatientID, exclude the scan of the other."
        )
        return Noted(copy.uid, Finding("same-scan-under-two-ids", words), value=value)
    tags = differing(copy.first_header, original.first_header) if copy.modality == "PT" else []
    if tags:
        words = (
            f"The same images were sent twice, with other values in {', '.join(tags)}. This series is left out and the "
            "other one taken. Please tell which values are right."
        )
        return Noted(copy.uid, Finding("series-sent-differently", words), tag="; ".join(tags), value=value)
    words = "The series was sent a second time under new UIDs: its images are those of another one. It is left out."
    return Noted(copy.uid, Finding("series-copied", words, "info"), value=value)


def _fingerprint(one: SeriesSeen) -> Hashable:
    placed = sorted((_place(each), each.acquired.isoformat() if each.acquired else "") for each in one.slices)
    return tuple(one.tags[keyword] for keyword in _ALIKE), tuple(placed)


def _place(one: Slice) -> tuple[float, float, float]:
    x, y, z = one.position or (0.0, 0.0, 0.0)
    return round(z, 3), round(y, 3), round(x, 3)


def _pixels(one: SeriesSeen) -> str | None:
    """Hash of the pixel elements of the first, middle and last slice; None where they cannot be read."""
    ordered = sorted(one.slices, key=_place)
    wanted = [ordered[n] for n in (0, len(ordered) // 2, -1)]
    digest = hashlib.sha256()
    with Files() as files:
        for each in wanted:
            content = _pixel_bytes(files, one.rows[each.instance])
            if not content:
                return None
            digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _pixel_bytes(files: Files, row: IndexRow) -> bytes:
    try:
        content = files.read(row.path, row.member)
        return content[parse(content)[1] :]
    except BadFile:
        return b""
