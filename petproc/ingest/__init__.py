"""From a delivery of DICOM to images in Bq/mL and HU with all that SUV and uptake time need."""

from petproc.ingest.scan import ingest_scan

__all__ = ["ingest_scan"]
