"""Unblinding: once, with what every analysis was at that moment, so that what came later is told as exploratory.

What an analysis *is* are the settings that its numbers follow from: its own, and those of the stages before it
(`ingest`, the segmentation of its backends, `align`, `sample`). Its words (`about`, `extends`, `exploratory`) and where
masks are kept are none of them. They are kept in `decisions/history/` by their hash; the ledger's entry has the hash by
name and no arm.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from petproc.audit.difference import settings_that_differ
from petproc.audit.history import keep_content, recall
from petproc.audit.ledger import Entry, Event, append, read, who
from petproc.core.errors import Refusal
from petproc.settings import Analysis, Settings, combined, plain

OWN = ("backend", "backend_of", "quantify", "compare")
STAGES = ("ingest", "align", "sample")
KINDS = ("analyses", "multiverse")
SHOWN = 3
"""Settings named of those that changed; of more, how many."""

Standing = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Marks:
    """In words why an analysis, or a multiverse, is exploratory since unblinding; one that is not is not there."""

    analyses: Mapping[str, str] = field(default_factory=dict)
    multiverse: Mapping[str, str] = field(default_factory=dict)


def standing(settings: Settings) -> Standing:
    """Every analysis and every multiverse as a config of nothing but what its numbers follow from."""
    analyses = {name: _config(settings, name, [one]) for name, one in settings.analyses.items()}
    grids = {}
    for name, grid in settings.multiverse.items():
        among = [one for _, one in combined(settings.analyses[grid.extends], grid.vary)]
        varied = {"multiverse": {name: {"extends": grid.extends, "vary": plain(grid)["vary"]}}}
        grids[name] = _config(settings, grid.extends, among) | varied
    return {"analyses": analyses, "multiverse": grids}


def unblinding(entries: Iterable[Entry]) -> Entry | None:
    """The entry that unblinded the study; None of one that is blind."""
    return next((entry for entry in entries if entry.what == "unblinding"), None)


def unread_bundles(entries: Sequence[Entry]) -> list[str]:
    """Bundles for blind readers on which nobody has locked verdicts."""
    locked = {entry.subject["bundle"] for entry in entries if entry.what == "verdicts-locked"}
    return [
        entry.subject["bundle"]
        for entry in entries
        if entry.what == "bundled" and entry.subject["bundle"] not in locked
    ]


def unblind(study: Path, settings: Settings, *, why: str, by: str | None = None, anyway: bool = False) -> Entry:
    """Record that the study is unblinded, with `settings` as they stand.

    Refused a second time (`unblinded-already`: what came after the first stays exploratory), and while a bundle has no
    locked verdicts (`unblind-unread`), unless `anyway`, which the entry says.
    """
    entries = read(study)
    if first := unblinding(entries):
        raise Refusal(
            "unblinded-already",
            f"The study was unblinded by {first.who} at {first.time} (ledger entry {first.entry}).",
            "It stays unblinded from then on; petproc status says what has come since.",
        )
    unread = unread_bundles(entries)
    if unread and not anyway:
        raise Refusal(
            "unblind-unread",
            f"Scans are out to blind readers, and no verdicts are locked on bundle {', '.join(unread)}.",
            "Lock them with petproc bundle STUDY codes.tsv --join; where none will come, give --anyway.",
        )
    now = standing(settings)
    digests = {kind: {name: _digest(config) for name, config in of_kind.items()} for kind, of_kind in now.items()}
    after = {**digests, **({"unread_bundles": unread} if unread else {})}
    entry = append(study, Event("unblinding", who(by), why, before="blind", after=after))
    for of_kind in now.values():
        for config in of_kind.values():
            keep_content(study, _bytes(config))
    return entry


def marks(study: Path, entries: Iterable[Entry], settings: Settings) -> Marks:
    """What of `settings` is exploratory: added or changed after unblinding. Nothing while the study is blind."""
    entry = unblinding(entries)
    if entry is None:
        return Marks()
    when = f"after unblinding (ledger entry {entry.entry}, {entry.time[:10]})"
    found: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for kind, of_kind in standing(settings).items():
        for name, config in of_kind.items():
            digest = entry.after[kind].get(name)
            if digest is None:
                found[kind][name] = f"added {when}"
            elif digest != _digest(config) and (what := _changed(study, digest, (kind, name), config)) is not None:
                found[kind][name] = f"changed {when}{what}"
    return Marks(**found)


def _config(settings: Settings, name: str, among: Sequence[Analysis]) -> dict[str, Any]:
    """`among` are the analyses whose backends are used."""
    whole = plain(settings)
    backends = sorted({backend for one in among for backend in one.backends})
    segment = {backend: dict(whole["segment"][backend]) for backend in backends if backend in whole["segment"]}
    for section in segment.values():
        section.pop("path", None)
    return {
        **{stage: whole[stage] for stage in STAGES},
        "segment": {"backends": backends, **segment},
        "analyses": {name: {key: whole["analyses"][name][key] for key in OWN}},
    }


def _changed(study: Path, digest: str, of: tuple[str, str], now: Mapping[str, Any]) -> str | None:
    """Which settings are other ones than those kept under `digest`; None where only the program has more of them."""
    kind, name = of
    try:
        then = standing(Settings.of(json.loads(recall(study, digest))))[kind][name]
    except Refusal:
        return ": what it was is not kept, or is nothing that this version can read"
    differ = [f"{_short(one.path, name)} {one.a} → {one.b}" for one in settings_that_differ(then, now)]
    more = f" and {len(differ) - SHOWN} more" if len(differ) > SHOWN else ""
    return f": {', '.join(differ[:SHOWN])}{more}" if differ else None


def _short(path: str, name: str) -> str:
    return path.removeprefix(f"analyses.{name}.").removeprefix(f"multiverse.{name}.")


def _bytes(config: Mapping[str, Any]) -> bytes:
    return json.dumps(config, sort_keys=True).encode()


def _digest(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(_bytes(config)).hexdigest()
