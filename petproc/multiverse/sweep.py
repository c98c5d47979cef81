"""All specifications answered for every participant: each scan's tables are read once and asked again and again.

No more participants than threads are in memory, however many the study has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from petproc.compare import INDEX_VESSEL, compare_study
from petproc.core.tables import ScanRow, Status, Verdict
from petproc.multiverse.specification import Specification
from petproc.quantify import Memo, ScanTables, excluded_rows, for_backends, quantify_scan

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
    threads: int = 1,
) -> list[Answer]:
    """By participant and specification, whatever the number of threads.

    `readers` has one for every included scan, by participant and session; it gives the scan's tables by backend.
    """

    def of_one(participant: str) -> list[Answer]:
        own = [row for row in scans if row.participant == participant]
        judged = [row for row in verdicts if row.participant == participant]
        keys = [(row.participant, row.session) for row in own if row.include == "yes"]
        tables = {key: readers[key]() for key in keys}
        memos: dict[tuple[str, str], Memo] = {key: {} for key in keys}
        return [_answer(one, own, (tables, memos), judged) for one in specifications]

    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        found = pool.map(of_one, sorted({row.participant for row in scans}))
        return [answer for answers in found for answer in answers]


def _answer(
    specification: Specification,
    scans: Sequence[ScanRow],
    asked: tuple[Mapping[tuple[str, str], ByBackend], Mapping[tuple[str, str], Memo]],
    verdicts: Sequence[Verdict],
) -> Answer:
    analysis, settings = specification.analysis, specification.quantify
    tables, memos = asked
    quantified = [
        quantify_scan(
            for_backends(by_backend, analysis),
            settings,
            [one for one in verdicts if one.session == key[1]],
            memos[key],
        )
        for key, by_backend in tables.items()
    ]
    compared = compare_study(
        [row for scan in quantified for row in scan.slices],
        [row for scan in quantified for row in scan.uptake] + excluded_rows(scans),
        scans,
        settings=analysis.compare,
        quantify=settings,
    )
    row = next(row for row in compared.change if (row.region, row.metric) == (INDEX_VESSEL, specification.metric))
    return Answer(
        row.participant,
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
