"""How firm a vessel's number is: measured again on tables with its boundary moved, and with the vessels shifted."""

from petproc.fragility.interval import AS_MEASURED
from petproc.fragility.study import fragility_study
from petproc.fragility.variants import columns_needed, variants

__all__ = ["AS_MEASURED", "columns_needed", "fragility_study", "variants"]
