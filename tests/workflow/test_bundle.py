"""Readers get images under codes and nothing else; what they decide finds its scan only when it is locked."""

from __future__ import annotations

import gzip
import shutil
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from acquisitions import acquired
from studies import petproc

from petproc import layout
from petproc.audit.decisions import decisions
from petproc.audit.ledger import BEGINNING, Entry, problems, read
from petproc.core.errors import Refusal
from petproc.core.grid import Grid
from petproc.core.regions import LABEL_NAMES
from petproc.core.results import Segmentation
from petproc.core.tables import ScanRow
from petproc.core.volume import Labels, Volume
from petproc.io import read_json, read_labels, read_rows, read_volume, write_json, write_rows, write_volume
from petproc.workflow.bundle import CODES, FILES_DATE, KeyRow, ReadingRow, make_bundle
from petproc.workflow.handover.images import write_segmentation
from petproc.workflow.readings import join_readings, lock_readings
from petproc.workflow.study import init_study

PEOPLE, VISITS = ("Qx7Zperson", "Wv3Kperson"), ("baselineXQ", "followupXQ")
SCANS = [(person, visit) for person in PEOPLE for visit in VISITS]
DATES = ("2031-07-19", "20310719")
NEEDLES = [text.encode() for text in (*PEOPLE, *VISITS, "baseline", "followup", "perso", *DATES, "1.2.840.77")]
NAMES = ("PET", "CT", "PET_SIDECAR", "CT_SIDECAR", "LABELS", "LABEL_NAMES", "SEGMENTATION", "CENTRELINES")
GRID = Grid((8, 6, 6), np.diag([3.0, 3.0, 3.0, 1.0]))
WHEN = datetime(2031, 7, 19, 9, 0, tzinfo=UTC)
OK = {"status": "ok", "refusal": None, "findings": []}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with four scans, each with numbers of its own, and names and dates wherever they can be."""
    folder = tmp_path_factory.mktemp("bundle") / "study"
    init_study(folder)
    labels = np.zeros(GRID.shape, np.uint8)
    labels[:5] = np.arange(1, 6)[:, None, None]
    rows = [ScanRow(*one, "FDG", f"1.2.840.77.{n}", f"1.2.840.77.9{n}", "yes", DATES[0]) for n, one in enumerate(SCANS)]
    write_rows(folder / layout.SCANS, rows, ScanRow)
    for n, one in enumerate(SCANS):
        names = {"participant": one[0], "session": one[1], "backend": "classical"}
        place = {name: layout.path(getattr(layout, name), folder, **names) for name in NAMES}
        write_volume(place["PET"], Volume(np.full(GRID.shape, 500.5 + n), GRID, "Bq/mL"))
        write_volume(place["CT"], Volume(np.full(GRID.shape, 40 + n), GRID, "HU"))
        told = {
            **OK,
            "acquisition": acquired([WHEN] * GRID.shape[2], injection=WHEN).to_json(),
            "instance": f"1.2.840.77.{n}",
            "on": DATES,
        }
        write_json(place["PET_SIDECAR"], {"petproc": told})
        write_json(place["CT_SIDECAR"], {"petproc": told})
        files = SimpleNamespace(
            labels=place["LABELS"],
            label_names=place["LABEL_NAMES"],
            segmentation=place["SEGMENTATION"],
            centrelines=place["CENTRELINES"],
        )
        write_segmentation(files, Segmentation(Labels(np.roll(labels, n, 0), GRID, LABEL_NAMES), (), "classical"), OK)
    return folder


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "study")
    return tmp_path / "study"


def key_of(study: Path) -> dict[str, tuple[str, str]]:
    (path,) = (study / "decisions/bundles").glob("*.key.tsv")
    return {row.code: (row.participant, row.session) for row in read_rows(path, KeyRow)}


def test_nothing_of_participant_visit_or_date_is_in_any_byte_of_a_bundle(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "readers"
    make_bundle(study, out, by="sponsor")
    paths = sorted(out.rglob("*"))
    assert len([path for path in paths if path.suffix == ".gz"]) == 12
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        unpacked = gzip.decompress(content) if path.suffix == ".gz" else b""
        searched = b"\0".join((str(path.relative_to(out)).encode(), content, unpacked)).lower()
        assert [needle for needle in NEEDLES if needle.lower() in searched] == [], path.name
        if path.suffix == ".gz":
            assert content[3:8] == bytes(5), "the packed file has a name or a time"
            assert unpacked[148:228].strip(b"\0") == b"", "the header describes something"
    assert {path.stat().st_mtime for path in (out, *paths)} == {FILES_DATE}


def test_the_search_finds_what_the_study_holds(study: Path) -> None:
    sidecar = layout.path(layout.PET_SIDECAR, study, participant=PEOPLE[0], session=VISITS[0])
    assert any(needle in sidecar.read_bytes() for needle in NEEDLES)
    assert read_json(sidecar)["petproc"]["status"] == "ok"


def test_every_code_holds_the_images_of_its_scan(study: Path, tmp_path: Path) -> None:
    make_bundle(study, tmp_path / "readers", by="sponsor")
    key = key_of(study)
    assert sorted(key.values()) == sorted(SCANS)
    for code, (person, visit) in key.items():
        folder = tmp_path / "readers" / code
        names = {"participant": person, "session": visit, "backend": "classical"}
        for name, template, unit in (("pet", layout.PET, "Bq/mL"), ("ct", layout.CT, "HU")):
            mine = read_volume(folder / f"{name}.nii.gz", unit)
            theirs = read_volume(layout.path(template, study, **names), unit)
            assert np.array_equal(mine.data, theirs.data)
            assert mine.grid.matches(theirs.grid)
        labels: Labels = read_labels(folder / "labels.nii.gz", {})
        assert np.array_equal(labels.data, read_labels(layout.path(layout.LABELS, study, **names), {}).data)


def test_only_its_owner_can_read_the_key_and_the_ledger_does_not_hold_it(study: Path, tmp_path: Path) -> None:
    entry = make_bundle(study, tmp_path / "readers", by="sponsor")
    (path,) = (study / "decisions/bundles").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(person in (study / layout.LEDGER).read_text() for person in PEOPLE)
    assert sorted(entry.after["codes"]) == entry.after["codes"] == list(key_of(study))


def test_the_same_seed_gives_the_same_codes_and_no_seed_others(made: Path, tmp_path: Path) -> None:
    keys = []
    for n, seed in enumerate((5, 5, 6, None, None)):
        shutil.copytree(made, tmp_path / f"study{n}")
        make_bundle(tmp_path / f"study{n}", tmp_path / f"readers{n}", seed=seed, by="sponsor")
        keys.append(key_of(tmp_path / f"study{n}"))
    assert keys[0] == keys[1]
    codes = [frozenset(key) for key in keys[1:]]
    assert len(set(codes)) == len(codes)
    files = [sorted((tmp_path / f"readers{n}").rglob("*.*")) for n in (0, 1)]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]
    with pytest.raises(Refusal, match="bundle-seed-used"):
        make_bundle(tmp_path / "study0", tmp_path / "again", seed=5, by="sponsor")


def test_a_scan_that_was_refused_is_in_no_bundle(study: Path, tmp_path: Path) -> None:
    names = {"participant": PEOPLE[0], "session": VISITS[0], "backend": "classical"}
    write_json(layout.path(layout.SEGMENTATION, study, **names), {**OK, "status": "refused"})
    make_bundle(study, tmp_path / "readers", by="sponsor")
    assert sorted(key_of(study).values()) == sorted(SCANS[1:])


def test_what_cannot_be_bundled_is_refused(study: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").touch()
    with pytest.raises(Refusal, match="bundle-folder-not-empty"):
        make_bundle(study, tmp_path / "full", by="sponsor")
    with pytest.raises(Refusal, match="analysis-unknown"):
        make_bundle(study, tmp_path / "out", analysis="other", by="sponsor")
    shutil.rmtree(study / "results")
    with pytest.raises(Refusal, match="bundle-of-nothing"):
        make_bundle(study, tmp_path / "out", by="sponsor")
    assert not (study / "decisions/bundles").exists()


# verdicts come back ---------------------------------------------------------------------------------------------------


@pytest.fixture
def read_blind(study: Path, tmp_path: Path) -> SimpleNamespace:
    """A study, and the table of its bundle as a reader filled it in: of the first code the arch is rejected, of the
    last the ascending aorta released."""
    make_bundle(study, tmp_path / "readers", seed=3, by="sponsor")
    rows = read_rows(tmp_path / "readers" / CODES, ReadingRow)
    first, last = rows[0].code, rows[-1].code
    assert first != last
    rows = [filled(row, first, "aortic_arch", "rejected", "motion", "blurred") for row in rows]
    rows = [filled(row, last, "ascending_aorta", "released", None, "fits") for row in rows]
    write_rows(tmp_path / "codes.tsv", rows, ReadingRow)
    return SimpleNamespace(study=study, table=tmp_path / "codes.tsv", rows=rows, codes=(first, last))


def filled(row: ReadingRow, code: str, region: str, *said: str | None) -> ReadingRow:
    here = (row.code, row.region) == (code, region)
    return replace(row, verdict=said[0], reason=said[1], why=said[2]) if here else row


def test_verdicts_find_their_scans_after_they_are_locked(read_blind: SimpleNamespace) -> None:
    study, key = read_blind.study, key_of(read_blind.study)
    locked = lock_readings(study, read_blind.table, by="reader1")
    assert decisions(read(study)).verdicts == ()
    join_readings(study, locked)
    arch, ascending = decisions(read(study)).verdicts
    assert (arch.participant, arch.session) == key[read_blind.codes[0]]
    assert (arch.region, arch.judgement, arch.code, arch.who) == ("aortic_arch", "rejected", "motion", "reader1")
    assert (ascending.participant, ascending.session) == key[read_blind.codes[1]]
    assert (ascending.region, ascending.judgement) == ("ascending_aorta", "released")
    assert ascending.why == f"fits (read blind as {read_blind.codes[1]}, ledger entry {locked.entry})"
    assert [entry.what for entry in read(study)] == ["bundled", "verdicts-locked", "verdict", "verdict"]
    assert problems(study) == []


def test_joining_what_is_not_locked_is_impossible(read_blind: SimpleNamespace) -> None:
    study = read_blind.study
    (bundled,) = read(study)
    after = {"readings": str(read_blind.table), "sha256": "0" * 64}
    forged = Entry(2, "", "verdicts-locked", "reader1", "", bundled.subject, None, after, "", BEGINNING)
    for entry in (forged, bundled):
        with pytest.raises(Refusal, match="readings-not-locked"):
            join_readings(study, entry)
    assert read(study) == (bundled,)


def test_verdicts_and_key_that_change_after_the_lock_are_refused(read_blind: SimpleNamespace) -> None:
    study = read_blind.study
    locked = lock_readings(study, read_blind.table, by="reader1")
    kept, (key,) = study / locked.after["readings"], (study / "decisions/bundles").glob("*.key.tsv")
    before = kept.read_bytes()
    kept.write_bytes(before.replace(b"rejected\tmotion", b"released\tmotion"))
    with pytest.raises(Refusal, match="readings-damaged"):
        join_readings(study, locked)
    kept.write_bytes(before)
    key.write_text("\n".join([key.read_text().splitlines()[0]]))
    with pytest.raises(Refusal, match="bundle-key-damaged"):
        join_readings(study, locked)
    assert decisions(read(study)).verdicts == ()


def test_a_join_that_was_cut_short_goes_on_where_it_stopped(
    read_blind: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    study, locked = read_blind.study, lock_readings(read_blind.study, read_blind.table, by="reader1")
    with monkeypatch.context() as patched:
        patched.setattr("petproc.workflow.readings.release", stop)
        with pytest.raises(KeyboardInterrupt):
            join_readings(study, locked)
    assert lock_readings(study, read_blind.table, by="reader1") == locked
    assert len(join_readings(study, locked)) == 1
    assert join_readings(study, locked) == []
    assert len(decisions(read(study)).verdicts) == 2


def test_a_reader_locks_one_table_and_another_reader_another(read_blind: SimpleNamespace) -> None:
    first = lock_readings(read_blind.study, read_blind.table, by="reader1")
    other = [filled(row, read_blind.codes[0], "aortic_arch", None, None, None) for row in read_blind.rows]
    write_rows(read_blind.table, other, ReadingRow)
    with pytest.raises(Refusal, match="readings-locked"):
        lock_readings(read_blind.study, read_blind.table, by="reader1")
    assert lock_readings(read_blind.study, read_blind.table, by="reader2").entry == first.entry + 1


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        ({"bundle": "XXXXXXXXXX"}, "readings-of-no-bundle"),
        ({"code": "XXXXXX"}, "readings-code-unknown"),
        ({"region": "aorta"}, "readings-code-unknown"),
        ({"verdict": "good", "why": "it is"}, "readings-row"),
        ({"verdict": "released"}, "readings-row"),
        ({"verdict": "rejected", "why": "no", "reason": "ugly"}, "readings-row"),
    ],
)
def test_verdicts_not_made_for_this_bundle_are_refused_before_the_lock(
    read_blind: SimpleNamespace, edit: dict[str, str], code: str
) -> None:
    rows = [replace(read_blind.rows[0], verdict=None, reason=None, why=None), *read_blind.rows[1:]]
    write_rows(read_blind.table, [replace(rows[0], **edit), *rows[1:]], ReadingRow)
    with pytest.raises(Refusal, match=code):
        lock_readings(read_blind.study, read_blind.table, by="reader1")
    assert [entry.what for entry in read(read_blind.study)] == ["bundled"]


def test_a_row_given_twice_and_a_missing_table_are_refused(read_blind: SimpleNamespace) -> None:
    write_rows(read_blind.table, [*read_blind.rows, read_blind.rows[0]], ReadingRow)
    with pytest.raises(Refusal, match="readings-row"):
        lock_readings(read_blind.study, read_blind.table, by="reader1")
    with pytest.raises(Refusal, match="readings-missing"):
        lock_readings(read_blind.study, read_blind.table.with_name("other.tsv"), by="reader1")


def test_the_command_line_locks_and_joins_in_one_go(read_blind: SimpleNamespace) -> None:
    said = petproc("bundle", read_blind.study, read_blind.table, "--join", "--by", "reader1")
    assert said.returncode == 0, said.stdout
    assert "2 verdicts recorded" in said.stdout
    assert petproc("bundle", read_blind.study, read_blind.table).returncode != 0
