"""What everything in the phantom is made of: HU on CT and SUV on PET two hours after injection.

Plausible round values for low-dose, non-contrast CT and for FDG; where a value decides a test, the test says so.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tissue:
    hu: float
    suv: float
    blood: float = 0.0
    """Share of blood, whose activity follows the blood curve; `suv` is what comes on top."""


AIR = Tissue(-1000.0, 0.0)
FAT = Tissue(-100.0, 0.2)
MUSCLE = Tissue(55.0, 0.6)
LUNG = Tissue(-830.0, 0.3)
BONE = Tissue(330.0, 0.7)
CORTEX = Tissue(420.0, 0.6)
MARROW = Tissue(190.0, 1.2)
DISC = Tissue(85.0, 0.5)
CORD = Tissue(35.0, 1.3)
LIVER = Tissue(58.0, 2.0)
SPLEEN = Tissue(50.0, 1.6)
KIDNEY = Tissue(34.0, 2.4)
STOMACH = Tissue(25.0, 1.4)
BOWEL = Tissue(30.0, 1.2)
GAS = Tissue(-900.0, 0.0)
THYROID = Tissue(85.0, 1.2)
NODE = Tissue(40.0, 1.0)
OESOPHAGUS = Tissue(38.0, 1.5)
AIRWAY_WALL = Tissue(30.0, 0.7)
MYOCARDIUM = Tissue(45.0, 0.0)
BLOOD = Tissue(42.0, 0.0, blood=1.0)
