"""The comparison of an analysis under every combination of settings that might as well have been chosen.

Exploratory by its nature: it tells how much a conclusion hangs on choices, and none of its combinations is the
analysis that was planned. Opens no image.
"""

from petproc.multiverse.specification import Specification, specifications
from petproc.multiverse.summary import SPECIFICATION_COLUMNS, Outcome, outcomes, summary
from petproc.multiverse.sweep import Answer, sweep

__all__ = [
    "SPECIFICATION_COLUMNS",
    "Answer",
    "Outcome",
    "Specification",
    "outcomes",
    "specifications",
    "summary",
    "sweep",
]
