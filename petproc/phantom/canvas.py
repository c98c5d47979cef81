"""Drawing: tissues laid over each other with soft edges, on CT numbers and activity at once.

One canvas makes both images, so that CT and PET can never disagree about the anatomy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from petproc.phantom.shapes import Distance
from petproc.phantom.space import Lattice
from petproc.phantom.tissues import AIR, Tissue

EDGE = 0.6
"""Standard deviation of a face's Gaussian edge in voxels. Sharper edges (the share of a voxel inside) alias: a wall of
1.5 mm would come out 4 % too hot or too cold depending on where it lies between the voxels; this one within 0.3 %."""
_STEPS = 1024
_REACH = 4
_SHARE = ndtr(np.linspace(-_REACH, _REACH, 2 * _REACH * _STEPS + 1)).astype(np.float32)
"""Normal distribution function, tabulated: half of the time of drawing would go into it."""


class Canvas:
    """`hu`; `suv` of everything but blood; `blood`: share of blood; each (I, J, K) float32 on `lattice`."""

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self.edge = np.float32(EDGE * lattice.grid.spacing.mean() / lattice.pose.scale)
        self.hu = np.full(lattice.grid.shape, AIR.hu, np.float32)
        self.suv = np.zeros(lattice.grid.shape, np.float32)
        self.blood = np.zeros(lattice.grid.shape, np.float32)

    def occupancy(self, distance: NDArray[np.float32]) -> NDArray[np.float32]:
        """The shape, blurred by the edge's Gaussian (exactly so for flat faces): 1 inside, 1/2 on the surface."""
        place = distance * (np.float32(-_STEPS) / self.edge)
        place += np.float32(_REACH * _STEPS + 0.5)
        return np.asarray(_SHARE[np.clip(place, 0, len(_SHARE) - 1, out=place).astype(np.int32)])

    def paint(self, shape: Distance, tissue: Tissue, *, suv: NDArray[np.float32] | None = None) -> None:
        """Lay `tissue` over what is there; `suv` (of the shape's box) stands in for the tissue's one value."""
        box, distance = shape
        if not distance.size:
            return
        share = self.occupancy(distance)
        rest = np.float32(1.0) - share
        layers = ((self.hu, tissue.hu), (self.suv, tissue.suv if suv is None else suv), (self.blood, tissue.blood))
        for image, value in layers:
            image[box] *= rest
            if np.any(value):
                image[box] += share * np.asarray(value, np.float32)
