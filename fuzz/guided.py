"""Guided by coverage (atheris): bytes that reach new lines of the reading are kept and damaged further.

    .venv/bin/python fuzz/guided.py [--seconds 120] [--seed 1]      needs: .venv/bin/pip install atheris

Header, frames and pixels of one file, and the listing and reading of one archive; the corpus are the twins in every
transfer syntax, as multi-frame objects and in archives. The exit status is not 0 where an input does anything but be
read or called bad; the input is kept in .cache/fuzz/. Where atheris is absent this says so and ends with 0.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
LIMIT_MB, SECONDS_EACH, LONGEST = 2048, 10, 1 << 16
MEMBERS = 60
"""So many members of an archive are read."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    try:
        import atheris
    except ImportError:
        print("atheris is not installed (.venv/bin/pip install atheris): the half guided by coverage is left out.")
        return
    with atheris.instrument_imports(include=["petproc.dicom", "petproc.ingest"]):
        import targets

    kept = ROOT / ".cache" / "fuzz"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "corpus").mkdir()
        for number, content in enumerate(corpus(told.seed)):
            (work / "corpus" / f"{number:03d}").write_bytes(content)

        def one(content: bytes) -> None:
            targets.one_file(content)
            if targets.kind_of(content[:512]):
                targets.one_archive(content, work / "archive", MEMBERS)

        options = [f"-max_total_time={told.seconds}", f"-timeout={SECONDS_EACH}", f"-rss_limit_mb={LIMIT_MB}"]
        options += [f"-max_len={LONGEST}", f"-seed={told.seed}", "-print_final_stats=1", f"-artifact_prefix={kept}/"]
        atheris.Setup([sys.argv[0], *options, str(work / "corpus")], one)
        atheris.Fuzz()


def corpus(seed: int) -> list[bytes]:
    """Sound objects and archives of them, small ones."""
    from objects import SYNTAXES, multi_frame, series, stranger
    from packing import packed, tarred, zipped

    found = [series(modality, syntax)[2] for modality in ("PT", "CT") for syntax in SYNTAXES]
    found += [multi_frame(modality, kind) for modality in ("PT", "CT") for kind in ("enhanced", "legacy")]
    files = {"a/1.dcm": stranger("CT"), "b": b"words"}
    chance = Random(seed)
    archives = [pack(files, chance) for pack in (zipped, tarred, packed) for _ in range(4)]
    return [*found, *archives, *(zipped({"inner": inner}, chance) for inner in archives[:4])]


if __name__ == "__main__":
    main()
