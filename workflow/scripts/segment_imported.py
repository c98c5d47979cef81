from petproc.segment import imported
from petproc.settings import ImportedSettings
from petproc.workflow.handover.images import read_ct, read_mask, write_segmentation
from petproc.workflow.job import job

with job(snakemake, "segment") as run:
    ct = read_ct(run.input)
    mask = read_mask(run.input, ct.grid, run.settings(ImportedSettings).names, wanted=run.params["mask"])
    segmentation = imported.segment(ct, mask.labels, names=mask.names, scan=run.scan, points=run.points)
    write_segmentation(run.output, segmentation, run.record([*mask.findings, *segmentation.findings]))
