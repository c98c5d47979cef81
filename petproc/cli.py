"""The command line: thin, each command a call into the library. Heavy modules are imported by the command that needs
them. A refusal is printed in words and ends with status 1; a bug shows its traceback."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import petproc
from petproc import cli_audit, layout
from petproc.core.errors import Refusal

app = typer.Typer(
    name="petproc",
    help="From a delivery of DICOM PET/CT to the change of vessel inflammation, with every number traceable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

MEASURE, ASK, DECIDE, CHECK = (
    "Measure",
    "Ask where a number comes from",
    "Decide, with the reason kept",
    "Try and check",
)
"""Panels of the help, in the order of a study's life."""
StudyOption = Annotated[Path, typer.Argument(help="Folder of the study.", show_default="the current folder")]
HERE = Path()


def main() -> None:
    try:
        app()
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"petproc {petproc.__version__}")
        raise typer.Exit


@app.callback()
def _petproc(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(rich_help_panel=MEASURE)
def init(
    study: Annotated[Path, typer.Argument(help="Folder to make.")],
    example: Annotated[
        str | None, typer.Option(help="Settings to begin with: ivory (ascending aorta and both carotids).")
    ] = None,
) -> None:
    """Make a study: a folder with settings and a table of scans, both to be filled in.

    [bold]Examples[/]: petproc init trial · petproc init trial --example ivory
    """
    from petproc.workflow.study import init_study

    init_study(study, example)
    print(f"{study} is a study now. Next: petproc inventory {study} DELIVERY...")


@app.command(rich_help_panel=MEASURE)
def inventory(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[STUDY] DELIVERY...", help="Folders or zips of DICOM, after the study (else the current folder)."
        ),
    ],
    keep_ids: Annotated[
        bool, typer.Option("--keep-ids", help="Name participants by PatientID (coded deliveries only).")
    ] = False,
    tracer: Annotated[
        str | None, typer.Option(help="Tracer of the deliveries.", show_default="that of the study's config")
    ] = None,
) -> None:
    """Propose a row of config/scans.tsv for every PET/CT of a delivery; rows already there are not touched.

    [bold]Examples[/]: petproc inventory trial site-a.zip site-b/ · petproc inventory ../delivery
    """
    from petproc.ingest.inventory import take_inventory
    from petproc.ingest.summary import print_summary
    from petproc.workflow.display import bar
    from petproc.workflow.plan import require_study

    study, deliveries = (paths[0], paths[1:]) if len(paths) > 1 else (HERE, paths)
    require_study(study)
    with bar("reading headers") as show:
        report = take_inventory(study, deliveries, keep_ids=keep_ids, tracer=tracer, progress=show)
    print_summary(report)
    print(f"Please review {study / 'config/scans.tsv'}. Next: petproc run {study}")


@app.command(rich_help_panel=CHECK)
def suv(
    path: Annotated[
        Path, typer.Argument(metavar="SERIES", help="A file, folder or archive of a PET series.", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
    series: Annotated[
        str | None, typer.Option(metavar="UID", help="SeriesInstanceUID, where there are several PET series.")
    ] = None,
) -> None:
    """Show how SUV follows from the headers of a PET series, or why it does not: its derivation card.

    No pixel is read. Where SUV by body weight is not known the card says why, and the exit status is 1.

    [bold]Examples[/]: petproc suv delivery/pet/ · petproc suv site-a.zip --series 1.2.840.1 --json
    """
    import json

    from petproc.ingest.card import series_card

    card = series_card(path, series)
    if as_json:
        print(json.dumps(card, indent=2, allow_nan=False))
    else:
        from petproc.workflow.suv_card import print_card

        print_card(card)
    raise typer.Exit(0 if card["status"] == "ok" else 1)


@app.command(rich_help_panel=CHECK)
def phantom(
    out: Annotated[Path, typer.Argument(help="Folder to write to.")],
    participants: Annotated[int, typer.Option(min=1, help="How many people, each with two visits.")] = 4,
    effect: Annotated[float, typer.Option(help="Planted mean change of the index vessel, -0.08 is -8 %.")] = -0.08,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 1,
    changes: Annotated[
        str | None, typer.Option(help="Planted change of each participant, joined with commas, in place of --effect.")
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option(min=0, help="Coefficient of variation in the liver; 0 for none.", show_default="0.015"),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Scans made at the same time.")] = 2,
) -> None:
    """Write a digital trial with known answers: DICOM PET/CT of made-up people, before and after treatment.

    [bold]Examples[/]: petproc phantom out --participants 10 --effect -0.08 --seed 3
    · petproc phantom out --participants 2 --changes=-0.24,0.04
    """
    from petproc.phantom import write_trial
    from petproc.phantom.scan import LIVER_COV
    from petproc.workflow.display import bar

    planted = tuple(float(change) for change in changes.split(",")) if changes else None
    with bar("writing scans") as show:
        write_trial(
            out,
            participants=participants,
            effect=effect,
            seed=seed,
            changes=planted,
            noise=LIVER_COV if noise is None else noise,
            threads=threads,
            progress=show,
        )
    print(f"Delivery: {out / 'dicom'}. Truth: {out / 'truth'}")


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}, rich_help_panel=MEASURE
)
def run(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[STUDY] [SNAKEMAKE OPTIONS]", help="See snakemake --help.")
    ] = None,
) -> None:
    """Measure every scan of a study and make its tables and report; what is up to date is not made again.

    [bold]Examples[/]: petproc run trial · petproc run trial --cores 8 · petproc run -n (what would be done)
    """
    from petproc.workflow.run import only_plans, run_study
    from petproc.workflow.state import print_summary

    first, *rest = arguments or [""]
    study, options = (Path(first), rest) if first and not first.startswith("-") else (HERE, arguments or [])
    status = run_study(study.resolve(), options)
    if not only_plans(options):
        print_summary(study)
    raise typer.Exit(status)


@app.command(rich_help_panel=DECIDE)
def points(
    study: Annotated[Path, typer.Argument(help="Folder of the study.")],
    markups: Annotated[Path, typer.Argument(help="Points of one vessel, saved by 3D Slicer (.mrk.json).")],
    participant: Annotated[str, typer.Option(help="As in config/scans.tsv.")],
    session: Annotated[str, typer.Option(help="As in config/scans.tsv.")],
    region: Annotated[str, typer.Option(help="The vessel: left_common_carotid, ...")],
    reader: Annotated[str | None, typer.Option(help="Who set them, by code.")] = None,
) -> None:
    """Add a reader's points in a vessel to config/points.tsv, for the seeded backend.

    A point whose label holds the word bifurcation is that of its carotid. Rows that are there are never changed.

    [bold]Example[/]: petproc points trial left.mrk.json --participant 01 --session baseline --region left_iliac
    """
    from petproc.workflow.markups import add_points

    count = add_points(study, markups, scan=(participant, session), region=region, reader=reader)
    print(f"{count} points added to {layout.path(layout.POINTS, study)}.")


@app.command(rich_help_panel=MEASURE)
def plan(study: StudyOption = HERE) -> None:
    """Print what a run would do and why: what is made, what is reused, what opens an image. Nothing is run.

    [bold]Example[/]: petproc plan trial
    """
    from petproc.workflow.run import preview_study

    raise typer.Exit(preview_study(study.resolve()))


@app.command(rich_help_panel=MEASURE)
def status(study: StudyOption = HERE) -> None:
    """Print what was measured of every scan, what was refused and why, and where the reports are.

    [bold]Example[/]: petproc status trial
    """
    from petproc.workflow.state import print_summary

    print_summary(study)


@app.command(rich_help_panel=CHECK)
def check(
    study: Annotated[Path, typer.Argument(help="Study that measured the phantom.")],
    phantom: Annotated[Path, typer.Argument(help="Folder that petproc phantom wrote.")],
    tolerance: Annotated[float, typer.Option(min=0, help="Largest difference allowed, percentage points.")] = 3.0,
) -> None:
    """Compare the measured change of each participant of a digital trial with the true one.

    [bold]Example[/]: petproc check trial out
    """
    from petproc.workflow.check import print_check

    raise typer.Exit(0 if print_check(study, phantom, tolerance) else 1)


@app.command(rich_help_panel=CHECK)
def selftest() -> None:
    """Write reference objects of known SUV, measure them, and print expected and measured; status 1 if any is wrong.

    [bold]Example[/]: petproc selftest
    """
    from petproc.phantom.selftest import print_selftest

    raise typer.Exit(0 if print_selftest() else 1)


for command in (cli_audit.explain, cli_audit.diff, cli_audit.history, cli_audit.recall, cli_audit.verify):
    app.command(rich_help_panel=ASK)(command)
for decision in (cli_audit.edit, cli_audit.bundle, cli_audit.unblind):
    app.command(rich_help_panel=DECIDE)(decision)
app.add_typer(cli_audit.verdicts, name="verdict", rich_help_panel=DECIDE)
