"""Published tables stay retrievable, whatever replaces them."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from petproc import layout
from petproc.audit.history import keep, publications, recall
from petproc.audit.ledger import Event, append, read
from petproc.core.errors import Refusal

UPTAKE = "results/analyses/primary/uptake.tsv"


def published(study: Path, content: bytes) -> str:
    path = study / UPTAKE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    digests = keep(study, ["primary"])
    append(study, Event("run-finished", "analyst", after={"status": "ok", "published": digests}))
    return digests[UPTAKE]


def test_a_table_is_kept_by_the_hash_of_its_content(tmp_path: Path) -> None:
    digest = published(tmp_path, b"one")
    assert digest == hashlib.sha256(b"one").hexdigest()
    assert recall(tmp_path, digest) == b"one"


def test_what_was_replaced_can_be_had_again(tmp_path: Path) -> None:
    first, second = published(tmp_path, b"one"), published(tmp_path, b"two")
    assert [recall(tmp_path, digest) for digest in (first, second)] == [b"one", b"two"]


def test_publications_name_the_runs_that_changed_a_table(tmp_path: Path) -> None:
    first, _, second = published(tmp_path, b"one"), published(tmp_path, b"one"), published(tmp_path, b"two")
    found = publications(read(tmp_path))
    assert [(one.entry, one.path, one.digest) for one in found] == [(1, UPTAKE, first), (3, UPTAKE, second)]


def test_the_same_content_is_kept_as_the_same_bytes(tmp_path: Path) -> None:
    digest = published(tmp_path / "a", b"one")
    published(tmp_path / "b", b"one")
    copies = [layout.path(layout.HISTORY, tmp_path / study, digest=digest).read_bytes() for study in "ab"]
    assert copies[0] == copies[1]


@pytest.mark.parametrize("damage", [b"", b"junk", gzip.compress(b"one", mtime=0)[:10] + b"\xff\xff", None])
def test_kept_content_that_is_gone_or_damaged_is_refused(tmp_path: Path, damage: bytes | None) -> None:
    digest = published(tmp_path, b"one")
    path = layout.path(layout.HISTORY, tmp_path, digest=digest)
    path.write_bytes(damage) if damage is not None else path.unlink()
    with pytest.raises(Refusal, match="history-missing"):
        recall(tmp_path, digest)
