"""Drawing: tissues laid over each other with soft edges, on CT numbers and activity at once.

One canvas makes both images, so that CT and PET can never disagree about the anatomy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from petproc.phantom.shapes import Distance
from petproc.phantom.space import Lattice
from petproc.phantom.tissues import AIR, Tissue


class Canvas:
    """`hu`; `suv` of everything but blood; `blood`: share of blood; each (I, J, K) float32 on `lattice`."""

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self.edge = np.float32(lattice.grid.spacing.mean() / lattice.pose.scale)
        self.hu = np.full(lattice.grid.shape, AIR.hu, np.float32)
        self.suv = np.zeros(lattice.grid.shape, np.float32)
        self.blood = np.zeros(lattice.grid.shape, np.float32)

    def occupancy(self, distance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Share of each voxel inside a shape, exact for a flat face across the voxel's edge."""
        share = distance * (np.float32(-1.0) / self.edge)
        share += np.float32(0.5)
        return np.clip(share, 0.0, 1.0, out=share)

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
