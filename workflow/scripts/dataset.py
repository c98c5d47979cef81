from petproc import __version__
from petproc.ingest.dataset import raw_dataset
from petproc.workflow.handover.dataset import read_sidecars, write_dataset
from petproc.workflow.job import job

with job(snakemake, "dataset") as run:
    sidecars = read_sidecars(run.input.pet_sidecar)
    write_dataset(run.output, raw_dataset(run.scans, sidecars, version=__version__))
