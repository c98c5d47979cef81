"""Files of a study that are not as they were written: how messages name them, and what to do about them."""

from __future__ import annotations

from pathlib import Path

from petproc.core.errors import Refusal

AREAS = ("config", "decisions", "results")
"""Folders of a study."""
AGAIN = "Copy it again with a new date from where it is whole, or make it anew: petproc run STUDY --forcerun"
"""With its old date a run would not see that it changed."""


def shown(path: Path) -> str:
    """A file as messages name it: by its place in the study, never by where the study is."""
    at = [n for n, part in enumerate(path.parts) if part in AREAS]
    return "/".join(path.parts[at[-1] :]) if at else path.name


def make_anew(*paths: Path) -> str:
    """The remedy for files that a run left and that are not as they were."""
    return f"{AGAIN} {' '.join(map(shown, paths))}"


def missing(path: Path) -> Refusal:
    return Refusal("result-missing", f"{shown(path)} is not there.", f"{AGAIN} {shown(path)}")


def unreadable(path: Path) -> Refusal:
    return Refusal(
        "result-unreadable",
        f"{shown(path)} is empty, cut short, or not what was written there.",
        f"{AGAIN} {shown(path)}",
    )


def of_results(refusal: Refusal, path: Path) -> Refusal:
    """A refusal of what is written in a file; of results nobody is told to correct it by hand."""
    if "results" not in path.parts:
        return refusal
    return Refusal(refusal.code, refusal.reason, make_anew(path))
