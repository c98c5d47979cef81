"""An independent check of the decay reference: does it predict the DecayFactor of every slice?

DecayFactor (0054,1321) = lambda T / (1 - exp(-lambda T)) * exp(lambda (t_acq - t_ref)) is what the scanner multiplied
into the pixels of a slice whose frame began at t_acq and lasted T.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from petproc.core.errors import Finding
from petproc.ingest.reference_time import (
    AGREE_S,
    CONSISTENT_SHARE,
    DECIMALS_MIN,
    NOTICE_S,
    Frame,
    decimals,
    mean_count_s,
)

TOLERANCE = 0.002
"""Prediction and tag may differ by this share beside the rounding of the tag: 19 s of F-18."""
UNSCALED = 1.0
"""DecayFactor of an image that was not scaled, and of a header in which nobody filled it in."""


def decay_factor_of(frame: Frame, reference: datetime, half_life_s: float) -> float:
    """What corrects the mean activity over a frame for decay, back to `reference`."""
    decay = math.log(2.0) / half_life_s
    waited_s = (frame.acquired - reference).total_seconds() + mean_count_s(frame.duration_s, decay)
    return math.exp(decay * waited_s)


def check_decay_factors(frames: Sequence[Frame], reference: datetime, half_life_s: float) -> tuple[Finding, ...]:
    """A finding where slices carry another factor than `reference` predicts.

    A slice at the seam of two beds may carry the factor of its neighbour's bed (GE).
    """
    printed = [frame.decay_factor for frame in frames]
    predicted = [decay_factor_of(frame, reference, half_life_s) for frame in frames]
    rounding = 0.5 * 10.0 ** -decimals(factor for factor in printed if factor is not None)
    off = {
        k: abs(factor / predicted[k] - 1.0)
        for k, factor in enumerate(printed)
        if factor is not None
        and not any(abs(factor - told) <= rounding + TOLERANCE * told for told in predicted[max(0, k - 1) : k + 2])
    }
    if not off:
        return ()
    worst = max(off, key=lambda k: (off[k], -k))
    if set(printed) <= {UNSCALED, None}:
        words = (
            f"DecayFactor (0054,1321) is 1 in every slice, as where nobody filled it in; {predicted[worst]:.4f} was "
            "expected: it does not confirm the reference time."
        )
        return (Finding("decay-factor-not-filled-in", words, "info"),)
    words = (
        f"DecayFactor (0054,1321) of {len(off)} of {len(frames)} slices is not what the reference time predicts; the "
        f"worst is slice {worst} with {printed[worst]:g} where {predicted[worst]:.5f} was expected. Ask the site "
        "whether times or half-life were changed after the reconstruction."
    )
    return (Finding("decay-factor-disagrees", words),)


def scaled(frames: Sequence[Frame]) -> bool:
    """Whether any slice says that it was scaled by more than rounding: its decay was corrected."""
    printed = [frame.decay_factor for frame in frames if frame.decay_factor is not None]
    rounding = 0.5 * 10.0 ** -decimals(printed)
    return any(abs(factor - UNSCALED) > rounding + TOLERANCE for factor in printed)


def bed_by_bed(frames: Sequence[Frame], half_life_s: float) -> bool:
    """Whether DecayFactor says that the later beds, too, were corrected to their own start and not to the scan's."""
    earliest = min(frame.acquired for frame in frames)
    later = [frame for frame in frames if (frame.acquired - earliest).total_seconds() > AGREE_S]
    if not later or decimals(frame.decay_factor for frame in frames if frame.decay_factor) < DECIMALS_MIN:
        return False
    tolerance = math.log(2.0) / half_life_s * NOTICE_S
    own = [
        frame.decay_factor is not None
        and abs(frame.decay_factor / decay_factor_of(frame, frame.acquired, half_life_s) - 1.0) <= tolerance
        for frame in later
    ]
    return sum(own) >= CONSISTENT_SHARE * len(later)


def check_frame_times(frames: Sequence[Frame], half_life_s: float) -> tuple[Finding, ...]:
    """A finding where FrameReferenceTime begins anew in every bed, as if each were corrected to its own start."""
    decay = math.log(2.0) / half_life_s
    earliest = min(frame.acquired for frame in frames)
    later = [frame for frame in frames if (frame.acquired - earliest).total_seconds() > AGREE_S]
    anew = [
        frame.frame_reference_s is not None
        and abs(frame.frame_reference_s - mean_count_s(frame.duration_s, decay)) <= NOTICE_S
        for frame in later
    ]
    if sum(anew) < max(1.0, CONSISTENT_SHARE * len(later)):
        return ()
    apart_s = max((frame.acquired - earliest).total_seconds() for frame in later)
    words = (
        "FrameReferenceTime (0054,1300) counts from the start of every bed, so that the beds may have been "
        "decay-corrected to their own starts; they were taken as corrected to one time. If not, the last bed is "
        f"{math.expm1(decay * apart_s):.1%} too low: ask the site."
    )
    return (Finding("beds-may-be-corrected-separately", words),)
