"""What the site is asked where something was found: the second half of a query, after what was seen.

A code without an entry is a query by its message alone.
"""

from __future__ import annotations

QUESTIONS: dict[str, str] = {
    "ct-missing": "Please send the CT of this PET/CT, or confirm that there is none.",
    "file-damaged": "Please send this file again.",
    "file-truncated": "Please send this file again: it is shorter than its header says.",
    "file-unreadable": "Please send this file again.",
    "archive-unreadable": "Please send this archive again.",
    "file-encrypted": "Please send it without a password, by a safe way.",
    "nuclide-unexpected": "Which tracer was injected for this scan?",
    "other-tracer": "Which tracer was injected for this scan, and does it belong to this study?",
    "weight-unusable": "What did the participant weigh on the day of this scan, in kg?",
    "weight-missing": "What did the participant weigh on the day of this scan, in kg?",
    "height-unusable": "How tall is the participant, in cm?",
    "height-missing": "How tall is the participant, in cm?",
    "injection-time-disagrees": "At what time was the tracer injected?",
    "injection-time-missing": "At what time was the tracer injected?",
    "dose-missing": "What activity was injected, in MBq, and at what time was it measured?",
    "dose-looks-like-mbq": "What activity was injected, in MBq?",
    "participant-sex-differs": "Do both visits belong to one person? Which entry is right?",
    "participant-birth-date-differs": "Do both visits belong to one person?",
    "participant-name-differs": "Do both visits belong to one person?",
    "participant-height-differs": "Which height is right, in cm?",
    "participant-weight-differs": "Are both weights right?",
    "participant-ids-alike": "Are these one person?",
    "same-scan-under-two-ids": "To whom does this scan belong?",
    "reconstruction-differs-between-visits": "Is there a reconstruction of both visits with the same settings?",
}
