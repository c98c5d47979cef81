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
BLOOD_HU = 42.0
BLOOD = Tissue(BLOOD_HU, 0.0, blood=1.0)


@dataclass(frozen=True)
class Contrast:
    """HU of blood: arteries with left heart and lung vessels; veins of the upper body; other veins and right heart."""

    artery: float = BLOOD_HU
    upper_vein: float = BLOOD_HU
    lower_vein: float = BLOOD_HU


UNENHANCED = Contrast()
VENOUS = Contrast(150.0, 150.0, 150.0)
"""A portal venous phase: all blood alike."""
ARTERIAL = Contrast(300.0, 45.0, 45.0)
"""The bolus has passed the veins."""
ARTERIAL_DENSE = Contrast(300.0, 600.0, 45.0)
"""The bolus still runs in through the superior vena cava."""


def blood(hu: float) -> Tissue:
    return Tissue(hu, 0.0, blood=1.0)


def inner_fat(hu: float) -> Tissue:
    """Fat of mediastinum and retroperitoneum; in lean people mixed with so much soft tissue that it has `hu`."""
    return Tissue(hu, FAT.suv)
