from petproc import __version__
from petproc.report import render
from petproc.settings import Analysis, ReportSettings
from petproc.workflow.handover.tables import read_content
from petproc.workflow.handover.way_back import read_way_back
from petproc.workflow.job import job

with job(snakemake, "report") as run:
    analysis, name = Analysis.model_validate(run.params["analysis"]), run.params["name"]
    told = read_way_back(run.input, run.scans, (name, analysis), run.params["decided"])
    page = render(
        read_content(run.input, run.scans, analysis, exploratory=run.params["exploratory"], way_back=told),
        title=run.settings(ReportSettings).title,
        name=name,
        analysis=analysis,
        version=__version__,
    )
    run.output.report.write_text(page, encoding="utf-8")
