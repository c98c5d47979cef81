"""Snakemake in a child of a process that has imported it already: a dry run then takes a third of the time."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["snakemake.cli", "petproc.workflow.plan"])


def snakemake(*arguments: str, output: Path) -> tuple[int, str]:
    """Exit status of the command line with `arguments`, and everything that it said."""
    child = SERVER.Process(target=_main, args=(list(arguments), output))
    child.start()
    child.join()
    return child.exitcode or 0, output.read_text()


def _main(arguments: list[str], output: Path) -> None:
    from snakemake.cli import main

    with output.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        try:
            main(arguments)
        except SystemExit as end:
            with contextlib.suppress(ValueError):
                sys.stdout.flush()
            if isinstance(end.code, str):
                os.write(2, end.code.encode())
            os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))
