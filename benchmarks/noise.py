"""What noise does to TBR and blood pool, by its level, the size of the vessel and that of the PET's voxels.

    .venv/bin/python benchmarks/noise.py [--realisations 6] [--jobs 2]

One phantom person in four sizes, lying in two ways, at voxels of 4 x 4 x 3 mm with 5, 10 and 15 % noise in the liver;
in size M with 10 % also at five other voxels. Every PET is sampled and quantified with default settings and true
masks, and compared with the perfect reader (`petproc.reference`) of the same PET without noise. A last table reads the
perfect reader's slices under simpler kinds of noise, which tells why the phantom's does what it does.

Prints the tables of `docs/noise.md`, always the same ones. The exit status is 1 where a number is refused, where the
chain without noise is off, or where the noise is not what was asked for.
"""

from __future__ import annotations

import argparse
import sys
import time

from noisy.design import Group, groups
from noisy.kinds import Look, by_kind, looked, looks
from noisy.measured import measured
from noisy.tables import certainty, checks, tables
from vessels.part import each

REALISATIONS = 6


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--realisations", type=int, default=REALISATIONS, help=f"of each noise, twice as many at 10 %% ({REALISATIONS})"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    chosen = parser.parse_args()
    began = time.monotonic()
    found = each(measured, groups(chosen.realisations), title="noise", jobs=chosen.jobs, words=Group.words)
    seen = each(looked, looks(chosen.realisations), title="kinds", jobs=chosen.jobs, words=Look.words)
    for heading, table in [*tables(found), ("By kind of noise: mean SUVmax", by_kind(seen))]:
        print(f"\n### {heading}\n\n{table.markdown()}")
    noisy = sum(scan.cov > 0 for one in found for scan in one.scans)
    print(f"\n{noisy} scans with noise, {sum(len(one.scans) for one in found) - noisy} without. {certainty(found)}\n")
    done = checks(found)
    for check in done:
        print(f"{'reached' if check.reached else 'MISSED '}  {check.what}: {check.found} (bar {check.bar})")
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0 if all(check.reached for check in done) else 1


if __name__ == "__main__":
    sys.exit(main())
