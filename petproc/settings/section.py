"""What all settings share: no unknown keys, names that are known, and their plain values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from petproc.core.regions import ORGANS

Backend = Literal["classical", "seeded", "totalsegmentator", "imported"]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def known(names: Any, registry: Any, kind: str) -> None:
    if unknown := [name for name in names if name not in registry]:
        raise ValueError(f"unknown {kind} {', '.join(unknown)}; known are {', '.join(registry)}")


def only_vessels(names: Any, why: str) -> None:
    if organs := [name for name in names if name in ORGANS]:
        raise ValueError(f"{', '.join(organs)}: an organ, not a vessel; {why}")


def plain(section: Section) -> dict[str, Any]:
    """A section as plain JSON types: what Snakemake can compare between runs."""
    return section.model_dump(mode="json")
