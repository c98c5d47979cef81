"""How far the PET lies from the CT: a rigid motion, estimated and reported; applied only where a study asks for it."""

from petproc.align.estimate import estimate_alignment

__all__ = ["estimate_alignment"]
