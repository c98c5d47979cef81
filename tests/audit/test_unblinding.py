"""What came after unblinding is told as such; what was there and is unchanged is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from petproc.audit.history import recall
from petproc.audit.ledger import Event, append, read
from petproc.audit.unblinding import Marks, marks, standing, unblind, unblinding
from petproc.core.errors import Refusal
from petproc.settings import RESULTS_VERSION, Settings

CONFIG: dict[str, Any] = {
    "analyses": {
        "primary": {"quantify": {"active_tbr": 1.6, "background": {"volume_ml": 1.5}}, "backend": "imported"},
        "wall": {"extends": "primary", "quantify": {"depth_mm": [0, 3]}},
    },
    "segment": {"backends": ["imported"], "imported": {"path": "masks/{participant}_{session}.nii.gz"}},
    "multiverse": {"robust": {"vary": {"quantify.active_tbr": [1.6, 2.0]}}},
}


def with_value(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    first, _, rest = path.partition("/")
    return {**config, first: with_value(config.get(first, {}), rest, value) if rest else value}


def marked(study: Path, config: dict[str, Any]) -> Marks:
    return marks(study, read(study), Settings.of(config))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Unblinded by the first entry of its ledger, in 2026 or later."""
    unblind(tmp_path, Settings.of(CONFIG), why="database locked", by="statistician")
    return tmp_path


def test_the_entry_holds_every_analysis_by_its_hash_and_no_arm(study: Path) -> None:
    (entry,) = read(study)
    assert (entry.what, entry.who, entry.why, entry.before) == (
        "unblinding", "statistician", "database locked", "blind",
    )  # fmt: skip
    assert {kind: sorted(names) for kind, names in entry.after.items()} == {
        "analyses": ["primary", "wall"],
        "multiverse": ["robust"],
    }
    kept = recall(study, entry.after["analyses"]["wall"]).decode()
    assert '"depth_mm": [0.0, 3.0]' in kept
    assert "masks/" not in kept


def test_nothing_is_marked_while_the_study_is_blind(tmp_path: Path) -> None:
    assert marked(tmp_path, CONFIG) == Marks()


def test_nothing_is_marked_that_is_as_it_was(study: Path) -> None:
    assert marked(study, CONFIG) == Marks({}, {})


def test_keys_in_another_order_mark_nothing(study: Path) -> None:
    def turned(value: Any) -> Any:
        return {key: turned(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    assert list(turned(CONFIG)) != list(CONFIG)
    assert marked(study, turned(CONFIG)) == Marks({}, {})


@pytest.mark.parametrize(
    "edit",
    [
        ("analyses/wall/about", "the wall alone"),
        ("analyses/primary/exploratory", True),
        ("analyses/primary/quantify/coverage", "p50"),
        ("report/title", "Another title"),
        ("segment/imported/path", "elsewhere/{participant}_{session}.nii.gz"),
        ("segment/backends", ["imported", "classical"]),
        ("inventory/prefer", ["wb"]),
    ],
)
def test_what_no_number_follows_from_marks_nothing(study: Path, edit: tuple[str, Any]) -> None:
    assert marked(study, with_value(CONFIG, *edit)) == Marks({}, {})


def test_an_analysis_that_was_not_there_is_marked_and_no_other(study: Path) -> None:
    found = marked(study, with_value(CONFIG, "analyses/late", {"extends": "primary"}))
    assert found.multiverse == {}
    assert list(found.analyses) == ["late"]
    year = read(study)[0].time[:10]
    assert found.analyses["late"] == f"added after unblinding (ledger entry 1, {year})"


def test_a_changed_value_marks_its_analysis_and_names_the_setting(study: Path) -> None:
    found = marked(study, with_value(CONFIG, "analyses/wall/quantify/depth_mm", [0, 2]))
    assert list(found.analyses) == ["wall"]
    assert found.analyses["wall"].startswith("changed after unblinding (ledger entry 1, ")
    assert found.analyses["wall"].endswith("): quantify.depth_mm [0.0, 3.0] → [0.0, 2.0]")


def test_a_value_that_others_take_over_marks_them_too(study: Path) -> None:
    found = marked(study, with_value(CONFIG, "analyses/primary/quantify/background/volume_ml", 2.0))
    assert {*found.analyses, *found.multiverse} == {"primary", "wall", "robust"}
    assert found.multiverse["robust"].endswith(": analyses.primary.quantify.background.volume_ml 1.5 → 2.0")


@pytest.mark.parametrize("edit", [("align/apply", True), ("sample/reach_mm", 10.0), ("ingest/window_min", [55, 65])])
def test_a_setting_of_a_stage_before_marks_every_analysis(study: Path, edit: tuple[str, Any]) -> None:
    found = marked(study, with_value(CONFIG, *edit))
    assert list(found.analyses) == ["primary", "wall"]
    assert edit[0].replace("/", ".") in found.analyses["primary"]


def test_a_setting_put_back_takes_the_mark_away(study: Path) -> None:
    assert marked(study, with_value(CONFIG, "analyses/wall/quantify/depth_mm", [0, 2])).analyses
    assert marked(study, CONFIG) == Marks({}, {})


def test_a_setting_that_only_a_later_version_has_marks_nothing(tmp_path: Path) -> None:
    """Kept by a version that had no `slab_mm`: its default is what has always been measured."""
    from petproc.audit import unblinding as module

    config = standing(Settings.of(CONFIG))["analyses"]["wall"]
    del config["analyses"]["wall"]["quantify"]["slab_mm"]
    module.keep_content(tmp_path, module._bytes(config))
    after = {"analyses": {"wall": module._digest(config)}, "multiverse": {}}
    append(tmp_path, Event("unblinding", "statistician", "locked", after=after))
    assert "wall" not in marked(tmp_path, CONFIG).analyses
    other = with_value(CONFIG, "analyses/wall/quantify/slab_mm", 6.0)
    assert marked(tmp_path, other).analyses["wall"].endswith(": quantify.slab_mm 5.0 → 6.0")


def test_when_what_was_kept_is_lost_a_change_is_still_a_change(study: Path) -> None:
    for path in (study / "decisions/history").glob("*.gz"):
        path.unlink()
    found = marked(study, with_value(CONFIG, "analyses/wall/quantify/depth_mm", [0, 2]))
    assert list(found.analyses) == ["wall"]
    assert "not kept" in found.analyses["wall"]


def test_a_study_is_unblinded_once_and_with_a_reason(study: Path, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="unblinded by statistician at 20") as refused:
        unblind(study, Settings.of(CONFIG), why="again", by="other")
    assert refused.value.code == "unblinded-already"
    with pytest.raises(Refusal) as refused:
        unblind(tmp_path / "other", Settings.of(CONFIG), why=" ", by="statistician")
    assert refused.value.code == "reason-missing"
    assert len(read(study)) == 1


def test_while_blind_readers_have_not_locked_their_verdicts_it_is_refused(tmp_path: Path) -> None:
    for bundle in ("KXW", "ZTV"):
        append(tmp_path, Event("bundled", "reader1", subject={"bundle": bundle}))
    append(tmp_path, Event("verdicts-locked", "reader1", subject={"bundle": "KXW"}, after={"sha256": "0"}))
    with pytest.raises(Refusal, match="bundle ZTV") as refused:
        unblind(tmp_path, Settings.of(CONFIG), why="locked", by="statistician")
    assert refused.value.code == "unblind-unread"
    entry = unblind(tmp_path, Settings.of(CONFIG), why="locked", by="statistician", anyway=True)
    assert entry.after["unread_bundles"] == ["ZTV"]
    assert unblinding(read(tmp_path)) == entry


def test_every_stage_before_quantify_is_part_of_what_an_analysis_is() -> None:
    config = standing(Settings.of(CONFIG))["analyses"]["primary"]
    before = list(RESULTS_VERSION)[: list(RESULTS_VERSION).index("quantify")]
    assert {"ingest", "segment", "align", "sample"} <= {*before} <= {*config}
