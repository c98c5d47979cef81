"""petproc: from a delivery of DICOM PET/CT to the change of vessel inflammation."""

__version__ = "0.1.0"
