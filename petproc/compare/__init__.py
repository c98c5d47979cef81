"""Follow-up against baseline: slices matched by arc length, the index vessel, change. Opens no image."""

from petproc.compare.all_vessels import ALL_VESSELS
from petproc.compare.change import Compared, compare_study
from petproc.compare.index import INDEX_VESSEL, IndexChoice

__all__ = ["ALL_VESSELS", "INDEX_VESSEL", "Compared", "IndexChoice", "compare_study"]
