"""From images to tables: every PET voxel in or near a vessel, and every station of a vessel."""

from petproc.sample.scan import Sample, sample_scan

__all__ = ["Sample", "sample_scan"]
