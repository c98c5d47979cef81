from petproc.core.tables import UptakeRow
from petproc.io import read_rows, write_rows
from petproc.report import CompleteRow, completeness
from petproc.workflow.job import job
from petproc.workflow.state import require_complete

with job(snakemake, "complete") as run:
    tables = {name: read_rows(path, UptakeRow) for name, path in zip(run.params["analyses"], run.input.uptake)}
    rows, _ = completeness(run.scans, tables)
    require_complete(rows)
    write_rows(run.output.complete, rows, CompleteRow)
