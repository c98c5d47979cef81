"""Why maxima rise with noise as they do: the phantom's noise against simpler kinds, seen by the perfect reader alone.

All kinds have the same COV of a voxel in the liver. The phantom's noise is correlated (5 mm); its variance grows with
the activity; being that of filtered counts it is the noise of a voxel's surroundings, so that a thin hot wall has more
of it than its own activity would give; and it is skewed, as counts drawn from a gamma distribution are. The other kinds
leave these out one after the other. Only the maxima of the slices are read, on the exact voxels of each slice: no mask,
no blood pool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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

IN_AIR = 1e-3
"""Of the liver's activity: below it there is nothing that noise could be added to."""

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
    smooth = _smooth(_white(pet, rng), pet)
    return np.asarray(smooth / smooth.std(), dtype=np.float32)


def _of_activity(pet: Pet, cov: float, rng: np.random.Generator) -> Image:
    deviation = np.float32(cov) * np.sqrt(pet.clean * np.float32(pet.liver), dtype=np.float32)
    return np.asarray(pet.clean + deviation * _correlated(pet, rng), dtype=np.float32)


def _of_counts(pet: Pet, cov: float, rng: np.random.Generator) -> Image:
    """The phantom's noise (`phantom.scanner.with_noise`) but for its skew; every count has the same weight as there."""
    expected = _smooth(pet.clean, pet)
    impulse = np.zeros((31, 31, 31), np.float32)
    impulse[15, 15, 15] = 1.0
    deviation = cov * np.sqrt(pet.liver / float((_smooth(impulse, pet) ** 2).sum()))
    noise = _smooth(np.float32(deviation) * np.sqrt(pet.clean) * _white(pet, rng), pet)
    share = np.divide(noise, expected, out=np.zeros_like(noise), where=expected > IN_AIR * pet.liver)
    return np.asarray(pet.clean * (1 + share), dtype=np.float32)


def _smooth(image: Image, pet: Pet) -> Image:
    sigma = NOISE_FWHM_MM / FWHM_TO_SIGMA / pet.voxel_mm
    return np.asarray(ndimage.gaussian_filter(image, sigma, mode="nearest", truncate=3.0), dtype=np.float32)


KINDS: dict[str, Callable[[Pet, float, np.random.Generator], Image]] = {
    "the same COV everywhere, Gaussian, uncorrelated": lambda pet, cov, rng: pet.clean * (1 + cov * _white(pet, rng)),
    "the same COV everywhere, Gaussian": lambda pet, cov, rng: pet.clean * (1 + cov * _correlated(pet, rng)),
    "variance as a voxel's own activity, Gaussian": _of_activity,
    "variance as the filtered counts around it, Gaussian": _of_counts,
    "the same, skewed: the phantom's": lambda pet, cov, rng: with_noise(
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
    truth = {region: _mean_of_max(pet.clean, cut) for region, cut in slices.items()}
    return {
        (name, cov): [
            {region: percent(_mean_of_max(image, cut), truth[region]) for region, cut in slices.items()}
            for image in _images(name, cov, pet, look)
        ]
        for name in KINDS
        for cov in COVS
    }


def _images(name: str, cov: float, pet: Pet, look: Look) -> Iterator[Image]:
    rng = np.random.default_rng([SEED, SESSIONS.index(look.session), list(KINDS).index(name), int(1000 * cov + 0.5)])
    for _ in range(look.realisations):
        yield KINDS[name](pet, cov, rng)


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
