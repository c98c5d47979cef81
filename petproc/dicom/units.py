"""Units of an enhanced PET: from UCUM and quantity codes to Units (0054,1001) and SUVType (0054,1006).

A real-world value mapping goes from *stored* pixel values to its unit (PS3.3 C.7.6.16.2.11), so its slope and
intercept are taken together with the unit that it names.
"""

from __future__ import annotations

import re

from petproc.dicom.header import Header

CLASSIC = {"bq/ml": "BQML", "g/ml": "GML", "cm2/ml": "CM2ML"}
"""UCUM codes (PS3.16 CID 84, 85; annotations in braces apart) and the units of a classic PET."""
SUV_TYPES = {
    "126401": "BW",
    "126402": "LBM",
    "126403": "BSA",
    "126404": "IBW",
    "126405": "LBMJANMA",
    "126406": "LBMJAMES128",
    "suvbw": "BW",
    "suvlbm": "LBM",
    "suvbsa": "BSA",
    "suvibw": "IBW",
    "suvlbm(janma)": "LBMJANMA",
    "suvlbm(james128)": "LBMJAMES128",
}
"""Quantities by DCM code, and annotations of the UCUM codes."""


def real_world_values(frame: Header) -> dict[str, str]:
    """Units, SUVType, RescaleSlope and RescaleIntercept of the frame's stored values; empty where it tells none.

    Of several mappings the one to Bq/mL is taken, else the only one; two to the same unit that differ say nothing.
    """
    mappings: dict[str, list[dict[str, str]]] = {}
    for item in frame.items("RealWorldValueMappingSequence"):
        if words := _mapping(item):
            known = mappings.setdefault(words["Units"], [])
            if words not in known:
                known.append(words)
    if not mappings:
        told = frame.text("RescaleType") or ""
        return {"Units": told} if told in CLASSIC.values() else {}
    chosen = mappings.get("BQML") or (next(iter(mappings.values())) if len(mappings) == 1 else [])
    return chosen[0] if len(chosen) == 1 else {}


def _mapping(item: Header) -> dict[str, str]:
    slope, intercept = item.number("RealWorldValueSlope"), item.number("RealWorldValueIntercept")
    code = next((unit.text("CodeValue") for unit in item.items("MeasurementUnitsCodeSequence")), None)
    if slope is None or intercept is None or not code:
        return {}
    annotation = re.search(r"\{(.*?)\}", code)
    unit = re.sub(r"\{.*?\}", "", code) or code
    words = {"Units": CLASSIC.get(unit.lower(), unit), "RescaleSlope": repr(slope), "RescaleIntercept": repr(intercept)}
    quantities = [annotation[1].lower()] if annotation else []
    for part in item.items("QuantityDefinitionSequence"):
        quantities += [said.text("CodeValue") or "" for said in part.items("ConceptCodeSequence")]
    kinds = {SUV_TYPES[quantity] for quantity in quantities if quantity in SUV_TYPES}
    if len(kinds) > 1:
        return {}
    if kinds:
        words["SUVType"] = kinds.pop()
    return words
