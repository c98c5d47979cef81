"""The one PET series of a file, folder or archive, by its headers alone: what `petproc suv` is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from petproc.core.errors import Refusal
from petproc.dicom.delivery import read_headers
from petproc.dicom.files import BadFile
from petproc.dicom.frames import frame_headers
from petproc.dicom.header import Header

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
"""How the SOP classes of secondary captures begin."""
NAMED_MAX = 12
"""So many series are named where one has to be chosen."""


def pet_headers(path: Path, series: str | None = None) -> tuple[Header, ...]:
    """One header per image of the only PET series at `path`, or of the one with that SeriesInstanceUID, upwards.

    Masks, real world value mappings and screen pictures are passed over, and so is a file that was sent twice. A
    `Refusal` where there is no such series, or more than one.
    """
    found: dict[str, dict[str, Header]] = {}
    for seen in read_headers([path]):
        if seen.header and _is_pet_image(seen.header):
            uid, instance = (seen.header.text(name) or "" for name in ("SeriesInstanceUID", "SOPInstanceUID"))
            found.setdefault(uid, {}).setdefault(instance, seen.header)
    files = tuple(_chosen(found, series).values())
    return _upwards([frame for file in files for frame in _frames(file)])


def _is_pet_image(header: Header) -> bool:
    screen = (header.text("SOPClassUID") or "").startswith(SECONDARY_CAPTURE)
    return header.text("Modality") == "PT" and header.integer("Rows") is not None and not screen


def _chosen(found: dict[str, dict[str, Header]], series: str | None) -> dict[str, Header]:
    if series is not None:
        if series in found:
            return found[series]
        raise Refusal(
            "series-not-found",
            f"There is no PET image of that SeriesInstanceUID (0020,000E) here; there are {len(found)} others.",
            "Correct --series, or leave it out to have them listed.",
        )
    if not found:
        raise Refusal(
            "no-pet-series", "There is no PET image here.", "Give a file, the folder or the archive of a PET series."
        )
    if len(found) > 1:
        named = [f"{uid} ({len(files)} images)" for uid, files in sorted(found.items())]
        more = [f"and {len(named) - NAMED_MAX} more"] if len(named) > NAMED_MAX else []
        raise Refusal(
            "several-series",
            f"There are {len(named)} PET series here: {', '.join([*named[:NAMED_MAX], *more])}.",
            "Choose one with --series UID.",
        )
    return next(iter(found.values()))


def _frames(file: Header) -> tuple[Header, ...]:
    try:
        return frame_headers(file)
    except BadFile as bad:
        raise Refusal(
            bad.code, f"A multi-frame file of the series: {bad.reason}", "Ask the site to send the series again."
        ) from bad


def _upwards(headers: Sequence[Header]) -> tuple[Header, ...]:
    """By their place along the slices' normal; images that tell no place keep the order of their instances."""

    def key(header: Header) -> tuple[float, str, int]:
        place, turned = header.numbers("ImagePositionPatient"), header.numbers("ImageOrientationPatient")
        along = 0.0
        if place and turned and len(place) == 3 and len(turned) == 6:
            normal = np.cross(turned[:3], turned[3:])
            along = float(np.dot(normal, place)) * (-1.0 if normal[2] < 0 else 1.0)
        return along, header.text("SOPInstanceUID") or "", header.integer("InstanceNumber") or 0

    return tuple(sorted(headers, key=key))
