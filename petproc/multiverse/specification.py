"""The combinations of a multiverse, each an analysis of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from petproc.settings import Analysis, QuantifySettings, combined


@dataclass(frozen=True)
class Specification:
    """Combination `number` (from 1): the value at every varied path, and the whole analysis."""

    number: int
    values: Mapping[str, Any]
    analysis: Analysis

    @property
    def metric(self) -> str:
        """What is compared."""
        return self.analysis.compare.index_metric

    @property
    def quantify(self) -> QuantifySettings:
        """What has to be quantified for the index vessel alone: the candidates, without a second blood pool."""
        settings, candidates = self.analysis.quantify, self.analysis.compare.index_candidates
        background = settings.background.model_copy(update={"second_regions": ()})
        regions = tuple(region for region in settings.regions if region in candidates)
        return settings.model_copy(update={"regions": regions, "background": background})


def specifications(base: Analysis, vary: Mapping[str, Sequence[Any]]) -> list[Specification]:
    """Every combination in the order of `core.combine.combinations`; that they are valid the settings have checked."""
    return [
        Specification(number, values, analysis)
        for number, (values, analysis) in enumerate(combined(base, vary), start=1)
    ]
