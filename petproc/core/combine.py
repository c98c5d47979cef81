"""Every combination of values that settings are to take, and settings with some of their values replaced.

A setting is called by its dotted path: `quantify.background.volume_ml`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any


def combinations(vary: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """One dict from path to value for every combination; the last path varies fastest."""
    return [dict(zip(vary, values, strict=True)) for values in itertools.product(*vary.values())]


def with_values(settings: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` (nested) with the value at every path of `values` replaced as a whole."""
    changed = dict(settings)
    for path, value in values.items():
        changed = _placed(changed, path.split("."), value)
    return changed


def _placed(settings: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    first, *rest = path
    return {**settings, first: _placed(settings.get(first) or {}, rest, value) if rest else value}


def in_words(values: Mapping[str, Any]) -> str:
    """`quantify.active_tbr 1.6, backend seeded`"""
    return ", ".join(f"{path} {value}" for path, value in values.items())
