from petproc.sample import sample_scan
from petproc.sample.motion import moved
from petproc.sample.overlay import draw_overlays, suv_factor_or_none
from petproc.settings import SampleSettings
from petproc.workflow.handover.images import read_scan, write_overlays, write_sample
from petproc.workflow.job import job

with job(snakemake, "sample") as run:
    scan = read_scan(run.input)
    sample = sample_scan(*scan, settings=run.settings(SampleSettings), threads=run.threads, scan=run.scan)
    write_sample(run.output, sample, run.record(sample.findings))
    pet, ct, acquisition, segmentation, alignment = scan
    ct, segmentation = moved(ct, segmentation, alignment)
    suv_factor = suv_factor_or_none(acquisition)
    figures = draw_overlays(pet, ct, segmentation.labels, segmentation.stations, suv_factor=suv_factor)
    write_overlays(run.output, figures, run.record())
