"""Values of tables as cells: one way for each type, in which it comes back as it was."""

from __future__ import annotations

import math
import types
import typing
from typing import Any

import numpy as np

EMPTY = "n/a"
"""of what is not known"""


def cell(value: Any) -> str:
    """As text; floats with all their digits."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is float and value == value:
        return repr(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return EMPTY
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return repr(float(value)) if isinstance(value, float) else str(value)


def reader(hint: Any) -> Any:
    """What turns a cell into a value of the annotated type."""
    optional = isinstance(hint, types.UnionType) and type(None) in typing.get_args(hint)
    base = next((part for part in typing.get_args(hint) if part is not type(None)), hint) if optional else hint
    convert: Any = {int: int, float: float, bool: {"yes": True, "no": False}.__getitem__}.get(base, str)

    def read(text: str) -> Any:
        return None if text in ("", EMPTY) else convert(text)

    return read if optional else convert
