"""Pixels that stand for no measurement: what a header says of them, and whether that can be so.

PixelPaddingValue (0028,0120), up to PixelPaddingRangeLimit (0028,0121) where there is one. A header that declares
values of the body itself as padding is not believed: it would punch holes into the image.
"""

from __future__ import annotations

from collections.abc import Sequence

from petproc.core.errors import Finding
from petproc.dicom.header import Header
from petproc.dicom.pixels import padding

BODY_HU = (-900.0, 3071.0)
"""Padding of a CT lies below or above what tissue, contrast medium and bone have."""


def empty_values(header: Header) -> tuple[int, int] | None:
    """Lowest and highest stored value of believed padding, both included."""
    found = padding(header)
    return found if found and _is_believed(header, found) else None


def check_padding(headers: Sequence[Header]) -> tuple[Finding, ...]:
    odd = [found for header in headers if (found := padding(header)) and not _is_believed(header, found)]
    if not odd:
        return ()
    low, high = odd[0]
    words = (
        f"PixelPaddingValue (0028,0120) of {len(odd)} of {len(headers)} images declares stored values {low} to {high} "
        "as padding, but these are values of the body: they were kept."
    )
    return (Finding("pixel-padding-implausible", words),)


def _is_believed(header: Header, found: tuple[int, int]) -> bool:
    low, high = found
    if header.text("Modality") == "PT":
        return high <= 0 or low == high
    slope, intercept = header.number("RescaleSlope") or 1.0, header.number("RescaleIntercept") or 0.0
    return high * slope + intercept <= BODY_HU[0] or low * slope + intercept >= BODY_HU[1]
