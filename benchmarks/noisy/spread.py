"""Bias and spread of differences in %."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """`bias` is the mean of differences in %, `sd` their standard deviation (n - 1) in points, None below two of them;
    `error` the standard error of the bias in points, from the means of the scans, as what one scan gives shares its
    blood pool; `scans` how many gave one."""

    bias: float
    sd: float | None
    error: float | None
    scans: int

    def __str__(self) -> str:
        """`+5.2 ± 3.1`: bias ± SD."""
        return f"{signed(self.bias)}" if self.sd is None else f"{signed(self.bias)} ± {self.sd:.1f}"


def spread_of(scans: Iterable[Sequence[float]]) -> Spread | None:
    """Of the differences (%) that each scan gave, a sequence a scan; None where there are none."""
    given = [differences for differences in scans if differences]
    everything = [one for differences in given for one in differences]
    if not everything:
        return None
    means = [statistics.fmean(differences) for differences in given]
    return Spread(
        statistics.fmean(everything),
        statistics.stdev(everything) if len(everything) > 1 else None,
        statistics.stdev(means) / len(means) ** 0.5 if len(means) > 1 else None,
        len(given),
    )


def percent(measured: float, truth: float) -> float:
    """Difference in % of the truth."""
    return 100.0 * (measured / truth - 1.0)


def signed(value: float) -> str:
    """To a tenth and with its sign, which a zero has not."""
    return f"{value:+.1f}" if round(value, 1) else "0.0"
