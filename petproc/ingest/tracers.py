"""Whether a PET shows the study's tracer: by its nuclide, and by the name of what was injected."""

from __future__ import annotations

import re
from dataclasses import dataclass

from petproc.dicom.header import Header
from petproc.ingest.nuclides import named, with_half_life


@dataclass(frozen=True)
class Tracer:
    name: str
    nuclides: tuple[str, ...]
    words: tuple[str, ...]
    """by which Radiopharmaceutical (0018,0031) names it: whole words, letters only, in lower case"""


TRACERS = (
    Tracer("FDG", ("F18",), ("fdg", "fluorodeoxyglucose", "fludeoxyglucose", "deoxyglucose", "fluorglucose")),
    Tracer("NaF", ("F18",), ("naf", "fluoride")),
    Tracer("FLT", ("F18",), ("flt", "fluorothymidine")),
    Tracer("FET", ("F18",), ("fet", "fluoroethyltyrosine")),
    Tracer("FES", ("F18",), ("fes", "fluoroestradiol")),
    Tracer("FDOPA", ("F18",), ("fdopa", "dopa", "fluorodopa")),
    Tracer("PSMA", ("F18", "Ga68", "Cu64"), ("psma", "dcfpyl", "piflufolastat", "gozetotide", "flotufolastat")),
    Tracer("FAPI", ("F18", "Ga68"), ("fapi",)),
    Tracer("DOTATATE", ("Ga68", "Cu64"), ("dotatate", "dotatoc", "dotanoc", "edotreotide", "oxodotreotide")),
    Tracer("pentixafor", ("Ga68",), ("pentixafor",)),
    Tracer("choline", ("F18", "C11"), ("choline", "fluorocholine", "fluciclovine")),
    Tracer("methionine", ("C11",), ("methionine",)),
    Tracer("PiB", ("C11",), ("pib", "pittsburgh")),
    Tracer("amyloid", ("F18",), ("florbetapir", "florbetaben", "flutemetamol")),
    Tracer("tau", ("F18",), ("flortaucipir",)),
    Tracer("flurpiridaz", ("F18",), ("flurpiridaz",)),
    Tracer("ammonia", ("N13",), ("ammonia",)),
    Tracer("water", ("O15",), ("water",)),
    Tracer("rubidium", ("Rb82",), ("rubidium",)),
)


def other_tracer(header: Header, tracer: str) -> str | None:
    """Why a PET is not one of the study's tracer, in words; None where it is, or where its header does not tell."""
    item = next(iter(header.items("RadiopharmaceuticalInformationSequence")), header)
    told = _told(item)
    study = _called(_words(tracer))
    if told and study and told.name != study.name:
        return f"Radiopharmaceutical (0018,0031) is {told.name}, the study's tracer is {study.name}"
    nuclide = _nuclide(item)
    if nuclide and study and nuclide not in study.nuclides:
        return f"the nuclide is {nuclide}, the study's tracer is {study.name} ({' or '.join(study.nuclides)})"
    return None


def _told(item: Header) -> Tracer | None:
    names = [item.text("Radiopharmaceutical")]
    names += [code.text("CodeMeaning") for code in item.items("RadiopharmaceuticalCodeSequence")]
    return next((found for name in names if (found := _called(_words(name or "")))), None)


def _called(words: frozenset[str]) -> Tracer | None:
    """The tracer of some words; none where they name several, as a fluoride of something else may."""
    found = [tracer for tracer in TRACERS if words & {tracer.name.lower(), *tracer.words}]
    return found[0] if len(found) == 1 else None


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", name.lower()))


def _nuclide(item: Header) -> str | None:
    """By code and by half-life, where they do not contradict each other."""
    codes = item.items("RadionuclideCodeSequence")
    by_code = named(codes[0].text("CodeMeaning"), codes[0].text("CodeValue")) if codes else None
    by_half_life = with_half_life(item.number("RadionuclideHalfLife"))
    if by_code and by_half_life and by_code != by_half_life:
        return None
    found = by_code or by_half_life
    return found.name if found else None
