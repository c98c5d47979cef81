"""A digital trial with known answers: people, their PET/CT at two visits, and what a perfect reader measures."""

from petproc.phantom.geometry import PhantomVessel
from petproc.phantom.scan import PhantomScan, make_scan
from petproc.phantom.space import CHEST, DEMO, PhantomGrid
from petproc.phantom.trial import write_trial

__all__ = ["CHEST", "DEMO", "PhantomGrid", "PhantomScan", "PhantomVessel", "make_scan", "write_trial"]
