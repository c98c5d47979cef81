"""What makes a file unusable: a stable code and the reason in plain words, without its name."""

from __future__ import annotations


class BadFile(Exception):
    """A file, or an archive's entry, that cannot be used."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason
