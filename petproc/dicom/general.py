"""pydicom's general reader and its decoders, believing no value and saying nothing; imported by what needs them.

pydicom takes a third of a second to start, as long as a whole scan of plain files takes to read without it.
"""

from __future__ import annotations

import logging
import warnings

import pydicom
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.pixels.decoders.base import get_decoder

__all__ = ["DicomBytesIO", "encapsulate", "get_decoder", "read_dataset", "write_dataset"]

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
# what it warns of and logs quotes values and paths, and a value may be a name
warnings.filterwarnings("ignore", module="pydicom")
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
