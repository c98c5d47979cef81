"""All specifications answered for every participant: each scan's tables are read once and asked again and again.

No more participants than processes are in memory, however many the study has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from petproc.compare import BASELINE, INDEX_VESSEL, choose_index, compare_study
from petproc.core.forked import map_forked
from petproc.core.tables import ScanRow, Status, Verdict
from petproc.multiverse.specification import Specification
from petproc.quantify import Memo, Quantified, ScanTables, excluded_rows, for_backends, quantify_scan

ByBackend = Mapping[str, ScanTables]
Reader = Callable[[], ByBackend]


@dataclass(frozen=True)
class Answer:
    """What one specification says of one participant's index vessel: a row of `changes.tsv`."""

    participant: str
    specification: int
    index_vessel: str | None
    metric: str
    unit: str
    baseline: float | None
    follow_up: float | None
    change: float | None
    percent_change: float | None
    status: Status
    reason: str | None


def sweep(
    specifications: Sequence[Specification],
    scans: Sequence[ScanRow],
    readers: Mapping[tuple[str, str], Reader],
    *,
    verdicts: Sequence[Verdict] = (),
    processes: int = 1,
) -> list[Answer]:
    """By participant and specification, whatever the number of processes.

    `readers` has one for every included scan, by participant and session; it gives the scan's tables by backend.
    """
    of_one = _Participant(specifications, scans, readers, verdicts)
    participants = sorted({row.participant for row in scans})
    return [answer for answers in map_forked(of_one, participants, processes) for answer in answers]


@dataclass(frozen=True)
class _Participant:
    """All specifications answered for one participant."""

    specifications: Sequence[Specification]
    scans: Sequence[ScanRow]
    readers: Mapping[tuple[str, str], Reader]
    verdicts: Sequence[Verdict]

    def __call__(self, participant: str) -> list[Answer]:
        scans = [row for row in self.scans if row.participant == participant]
        visits = []
        for row in scans:
            if row.include == "yes":
                key = (row.participant, row.session)
                judged = [one for one in self.verdicts if (one.participant, one.session) == key]
                visits.append(_Visit(self.readers[key](), judged))
        return [_answer(one, scans, visits) for one in self.specifications]


class _Visit:
    """A scan that is asked under many settings: what they share is made once."""

    def __init__(self, tables: ByBackend, verdicts: Sequence[Verdict]) -> None:
        self._tables, self._verdicts = tables, verdicts
        self._memo: Memo = {}
        self._quantified: dict[str, Quantified] = {}

    def quantified(self, specification: Specification) -> Quantified:
        analysis, settings = specification.analysis, specification.quantify
        key = f"{analysis.backend} {sorted(analysis.backend_of.items())} {settings.model_dump_json()}"
        if key not in self._quantified:
            tables = for_backends(self._tables, analysis)
            self._quantified[key] = quantify_scan(tables, settings, self._verdicts, self._memo)
        return self._quantified[key]


def _answer(specification: Specification, scans: Sequence[ScanRow], visits: Sequence[_Visit]) -> Answer:
    quantified = [visit.quantified(specification) for visit in visits]
    uptake = [row for scan in quantified for row in scan.uptake] + excluded_rows(scans)
    compare, participant = specification.analysis.compare, scans[0].participant
    baseline = {(row.region, row.metric): row for row in uptake if row.session == BASELINE}
    index = choose_index(participant, baseline, compare).region
    compared = compare_study(
        [row for scan in quantified for row in scan.slices if row.region == index],
        uptake,
        scans,
        settings=compare,
        quantify=specification.quantify.model_copy(update={"regions": (index,) if index else ()}),
    )
    row = next(row for row in compared.change if (row.region, row.metric) == (INDEX_VESSEL, specification.metric))
    return Answer(
        participant,
        specification.number,
        compared.index[0].region,
        row.metric,
        row.unit,
        row.baseline,
        row.follow_up,
        row.change,
        row.percent_change,
        row.status,
        row.reason,
    )
