"""Follow-up against baseline: slices matched by arc length, the index vessel, change. Opens no image."""

from petproc.compare.all_vessels import ALL_VESSELS
from petproc.compare.change import Compared, compare_each, compare_study
from petproc.compare.index import INDEX_VESSEL, IndexChoice, choose_index
from petproc.compare.pair import BASELINE, FOLLOWUP

__all__ = [
    "ALL_VESSELS",
    "BASELINE",
    "FOLLOWUP",
    "INDEX_VESSEL",
    "Compared",
    "IndexChoice",
    "choose_index",
    "compare_each",
    "compare_study",
]
