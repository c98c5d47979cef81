"""Findings (something noticed) and refusals (something not measured).

A refusal is a result: it travels through every table as a row with status and reason and without a number.
Only a bug raises anything else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["info", "warning"]


@dataclass(frozen=True)
class Finding:
    """Something noticed about a scan that did not stop the measurement.

    `code` is stable and in kebab-case (`frames-of-reference-differ`); `message` names the tag or place and says in
    plain words what was seen and what was done about it. Neither may hold a person's name, identifier or a path.
    """

    code: str
    message: str
    severity: Severity = "warning"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> Finding:
        return cls(entry["code"], entry["message"], entry["severity"])


class Refusal(Exception):
    """Something that is not measured, with a stable code, what is wrong, and what the user can do about it."""

    def __init__(self, code: str, reason: str, remedy: str, scan: str = "") -> None:
        super().__init__(f"{scan + ': ' if scan else ''}{reason} {remedy} [{code}]")
        self.code, self.reason, self.remedy, self.scan = code, reason, remedy, scan

    def __reduce__(self) -> tuple[type[Refusal], tuple[str, str, str, str]]:
        return type(self), (self.code, self.reason, self.remedy, self.scan)

    def to_json(self) -> dict[str, str]:
        return {"code": self.code, "reason": self.reason, "remedy": self.remedy}
