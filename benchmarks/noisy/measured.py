"""A group of scans, each measured by sample and quantify with true masks, against the perfect reader without noise."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from noisy.design import SEED, Group, grid_of, person_in
from noisy.spread import percent
from petproc.audit.plain_metrics import OF_SLICES, Cut
from petproc.core.measure import BLOOD_COV, BLOOD_SUV_MEAN
from petproc.core.regions import AORTA, CAROTIDS, REGIONS, SVC, regions_of
from petproc.core.results import Alignment, Segmentation
from petproc.core.suv import suv_per_activity
from petproc.core.volume import Volume
from petproc.phantom.person import draw_visit
from petproc.phantom.scan import Parts, PhantomScan, make_parts
from petproc.phantom.scanner import LIVER_SUV, with_noise
from petproc.quantify import Quantified, ScanTables, quantify_scan, station_columns, voxel_columns
from petproc.reference import Measurement, measure
from petproc.sample import sample_scan
from petproc.segment import imported
from petproc.settings import QuantifySettings, SampleSettings

MEAN, MDS, SUV_MAX = "mean_tbr_max", "mds_tbr_max", "mean_suv_max"
METRICS = (MEAN, MDS, SUV_MAX)
AORTIC = regions_of(AORTA)
TARGETS = (*AORTIC, *CAROTIDS)
SETTINGS = QuantifySettings(regions=TARGETS)
STILL = Alignment((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.0, applied=False)
IN_LIVER = 0.01
"""So near to the liver's SUV, as a share of it, a voxel and its neighbours are without noise where the COV is taken."""

Key = tuple[str, str]
"""region, metric"""


@dataclass(frozen=True)
class Scan:
    """One PET: `cov` asked for, 0 without noise, `liver_cov` found; `difference` (%) from the perfect reader of the
    same PET without noise, without the keys that were refused."""

    cov: float
    difference: Mapping[Key, float]
    liver_cov: float = 0.0
    neighbours: float = 0.0
    """correlation of the noise of voxels next to each other along i, in the liver"""
    blood_cov: float = 0.0
    """of the voxels of the blood pool"""


@dataclass(frozen=True)
class Found:
    """Of a group: what the perfect reader measures without noise, the vessels' mean outer radius in mm, voxels (median
    of a counting slice, or in the blood pool), and every scan."""

    group: Group
    truth: Mapping[Key, float]
    radius_mm: Mapping[str, float]
    voxels: Mapping[str, float]
    scans: tuple[Scan, ...]


def measured(group: Group) -> Found:
    """Draw once, add every noise to it and measure."""
    person = person_in(group.size)
    parts = make_parts(person, draw_visit(person, group.session, SEED), grid_of(group.voxel_mm), seed=SEED)
    scan = parts.scan(1.0, 0.0)
    reader = measure(scan.pet, parts.geometry, scan.acquisition)
    truth = truth_of(reader)
    names = {name: region.value for name, region in REGIONS.items()}
    masks = imported.segment(scan.ct, scan.labels, names=names, scan="phantom")
    liver = _liver(scan.pet, suv_per_activity(scan.acquisition))
    scans = [Scan(0.0, _differences(quantified(scan.pet, scan, masks), truth))]
    for level, (cov, count) in enumerate(zip(group.covs, group.realisations, strict=True)):
        for number in range(count):
            pet = noisy(scan, cov, np.random.default_rng(group.seed(level, number)))
            found = quantified(pet, scan, masks)
            difference, blood = _differences(found, truth), _values(found).get((SVC, BLOOD_COV)) or 0.0
            scans.append(Scan(cov, difference, *_noise_in(liver, pet, scan.pet), blood_cov=blood))
    return Found(group, truth, _radii(parts), _voxels(reader), tuple(scans))


def noisy(scan: PhantomScan, cov: float, rng: np.random.Generator) -> Volume:
    clean = scan.pet_noise_free
    liver = LIVER_SUV / suv_per_activity(scan.acquisition)
    return Volume(
        with_noise(clean.data, cov, voxel_mm=clean.grid.spacing, liver=liver, rng=rng), clean.grid, clean.unit
    )


def quantified(pet: Volume, scan: PhantomScan, masks: Segmentation) -> Quantified:
    """`pet` as the workflow measures it, with default settings."""
    sample = sample_scan(
        pet, scan.ct, scan.acquisition, masks, STILL, settings=SampleSettings(), threads=1, scan="phantom"
    )
    voxels, stations = voxel_columns(sample.voxels), station_columns(sample.stations)
    return quantify_scan(ScanTables("phantom", "scan", voxels, stations, sample.sidecar, scan.acquisition), SETTINGS)


def truth_of(reader: Measurement) -> dict[Key, float]:
    """The most-diseased segment by the plain formula with which `petproc verify` counts it again."""
    truth = {(SVC, BLOOD_SUV_MEAN): reader.blood_suv}
    for region, values in reader.vessels.items():
        if region not in TARGETS:
            continue
        counted = [one for one in reader.slices if one.voxels.region == region and one.voxels.counts]
        cuts = [Cut(one.voxels.slice, one.suv_max, one.suv_mean, one.voxels.slice_mm) for one in counted]
        segment = OF_SLICES[MDS](cuts, reader.blood_suv, SETTINGS.model_dump())
        truth |= {(region, MEAN): values[MEAN], (region, SUV_MAX): values[SUV_MAX]}
        if segment is not None:
            truth[region, MDS] = segment
    return truth


def _differences(found: Quantified, truth: Mapping[Key, float]) -> dict[Key, float]:
    values = _values(found)
    return {key: percent(value, true) for key, true in truth.items() if (value := values.get(key)) is not None}


def _values(found: Quantified) -> dict[Key, float | None]:
    return {(row.region, row.metric): row.value for row in found.uptake}


def _liver(clean: Volume, suv: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Voxels (I, J, K) that have the liver's activity, as all 26 around them."""
    near = np.abs(np.asarray(clean.data) * suv / LIVER_SUV - 1.0) <= IN_LIVER
    return np.asarray(ndimage.binary_erosion(near, np.ones((3, 3, 3))))


def _noise_in(
    liver: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], noisy: Volume, clean: Volume
) -> tuple[float, float]:
    """COV of a voxel, and the correlation of neighbours along i."""
    noise = np.zeros(liver.shape)
    noise[liver] = noisy.data[liver] / clean.data[liver] - 1.0
    both = liver[1:] & liver[:-1]
    pairs = np.corrcoef(noise[1:][both], noise[:-1][both])
    return float(noise[liver].std(ddof=1)), float(pairs[0, 1])


def _radii(parts: Parts) -> dict[str, float]:
    scale = parts.anatomy.canvas.lattice.pose.scale
    vessels = {region: parts.anatomy.vessels[REGIONS[region].vessel] for region in (*TARGETS, SVC)}
    return {name: scale * float(one.tube.radius[one.region == name].mean()) for name, one in vessels.items()}


def _voxels(reader: Measurement) -> dict[str, float]:
    counts = {
        region: [len(one.voxels.index) for one in reader.slices if one.voxels.region == region and one.voxels.counts]
        for region in TARGETS
    }
    return {region: statistics.median(n) for region, n in counts.items() if n} | {SVC: float(len(reader.blood_index))}
