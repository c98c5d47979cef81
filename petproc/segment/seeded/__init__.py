"""Vessels through two or more points that a reader set on the CT: carotids first, and any other tube."""

from petproc.segment.seeded.backend import segment

__all__ = ["segment"]
