"""Small sound objects to damage: the twins of tests/dicom, plain, multi-frame and in every transfer syntax."""

from __future__ import annotations

import io
import sys
from functools import cache
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "dicom"))

from dicom_twin import SIDE, dataset, encoded
from multiframe_twin import enhanced, legacy

SLICES = 7
"""The fewest that overlap by the 20 mm which a PET and its CT must share, with one to spare."""
PACKED = (RLELossless, JPEG2000Lossless, JPEGLSLossless)
SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    *PACKED,
)
Files = dict[str, bytes]


@cache
def series(modality: str, syntax: str = ExplicitVRLittleEndian) -> tuple[bytes, ...]:
    """The slices of the twin's PET or CT."""
    return tuple(_image(dataset(modality, k), syntax) for k in range(SLICES))


@cache
def multi_frame(modality: str, kind: str) -> bytes:
    """All ten slices as frames of one `enhanced` or `legacy` object."""
    return encoded(enhanced(modality) if kind == "enhanced" else legacy(modality))


@cache
def stranger(modality: str) -> bytes:
    """An image of another person, study and series than the twin's."""
    one = dataset(modality, 1)
    one.SOPInstanceUID, one.SeriesInstanceUID, one.StudyInstanceUID = "1.9.1.1", "1.9.1", "1.9"
    one.FrameOfReferenceUID, one.PatientID = "1.9.2", "OTHER"
    return encoded(one)


def _image(one: Dataset, syntax: str) -> bytes:
    if syntax == JPEG2000Lossless:  # its encoder takes nothing smaller
        pixels = np.kron(np.frombuffer(one.PixelData, "<i2").reshape(SIDE, SIDE), np.ones((4, 4), "<i2"))
        one.Rows, one.Columns, one.PixelData = *pixels.shape, pixels.tobytes()
    if syntax in PACKED:
        one = dcmread(io.BytesIO(encoded(one)))
        one.compress(syntax, generate_instance_uid=False)
    if syntax == ExplicitVRBigEndian:
        one.PixelData = np.frombuffer(one.PixelData, "<i2").astype(">i2").tobytes()
    return encoded(one, syntax)
