"""How accurate the vessels are, how well the gate knows it, and what it costs: `make accuracy`.

    .venv/bin/python benchmarks/segmentation.py [--only PART ...] [--jobs 2] [--pictures FOLDER]

Parts: `phantom` (sizes S to XL, fat and lean, CT noise of 20 and 35 HU, six seeds), `depth` (cylinders and cones),
`reference` and `real` (CTs of others in `../shared/data`, left out with a word where they are absent), `orientation`
(the same CT stored otherwise and turned), `carotid` (two reader points), `speed` (512 x 512 x 300 and x 1200).
Prints tables for the README and every bar. The exit status is 1 where one is missed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from vessels.part import Options, Part

PARTS = ("phantom", "depth", "reference", "real", "orientation", "carotid", "speed")
DATA = Path(__file__).parents[1] / "../shared/data"
SEEDS = (901, 902, 903, 904, 905, 906)
"""Looked at first when everything was settled; 101 to 106 and 701 to 706 were seen while limits were chosen."""
SIZES = ("S", "M", "L", "XL")


def main() -> int:
    told = _arguments()
    options = Options(told.jobs, told.data, told.pictures, tuple(told.seeds), tuple(told.sizes))
    done = []
    for name in told.only:
        done.append(importlib.import_module(f"vessels.{name}").run(options))
        print(_words(done[-1]), flush=True)
    checks = [check for part in done for check in part.checks]
    missed = [check for check in checks if not check.reached]
    print(f"{len(checks) - len(missed)} of {len(checks)} bars reached.")
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--pictures", type=Path, help="folder for overlays of the real CTs")
    parser.add_argument("--data", type=Path, default=DATA, help="where the CTs of others are")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of the phantoms (901 to 906)")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=SIZES, help="of the phantoms (all)")
    return parser.parse_args()


def _words(part: Part) -> str:
    lines = [f"\n## {part.title}\n"]
    lines += [f"{table.markdown()}\n" for table in part.tables if table.rows]
    lines += part.notes
    lines += [
        f"{'reached' if check.reached else 'MISSED '}  {check.what}: {check.found} (bar {check.bar})"
        for check in part.checks
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
