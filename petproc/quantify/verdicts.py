"""What readers decided of a scan's regions, over what the gate says of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from petproc.core.tables import Verdict
from petproc.quantify.gate import OUTSIDE_PET, Gate
from petproc.quantify.tables import Columns

BY_READER = "excluded-by-reader"
NEEDS_REVIEW = "needs-review"


def heard(gate: Gate, stations: Columns, verdicts: Sequence[Verdict]) -> Gate:
    """`gate` with the verdicts on this scan, in the order of the ledger; `stations` are those that it judged.

    A released region loses every reason but that it lies outside the PET, and is measured unless it is absent. A
    rejected one is refused. Stations in an excluded range of arc length are not accepted, so that slices there do not
    count.
    """
    reasons, refused = gate.reasons.copy(), dict(gate.refused)
    for one in verdicts:
        own = stations["region"] == one.region
        if one.judgement == "released":
            reasons[own & (reasons != OUTSIDE_PET)] = ""
            if refused.get(one.region, "").startswith(NEEDS_REVIEW):
                del refused[one.region]
        elif one.judgement == "rejected":
            refused[one.region] = f"rejected: a reader rejected it ({one.code}; ledger entry {one.entry})."
    for one in verdicts:
        if one.judgement == "arc-excluded" and one.from_mm is not None and one.to_mm is not None:
            arc = stations["arc_mm"]
            reasons[(stations["region"] == one.region) & (arc >= one.from_mm) & (arc <= one.to_mm)] = BY_READER
    return Gate(np.asarray(reasons), refused)
