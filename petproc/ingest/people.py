"""Labels of participants and sessions: numbers instead of identities, in an order that never changes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from petproc.core.errors import Refusal

NO_ID = "study "
"""How a person begins who has no PatientID: each study is one."""


def new_labels(
    people: Iterable[str], known: Mapping[str, str], *, used: Collection[str] = (), keep_ids: bool = False
) -> dict[str, str]:
    """A label for each of `people` who has none in `known` (person -> label), in the order given; none of `used`.

    001, 002, ... after the highest number in use; with `keep_ids` the letters and digits of the identifier, which is
    refused where it could be a name.
    """
    labels: dict[str, str] = {}
    taken = {*known.values(), *used}
    new = [person for person in dict.fromkeys(people) if person not in known]
    if keep_ids:
        _check_coded(new)
    highest = max((int(label) for label in taken if label.isdecimal()), default=0)
    for person in new:
        if keep_ids and not person.startswith(NO_ID):
            label = re.sub(r"[^A-Za-z0-9]", "", person)
        else:
            highest += 1
            label = f"{highest:03d}"
        if not label or label.lower() in {other.lower() for other in taken}:
            raise Refusal(
                "participant-labels-collide",
                f"Two identifiers give the same participant label {label!r} when only letters and digits are kept.",
                "Run the inventory without keeping the identifiers.",
            )
        labels[person] = label
        taken.add(label)
    return labels


def looks_like_a_name(person: str) -> bool:
    """A coded identifier has a digit, and neither a space, a comma nor the ^ between the parts of a name."""
    return bool(re.search(r"[\s,^=]", person)) or not re.search(r"\d", person)


def _check_coded(people: Iterable[str]) -> None:
    named = [person for person in people if not person.startswith(NO_ID) and looks_like_a_name(person)]
    if named:
        raise Refusal(
            "patient-id-not-coded",
            f"{len(named)} PatientIDs (0010,0020) are no codes: they hold a space, a comma or ^, or no digit at all, "
            "as names do.",
            "Run the inventory without keeping the identifiers.",
        )


def next_session(used: Collection[str]) -> str:
    """baseline, followup, visit3, visit4, ...: the first that comes after as many sessions as are in use."""
    names = ("baseline", "followup")
    number = len(set(used)) + 1
    while True:
        name = names[number - 1] if number <= len(names) else f"visit{number}"
        if name not in used:
            return name
        number += 1
