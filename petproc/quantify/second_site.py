"""The blood pool once more in another vessel, as a cross-check: blood is blood wherever it is read well.

The inferior vena cava where it is accepted, else the core of the aorta's lumen at least 8 mm under its wall, where a
hot wall spills in by 3 % (simulated: radius 12 mm, wall 6 x blood): of the descending one, or of the ascending one,
which is wider and moves more. No TBR is divided by it. The limits of the ratio are proposals of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from petproc.core.errors import Finding, Refusal
from petproc.quantify.background import Background, measure_background
from petproc.quantify.scan import Scans
from petproc.settings import BackgroundSettings

RATIO = (0.8, 1.25)


@dataclass(frozen=True, eq=False)
class SecondSite:
    """`pool` is the second blood pool; None where none can be had, and `reason` says why."""

    pool: Background | None
    reason: str | None

    def ratio(self, first: Background) -> float | None:
        """Of the first blood pool to the second."""
        return None if self.pool is None else first.activity / self.pool.activity


def second_site(first: Background, scans: Scans, settings: BackgroundSettings) -> SecondSite:
    """The first of the settings' regions, other than that of `first`, in which a blood pool can be had."""
    why = []
    for region in settings.second_regions:
        if region == first.region:
            continue
        try:
            return SecondSite(measure_background(region, scans.of(region), settings), None)
        except Refusal as refusal:
            why.append(refusal.reason)
    return SecondSite(None, f"no-second-site: {' '.join(why) or 'the settings name no other region.'}")


def site_findings(first: Background, second: SecondSite) -> Iterator[Finding]:
    ratio = second.ratio(first)
    if second.pool is not None and ratio is not None and not RATIO[0] <= ratio <= RATIO[1]:
        yield Finding(
            "blood-sites-differ",
            f"{first.region}: its blood reads {ratio:.2f} times that of {second.pool.region}, outside 0.8 to 1.25: one "
            "of the two is no blood pool. Look at both overlays before any ratio is believed.",
        )
