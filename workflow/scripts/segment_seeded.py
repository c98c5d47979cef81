from petproc.segment import seeded
from petproc.settings import SeededSettings
from petproc.workflow.handover.images import read_ct, write_segmentation
from petproc.workflow.job import job

with job(snakemake, "segment") as run:
    settings, ct = run.settings(SeededSettings), read_ct(run.input)
    segmentation = seeded.segment(ct, run.points, settings=settings, scan=run.scan, threads=run.threads)
    write_segmentation(run.output, segmentation, run.record(segmentation.findings))
