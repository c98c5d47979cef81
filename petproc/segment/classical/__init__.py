"""The embedded backend: vessels from the CT by classical image analysis."""

from petproc.segment.classical.backend import segment

__all__ = ["segment"]
