from petproc.workflow.edit import segment_edited
from petproc.workflow.handover.images import read_ct, write_segmentation
from petproc.workflow.job import job

with job(snakemake, "segment") as run:
    segmentation = segment_edited(read_ct(run.input), run.params["edit"], scan=run.scan, points=run.points)
    write_segmentation(run.output, segmentation, run.record(segmentation.findings))
