"""Settings by name that take what they do not say from another one: `extends: primary`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXTENDS = "extends"


def inherited(named: Mapping[str, Any]) -> dict[str, Any]:
    """`named` with every entry's missing keys taken from the entry that it extends, at any depth of nesting.

    A list is a value and is replaced as a whole. A `ValueError` names an entry that extends an unknown one or, over
    others, itself.
    """
    return {name: _resolved(name, named, ()) for name in named}


def _resolved(name: str, named: Mapping[str, Any], seen: tuple[str, ...]) -> Any:
    entry = named[name]
    base = entry.get(EXTENDS) if isinstance(entry, Mapping) else None
    if base is None:
        return entry
    if base not in named:
        raise ValueError(f"analysis {name} extends {base}, which is not there; there are {', '.join(named)}")
    if base in (*seen, name):
        raise ValueError(f"analysis {name} extends itself over {' and '.join((*seen, name))}")
    return _over(_resolved(base, named, (*seen, name)), entry)


def _over(base: Any, entry: Any) -> Any:
    if not isinstance(base, Mapping) or not isinstance(entry, Mapping):
        return entry
    return {**base, **{key: _over(base.get(key), value) for key, value in entry.items()}}
