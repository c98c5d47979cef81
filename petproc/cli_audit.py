"""Commands of those who ask where a number comes from, and of those who decide: thin, as in `cli`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StudyArgument = Annotated[Path, typer.Argument(help="Folder of the study.", show_default=False)]
Participant = Annotated[str, typer.Argument(show_default=False)]
Session = Annotated[str, typer.Argument(show_default=False)]
RegionName = Annotated[str, typer.Argument(metavar="REGION", show_default=False)]
Why = Annotated[str, typer.Option("--why", help="The reason, kept in the ledger.", show_default=False)]
By = Annotated[
    str | None, typer.Option("--by", help="Who decides: a name or code (else PETPROC_BY, else the account).")
]
Code = Annotated[str, typer.Option("--code", help="What is there: node, oesophagus, brown-fat, stent, motion, ...")]
AsJson = Annotated[bool, typer.Option("--json", help="Print everything as JSON.")]

verdicts = typer.Typer(
    help="Record what a reader decides; nothing in results/ is edited by hand.", no_args_is_help=True
)


def explain(
    study: StudyArgument,
    participant: Participant,
    session: Session,
    region: RegionName,
    metric: Annotated[str, typer.Argument()] = "mean_tbr_max",
    analysis: Annotated[str, typer.Option(help="Analysis whose number it is.")] = "primary",
    as_json: AsJson = False,
) -> None:
    """Explain a number: its formula in numbers, voxels, DICOM images, SUV, settings, decisions, earlier values.

    [bold]Example[/]: petproc explain trial P001 baseline ascending_aorta mean_tbr_max --json
    """
    import json

    from petproc.audit.explanation import explanation
    from petproc.workflow.evidence import evidence_of
    from petproc.workflow.said_number import print_explanation

    told = explanation(evidence_of(study, (participant, session, region, metric), analysis))
    if as_json:
        print(json.dumps(told, indent=2, allow_nan=False))
    else:
        print_explanation(told)


def diff(
    study: StudyArgument,
    a: Annotated[str, typer.Argument(help="An analysis, or NAME@ENTRY as a run of the ledger left it.")],
    b: Annotated[str, typer.Argument(help="Another one.")],
    metric: Annotated[str, typer.Option(help="The number that is compared.")] = "mean_tbr_max",
    explained: Annotated[bool, typer.Option(help="Apply each differing setting alone.")] = True,
) -> None:
    """Compare two analyses, or two runs of one: settings, numbers, index vessels, and the setting that explains most.

    [bold]Examples[/]: petproc diff trial primary cut16 · petproc diff trial primary@4 primary
    """
    from petproc.workflow.answers import print_answers

    print_answers(study, (a, b), metric=metric, explained=explained)


def history(study: StudyArgument) -> None:
    """List every run and decision: when, who, what, why, and which tables each run left.

    [bold]Example[/]: petproc history trial
    """
    from petproc.audit.history import publications
    from petproc.audit.ledger import read
    from petproc.workflow.said import print_history

    entries = read(study)
    print_history(entries, publications(entries))


def recall(
    study: StudyArgument,
    digest: Annotated[str, typer.Argument(help="Hash, or its beginning, as petproc history prints it.")],
) -> None:
    """Print a table as an earlier run left it.

    [bold]Example[/]: petproc recall trial 3f2a9c41d0aa > change-before.tsv
    """
    from petproc.audit.history import publications, recall_by_start
    from petproc.audit.ledger import read

    print(recall_by_start(study, digest, publications(read(study))).decode("utf-8"), end="")


def edit(
    study: StudyArgument,
    participant: Participant,
    session: Session,
    mask: Annotated[
        Path, typer.Argument(help="NIfTI with our label values, or SEG or RTSTRUCT with our region names.")
    ],
    why: Why,
    backend: Annotated[str, typer.Option(help="Whose masks were edited.")] = "classical",
    by: By = None,
) -> None:
    """Take masks that were changed in 3D Slicer, ITK-SNAP or any editor; the earlier ones are kept.

    [bold]Example[/]: petproc edit trial P001 baseline edited.nii.gz --why "leaked into the vein" --by reader1
    """
    from petproc.workflow.edit import edit, print_edit

    recorded = edit(study, (participant, session), mask, backend=backend, why=why, by=by)
    print_edit(recorded)
    _said(recorded.entry.entry)


def verify(
    study: StudyArgument,
    number: Annotated[
        tuple[str, str, str, str] | None,
        typer.Option(
            metavar="PARTICIPANT SESSION REGION METRIC", help="Recompute this number too.", show_default=False
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Recompute every number too.")] = False,
    analysis: Annotated[
        str | None, typer.Option(help="Of this analysis alone: --number primary, --all every one.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that everything still follows: files by their hashes, the ledger, settings, and numbers from the DICOM.

    Status 1 where anything deviates. [bold]Examples[/]: petproc verify trial · petproc verify trial --all
    · petproc verify trial --number P001 baseline ascending_aorta mean_tbr_max
    """
    import json

    from petproc.workflow.display import bar
    from petproc.workflow.verify import verify_files, verify_numbers
    from petproc.workflow.verify_said import as_json as plain_json
    from petproc.workflow.verify_said import print_verification

    with bar("checking files") as show:
        found = verify_files(study, show)
    if every or number:
        with bar("recomputing") as show:
            verify_numbers(study, found, number, analysis or (None if every else "primary"), show)
    if as_json:
        print(json.dumps(plain_json(found), indent=2, allow_nan=False))
    else:
        print_verification(found)
    raise typer.Exit(0 if found.holds else 1)


def bundle(
    study: StudyArgument,
    path: Annotated[Path, typer.Argument(help="Folder to make; with --join a filled-in codes.tsv.")],
    blind: Annotated[bool, typer.Option("--blind", help="Scans for readers, under random codes.")] = False,
    join: Annotated[bool, typer.Option("--join", help="Lock the verdicts, then join them to their scans.")] = False,
    analysis: Annotated[str, typer.Option(help="Analysis whose labels and regions are read.")] = "primary",
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same codes; keep it from readers.")] = None,
    by: By = None,
) -> None:
    """Give scans to readers who know neither participant nor visit, and take their verdicts back.

    [bold]Examples[/]: petproc bundle trial readers/ --blind · petproc bundle trial codes.tsv --join --by reader1
    """
    from petproc.workflow.bundle import make_bundle
    from petproc.workflow.readings import join_readings, lock_readings

    if blind == join:
        raise typer.BadParameter("Give --blind to make a bundle, or --join to take verdicts back.")
    if blind:
        made = make_bundle(study, path, analysis=analysis, seed=seed, by=by)
        print(f"{len(made.after['codes'])} scans are in {path}; the key stays in the study. Entry {made.entry}.")
        return
    locked = lock_readings(study, path, by=by)
    print(f"The verdicts are locked by entry {locked.entry}.")
    print(f"{len(join_readings(study, locked))} verdicts recorded. Next: petproc plan {study}, petproc run {study}")


def unblind(
    study: StudyArgument,
    why: Why,
    by: By = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Though a bundle has no locked verdicts.")] = False,
) -> None:
    """Record that the study is unblinded: an analysis that is added or changed from now on is exploratory.

    No arm is recorded. [bold]Example[/]: petproc unblind trial --why "database locked" --by statistician
    """
    from petproc.workflow.decide import unblind

    entry = unblind(study, why=why, by=by, anyway=anyway)
    print(f"Recorded as entry {entry.entry} with {len(entry.after['analyses'])} analyses as they stand.")


@verdicts.command()
def release(
    study: StudyArgument, participant: Participant, session: Session, region: RegionName, why: Why, by: By = None
) -> None:
    """Let a region be measured that the gate sends to review.

    [bold]Example[/]: petproc verdict release trial P001 baseline aortic_arch --why "outline is right" --by reader1
    """
    from petproc.audit import decisions
    from petproc.workflow.decide import place

    _said(decisions.release(study, place(study, participant, session, region), why=why, by=by).entry)


@verdicts.command()
def reject(
    study: StudyArgument,
    participant: Participant,
    session: Session,
    region: RegionName,
    why: Why,
    code: Code = "segmentation",
    by: By = None,
) -> None:
    """Let a region not be measured, whatever the gate says.

    [bold]Example[/]: petproc verdict reject trial P001 followup left_common_carotid --why "in the jugular" --by reader1
    """
    from petproc.audit import decisions
    from petproc.workflow.decide import place

    _said(decisions.reject(study, place(study, participant, session, region), code=code, why=why, by=by).entry)


@verdicts.command("exclude-arc")
def exclude_arc(
    study: StudyArgument,
    participant: Participant,
    region: RegionName,
    start: Annotated[float, typer.Option("--from", help="mm along the vessel from its landmark, + with the flow.")],
    stop: Annotated[float, typer.Option("--to", help="mm")],
    why: Why,
    code: Code = "other",
    by: By = None,
) -> None:
    """Leave a range of a vessel out at both visits: a node, the oesophagus, brown fat, a stent.

    [bold]Example[/]: petproc verdict exclude-arc trial P001 descending_aorta --from 40 --to 55 --code node --why "node"
    """
    from petproc.audit import decisions
    from petproc.workflow.decide import place

    where = place(study, participant, region=region)
    _said(decisions.exclude_arc(study, where, (start, stop), code=code, why=why, by=by).entry)


@verdicts.command("exclude-scan")
def exclude_scan(study: StudyArgument, participant: Participant, session: Session, why: Why, by: By = None) -> None:
    """Leave a scan out.

    [bold]Example[/]: petproc verdict exclude-scan trial P001 followup --why "paravenous injection" --by reader1
    """
    from petproc.audit import decisions
    from petproc.workflow.decide import place

    _said(decisions.exclude_scan(study, place(study, participant, session), why=why, by=by).entry)


@verdicts.command()
def override(
    study: StudyArgument,
    participant: Participant,
    session: Session,
    finding: Annotated[str, typer.Argument(help="Code of the finding.")],
    why: Why,
    by: By = None,
) -> None:
    """Let a finding stand that somebody has looked at.

    [bold]Example[/]: petproc verdict override trial P001 baseline uptake-time-early --why "protocol deviation 7"
    """
    from petproc.audit import decisions
    from petproc.workflow.decide import place

    _said(decisions.override(study, place(study, participant, session), finding, why=why, by=by).entry)


@verdicts.command()
def withdraw(
    study: StudyArgument, entry: Annotated[int, typer.Argument(help="Its number.")], why: Why, by: By = None
) -> None:
    """Take the effect from an earlier decision; it stays in the ledger.

    [bold]Example[/]: petproc verdict withdraw trial 12 --why "wrong participant"
    """
    from petproc.audit import decisions

    _said(decisions.withdraw(study, entry, why=why, by=by).entry)


def _said(entry: int) -> None:
    print(f"Recorded as entry {entry}. Next: petproc plan STUDY shows what it changes, petproc run makes it.")
