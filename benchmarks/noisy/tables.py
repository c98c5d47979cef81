"""The tables of `docs/noise.md`, and what must hold for them to mean anything.

Cells are bias ± SD in % of the perfect reader of the same PET without noise. A region of a scan is one difference.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from vessels.part import Check, Table, at_most

from noisy.design import COVS, STANDARD_COV, STANDARD_MM, STANDARD_SIZE, VOXELS_MM, in_percent, in_words
from noisy.measured import AORTIC, MDS, MEAN, SUV_MAX, Found, Key, Scan
from noisy.spread import Spread, percent, spread_of
from petproc.core.measure import BLOOD_SUV_MEAN
from petproc.core.regions import CAROTIDS, SVC
from petproc.phantom.sizes import SIZES

QUIET_BAR, QUIET_CAROTID_BAR = 1.0, 5.0
"""Largest difference of mean TBRmax and blood pool without noise at the standard voxel, in %. A carotid's mask ends up
to half a CT slice beside the bifurcation, and its last slice of about twenty may be the hottest one."""
COV_BAR = 5.0
"""Of the mean COV found in the liver from the one asked for, in %."""

Rows = Sequence[tuple[str, tuple[Key, ...]]]
BLOOD: tuple[Key, ...] = ((SVC, BLOOD_SUV_MEAN),)


def _keys(regions: Iterable[str], metric: str) -> tuple[Key, ...]:
    return tuple((region, metric) for region in regions)


MEASURES: Rows = (
    ("mean TBRmax, aorta", _keys(AORTIC, MEAN)),
    ("mean TBRmax, carotids", _keys(CAROTIDS, MEAN)),
    ("MDS TBRmax, aorta", _keys(AORTIC, MDS)),
    ("MDS TBRmax, carotids", _keys(CAROTIDS, MDS)),
    ("blood pool", BLOOD),
    ("mean SUVmax, aorta", _keys(AORTIC, SUV_MAX)),
    ("mean SUVmax, carotids", _keys(CAROTIDS, SUV_MAX)),
)
"""The last two are free of the blood pool."""
VESSELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    *((name.replace("_", " "), (name,)) for name in AORTIC),
    ("common carotids", CAROTIDS),
)


def tables(found: Sequence[Found]) -> list[tuple[str, Table]]:
    """Each with its heading."""
    return [
        ("By noise", by_noise(found)),
        ("By vessel and noise", by_vessel(found)),
        ("By size of the vessel", by_size(found)),
        ("By voxel", by_voxel(found)),
        ("Voxels without noise", without_noise(found)),
    ]


def by_noise(found: Sequence[Found]) -> Table:
    levels, groups = (0.0, *COVS), _of(found)
    rows = [(name, *(_cell(groups, keys, cov) for cov in levels)) for name, keys in MEASURES]
    scans = [[scan for one in groups for scan in one.scans if scan.cov == cov] for cov in levels]
    rows.append(("*COV found in the liver, %*", *(_mean(liver, lambda scan: 100 * scan.liver_cov) for liver in scans)))
    rows.append(
        ("*COV of the blood pool's voxels, %*", *(_mean(pool, lambda scan: 100 * scan.blood_cov) for pool in scans))
    )
    rows.append(("*scans*", *(str(len(some)) for some in scans)))
    return Table(("", *("no noise" if not cov else in_percent(cov) for cov in levels)), tuple(rows))


def by_vessel(found: Sequence[Found]) -> Table:
    groups = _of(found)
    metrics = ((MEAN, "mean TBRmax"), (MDS, "MDS"))
    head = ("", "radius, mm", *(f"{words}, {in_percent(cov)}" for _, words in metrics for cov in COVS))
    rows = [
        (name, _range(groups, regions), *(_cell(groups, _keys(regions, m), cov) for m, _ in metrics for cov in COVS))
        for name, regions in VESSELS
    ]
    return Table(head, tuple(rows))


def by_size(found: Sequence[Found]) -> Table:
    rows = []
    for name, regions in (*VESSELS, ("blood pool", (SVC,))):
        for size in SIZES:
            groups = _of(found, size=size)
            metrics = (BLOOD_SUV_MEAN,) if regions == (SVC,) else (MEAN, MDS, SUV_MAX)
            cells = [_cell(groups, _keys(regions, metric), STANDARD_COV) for metric in metrics]
            voxels = statistics.fmean(one.voxels[region] for one in groups for region in regions)
            radius = statistics.fmean(one.radius_mm[region] for one in groups for region in regions)
            first, rest = cells[0], cells[1:] or ["", ""]
            rows.append((name, size, f"{radius:.1f}", f"{voxels:.0f}", first, *rest))
    return Table(("", "size", "radius, mm", "voxels", "mean TBRmax, or blood pool", "MDS", "mean SUVmax"), tuple(rows))


def by_voxel(found: Sequence[Found]) -> Table:
    columns = [(name, keys) for name, keys in MEASURES]
    rows = []
    for voxel_mm in VOXELS_MM:
        groups = _of(found, size=STANDARD_SIZE, voxel_mm=voxel_mm)
        scans = [scan for one in groups for scan in one.scans if scan.cov == STANDARD_COV]
        alike = _mean(scans, lambda scan: scan.neighbours, form=".2f")
        cells = [_cell(groups, keys, STANDARD_COV) for _, keys in columns]
        rows.append((in_words(voxel_mm), alike, *cells))
    return Table(("voxel, mm", "neighbours", *(name for name, _ in columns)), tuple(rows))


def without_noise(found: Sequence[Found]) -> Table:
    """The chain against the perfect reader of the same PET, then that reader against itself at the standard voxel."""
    columns = MEASURES[:5]
    standard = {one.group.session: one for one in _of(found, size=STANDARD_SIZE)}
    rows = []
    for voxel_mm in VOXELS_MM:
        groups = _of(found, size=STANDARD_SIZE, voxel_mm=voxel_mm)
        ours = [_cell(groups, keys, 0.0) for _, keys in columns]
        theirs = [
            _text(
                spread_of(
                    [percent(one.truth[key], standard[one.group.session].truth[key]) for key in keys] for one in groups
                )
            )
            for _, keys in columns
        ]
        carotids = statistics.fmean(one.voxels[region] for one in groups for region in CAROTIDS)
        rows.append((in_words(voxel_mm), f"{carotids:.1f}", "petproc", *ours))
        rows.append(("", "", "perfect reader", *theirs))
    return Table(("voxel, mm", "voxels in a carotid", "", *(name for name, _ in columns)), tuple(rows))


def checks(found: Sequence[Found]) -> list[Check]:
    """Nothing refused, near the truth without noise, and the noise that was asked for."""
    missing = sum(key not in scan.difference for one in found for scan in one.scans for key in one.truth)
    quiet = [(key, d) for one in _of(found) for scan in one.scans if not scan.cov for key, d in scan.difference.items()]
    groups = [(one, cov) for one in found for cov in one.group.covs]
    off = [
        abs(percent(statistics.fmean(scan.liver_cov for scan in one.scans if scan.cov == cov), cov))
        for one, cov in groups
    ]
    wide = [abs(d) for (region, metric), d in quiet if region not in CAROTIDS and metric in (MEAN, BLOOD_SUV_MEAN)]
    thin = [abs(d) for (region, metric), d in quiet if region in CAROTIDS and metric == MEAN]
    return [
        at_most("numbers refused", missing, 0, form="d"),
        at_most("worst without noise, aorta and blood pool, %", max(wide), QUIET_BAR),
        at_most("worst without noise, carotids, %", max(thin), QUIET_CAROTID_BAR),
        at_most("COV in the liver off the one asked for, %", max(off), COV_BAR),
    ]


def certainty(found: Sequence[Found]) -> str:
    """How well the biases of the first table are known."""
    groups = {cov: [_spread(_of(found), keys, cov) for _, keys in MEASURES] for cov in COVS}
    worst = {
        cov: [max((one.error or 0.0) for one in some if one) for some in (spreads[:5], spreads[5:])]
        for cov, spreads in groups.items()
    }
    words = (f"{first:.1f} and {second:.1f} at {in_percent(cov)}" for cov, (first, second) in worst.items())
    return f"Largest standard errors of the biases by noise, of TBR or blood and of SUVmax: {'; '.join(words)}."


def _of(
    found: Sequence[Found], *, size: str | None = None, voxel_mm: tuple[float, float, float] = STANDARD_MM
) -> list[Found]:
    return [one for one in found if one.group.voxel_mm == voxel_mm and size in (None, one.group.size)]


def _spread(groups: Sequence[Found], keys: Sequence[Key], cov: float) -> Spread | None:
    scans = [scan for one in groups for scan in one.scans if scan.cov == cov]
    return spread_of([scan.difference[key] for key in keys if key in scan.difference] for scan in scans)


def _cell(groups: Sequence[Found], keys: Sequence[Key], cov: float) -> str:
    return _text(_spread(groups, keys, cov))


def _text(spread: Spread | None) -> str:
    return "" if spread is None else str(spread)


def _range(groups: Sequence[Found], regions: Sequence[str]) -> str:
    radii = [one.radius_mm[region] for one in groups for region in regions]
    return f"{min(radii):.1f} to {max(radii):.1f}"


def _mean(scans: Sequence[Scan], value: Callable[[Scan], float], form: str = ".1f") -> str:
    return format(statistics.fmean(map(value, scans)), form) if scans and scans[0].cov else ""
