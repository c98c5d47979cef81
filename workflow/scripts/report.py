from petproc import __version__
from petproc.report import render
from petproc.settings import Analysis, ReportSettings
from petproc.workflow.handover.tables import read_content
from petproc.workflow.job import job

with job(snakemake, "report") as run:
    analysis = Analysis.model_validate(run.params["analysis"])
    page = render(
        read_content(run.input, run.scans, analysis.backends, run.params["exploratory"]),
        title=run.settings(ReportSettings).title,
        name=run.params["name"],
        analysis=analysis,
        version=__version__,
    )
    run.output.report.write_text(page, encoding="utf-8")
