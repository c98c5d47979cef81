"""One page of an analysis: self-contained, without scripts and without a single request to anywhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from petproc.core.errors import Finding
from petproc.core.measure import BLOOD, ORGAN, Quantity, unit_by
from petproc.core.metrics import METRICS, Metric
from petproc.core.suv import VARIANTS
from petproc.core.tables import ChangeRow, FragilityRow, InputRow, ScanRow, SliceRow, UptakeRow, VesselRow
from petproc.report import words
from petproc.report.firm import firmness
from petproc.report.inputs import headings, not_taken, scan_inputs
from petproc.report.sections import blood, index_vessel, noticed, profiles, regions, scans_of, settings_of, unmeasured
from petproc.report.vessels import by_region, judged, to_look_at
from petproc.report.way_back import numbers
from petproc.report.wholes import organs, pools
from petproc.settings import Analysis

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Content:
    """What a page is made of.

    `findings` by participant or by scan as `layout.scan_name` writes it; `overlays` by scan: PNG bytes by figure name.
    """

    change: Sequence[ChangeRow]
    uptake: Sequence[UptakeRow]
    slices: Sequence[SliceRow]
    scans: Sequence[ScanRow]
    inputs: Sequence[InputRow] = ()
    vessels: Sequence[VesselRow] = ()
    fragility: Sequence[FragilityRow] = ()
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    overlays: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    exploratory: str = ""
    """why the analysis is, in words; empty of one that was planned"""
    way_back: Sequence[Mapping[str, Any]] = ()
    """explanations of numbers of the index metric, as plain values"""


def render(content: Content, *, title: str, name: str, analysis: Analysis, version: str) -> str:
    """The page of the analysis `name` as HTML; the same content gives the same bytes."""
    metric = analysis.compare.index_metric
    formulas: list[Metric | Quantity] = [*analysis.quantify.metrics.values(), *BLOOD.values(), *ORGAN.values()]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        words=words.words, sentence=words.sentence, number=words.number, signed=words.signed, percent=words.percent
    )
    return environment.get_template("page.html.jinja").render(
        title=title,
        name=name,
        version=version,
        analysis=analysis,
        exploratory=content.exploratory or analysis.declared,
        metric=METRICS[metric],
        metrics=formulas,
        suv=VARIANTS[analysis.quantify.suv],
        units={one.name: unit_by(analysis.quantify.suv, one.unit) for one in formulas},
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        index=index_vessel(content.change, metric),
        profiles=profiles(content.change, content.slices, metric),
        regions=regions(content.change, metric, analysis.quantify.regions),
        vessels=content.vessels,
        judged=judged(content.vessels),
        judged_by_region=by_region(content.vessels),
        to_look_at=to_look_at(content.vessels),
        firm=firmness(content.fragility, metric),
        blood=blood(content.change),
        pools=pools(content.uptake),
        organs=organs(content.change, content.uptake, analysis.quantify.regions),
        organ_metrics=ORGAN,
        scans=scans_of(content.scans, content.uptake),
        inputs=scan_inputs(content.inputs, content.uptake),
        headings=headings(),
        not_taken=not_taken(content.inputs),
        unmeasured=unmeasured(content.uptake, content.change),
        noticed=noticed(content.findings),
        settings=settings_of(analysis),
        way_back=numbers(content.way_back),
        overlays={scan: _embedded(figures) for scan, figures in sorted(content.overlays.items())},
    )


def _embedded(figures: Mapping[str, bytes]) -> dict[str, str]:
    return {name: f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}" for name, png in figures.items()}
