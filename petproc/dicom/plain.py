"""One PET slice read the plain way, by pydicom alone: the second path of an audit, which shares no code with ingest.

Value = stored value x RescaleSlope, in double precision, for images in Bq/mL that the scanner corrected to one time.
Everything else (counts, SUV images, frames, padding, decay corrected here) is `NotPlain`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ONE_TIME = ("START", "ADMIN")
"""DecayCorrection (0054,1102) by which a scanner brings all slices to one time."""


class NotPlain(Exception):
    """The image needs more than a slope; says what."""


@dataclass(frozen=True, eq=False)
class PlainSlice:
    """`values` [i, j] in Bq/mL; `origin`, `along_i`, `along_j` (3,) RAS+ mm: centre of [0, 0] and steps from it."""

    values: NDArray[np.float64]
    origin: NDArray[np.float64]
    along_i: NDArray[np.float64]
    along_j: NDArray[np.float64]


def read_plain_slice(content: bytes) -> PlainSlice:
    """The image in the bytes of a DICOM file; `NotPlain` where its values are not simply activity."""
    import pydicom

    from petproc.dicom import general  # noqa: F401  # quietens pydicom, whose warnings quote values

    try:
        image = pydicom.dcmread(io.BytesIO(content), force=True)
        _check(image)
        stored = np.asarray(image.pixel_array, dtype=np.float64)
        values = stored * float(image.RescaleSlope)
        row, column = np.array(image.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
        down, right = map(float, image.PixelSpacing)
        origin = np.array(image.ImagePositionPatient, dtype=np.float64)
    except NotPlain:
        raise
    except Exception as error:  # pydicom raises whatever a damaged file makes it raise
        raise NotPlain(f"pydicom cannot read it ({type(error).__name__})") from None
    to_ras = np.array([-1.0, -1.0, 1.0])
    return PlainSlice(values.T, origin * to_ras, row * right * to_ras, column * down * to_ras)


def _check(image: Any) -> None:
    if (units := str(image.get("Units", ""))) != "BQML":
        raise NotPlain(f"its Units are {units[:8] or 'not told'}, not BQML")
    if str(image.get("DecayCorrection", "")) not in ONE_TIME:
        raise NotPlain("its values are not decay-corrected to one time by the scanner")
    if int(image.get("NumberOfFrames", 1) or 1) != 1:
        raise NotPlain("the file holds several frames")
    if float(image.get("RescaleIntercept", 0) or 0) != 0 or "PixelPaddingValue" in image:
        raise NotPlain("it has an intercept or padding")
