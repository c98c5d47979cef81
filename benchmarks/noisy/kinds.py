"""Why maxima rise with noise as they do: the phantom's noise against simpler kinds, seen by the perfect reader alone.

All kinds have the same COV of a voxel in the liver. The phantom's noise is correlated (5 mm), its variance grows with
the activity, and it is skewed, as counts drawn from a gamma distribution are: high voxels lie further from the mean
than low ones. The other kinds leave out one of these after the other. Only the maxima of the slices are read, on the
exact voxels of each slice: no mask, no blood pool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from vessels.part import Table

from noisy.design import COVS, SEED, STANDARD_MM, STANDARD_SIZE, grid_of, in_percent, person_in
from noisy.measured import AORTIC, TARGETS
from noisy.spread import percent, spread_of
from petproc.core.regions import CAROTIDS
from petproc.core.suv import suv_per_activity
from petproc.phantom.person import SESSIONS, Session, draw_visit
from petproc.phantom.scan import make_parts
from petproc.phantom.scanner import FWHM_TO_SIGMA, LIVER_SUV, NOISE_FWHM_MM, with_noise
from petproc.reference import slices_of

Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pet:
    """Without noise, (I, J, K) Bq/mL, with voxels of `voxel_mm`; `liver` is the liver's activity."""

    clean: Image
    voxel_mm: NDArray[np.float64]
    liver: float


def _white(pet: Pet, rng: np.random.Generator) -> Image:
    return rng.standard_normal(pet.clean.shape, dtype=np.float32)


def _correlated(pet: Pet, rng: np.random.Generator) -> Image:
    """As correlated as the phantom's noise, of standard deviation 1."""
    smooth = ndimage.gaussian_filter(_white(pet, rng), NOISE_FWHM_MM / FWHM_TO_SIGMA / pet.voxel_mm, truncate=3.0)
    return np.asarray(smooth / smooth.std(), dtype=np.float32)


KINDS: dict[str, Callable[[Pet, float, np.random.Generator], Image]] = {
    "the same COV everywhere, Gaussian, uncorrelated": lambda pet, cov, rng: pet.clean * (1 + cov * _white(pet, rng)),
    "the same COV everywhere, Gaussian": lambda pet, cov, rng: pet.clean * (1 + cov * _correlated(pet, rng)),
    "variance as activity, Gaussian": lambda pet, cov, rng: (
        pet.clean + cov * np.sqrt(pet.clean * np.float32(pet.liver), dtype=np.float32) * _correlated(pet, rng)
    ),
    "variance as activity, skewed: the phantom's": lambda pet, cov, rng: with_noise(
        pet.clean, cov, voxel_mm=pet.voxel_mm, liver=pet.liver, rng=rng
    ),
}


@dataclass(frozen=True)
class Look:
    session: Session
    realisations: int

    def words(self) -> str:
        return f"kinds of noise {self.session}"


Seen = Mapping[tuple[str, float], Sequence[Mapping[str, float]]]
"""(kind, COV) -> of each scan the difference (%) of mean SUVmax from that without noise, by region"""


def looks(realisations: int) -> list[Look]:
    return [Look(session, realisations) for session in SESSIONS]


def looked(look: Look) -> Seen:
    """Every kind at every level, `realisations` of each."""
    person = person_in(STANDARD_SIZE)
    parts = make_parts(person, draw_visit(person, look.session, SEED), grid_of(STANDARD_MM), seed=SEED)
    clean = parts.pet(1.0)
    pet = Pet(clean.data, clean.grid.spacing, LIVER_SUV / suv_per_activity(parts.acquisition))
    slices = {
        region: [one.index for one in slices_of(region, parts.geometry, clean.grid) if one.counts] for region in TARGETS
    }
    rng = np.random.default_rng([SEED, SESSIONS.index(look.session), 99])
    truth = {region: _mean_of_max(pet.clean, cut) for region, cut in slices.items()}
    return {
        (name, cov): [
            {region: percent(_mean_of_max(image, cut), truth[region]) for region, cut in slices.items()}
            for image in (kind(pet, cov, rng) for _ in range(look.realisations))
        ]
        for name, kind in KINDS.items()
        for cov in COVS
    }


def by_kind(seen: Sequence[Seen]) -> Table:
    rows = []
    for name in KINDS:
        cells = []
        for regions in (AORTIC, CAROTIDS):
            for cov in COVS:
                scans = [scan for one in seen for scan in one[name, cov]]
                cells.append(str(spread_of([scan[region] for region in regions] for scan in scans)))
        rows.append((name, *cells))
    return Table(("", *(f"{words}, {in_percent(cov)}" for words in ("aorta", "carotids") for cov in COVS)), tuple(rows))


def _mean_of_max(image: Image, slices: Sequence[NDArray[np.int64]]) -> float:
    return float(np.mean([image[tuple(index.T)].max() for index in slices]))
