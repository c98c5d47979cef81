"""Case n of a seed: a delivery, as file name -> content, and whether the sound series in it must come out as ever."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from damage import damaged
from objects import SLICES, SYNTAXES, Files, multi_frame, series, stranger
from packing import archive, claiming, lying

MODALITIES = ("PT", "CT")


@dataclass(frozen=True)
class Case:
    """`sound`: a damaged file of somebody else lies beside an untouched PET/CT."""

    kind: str
    files: Files
    sound: bool


def sound_files(syntax: str = SYNTAXES[0]) -> Files:
    """The twin's PET and CT as single images."""
    return {f"{modality}/{k}.dcm": image for modality in MODALITIES for k, image in enumerate(series(modality, syntax))}


def case(seed: int, number: int) -> Case:
    chance = Random(f"{seed} {number}")
    (make,) = chance.choices((_files, _everywhere, _beside, _frames, _archive), (30, 10, 15, 20, 25))
    return make(chance)


def _syntax(chance: Random) -> str:
    return chance.choice((SYNTAXES[0], SYNTAXES[0], *SYNTAXES))


def _files(chance: Random) -> Case:
    """One to three files of a sound PET/CT damaged, each in its own way."""
    files = sound_files(_syntax(chance))
    donor = chance.choice(list(files.values()))
    for name in chance.sample(sorted(files), chance.choice((1, 1, 3))):
        files[name] = damaged(files[name], chance, donor)
    return Case("files", files, sound=False)


def _everywhere(chance: Random) -> Case:
    """All files of one series damaged in the same way: a scanner or a gateway did it."""
    syntax, modality = _syntax(chance), chance.choice(MODALITIES)
    files, same = sound_files(syntax), chance.randrange(1 << 32)
    for k in range(SLICES):
        name = f"{modality}/{k}.dcm"
        files[name] = damaged(files[name], Random(same), files["PT/0.dcm"])
    return Case("everywhere", files, sound=False)


def _beside(chance: Random) -> Case:
    content = damaged(stranger(chance.choice(MODALITIES)), chance, stranger("PT"))
    return Case("beside", {**sound_files(), chance.choice(("AA", "PT/3a.dcm", "zz.dcm")): content}, sound=True)


def _frames(chance: Random) -> Case:
    """PET and CT as multi-frame objects, or one of them, damaged."""
    files = sound_files()
    for modality in chance.choice((("PT",), ("CT",), MODALITIES)):
        files = {name: content for name, content in files.items() if not name.startswith(modality)}
        content = multi_frame(modality, chance.choice(("enhanced", "legacy")))
        files[f"{modality}.dcm"] = damaged(content, chance, multi_frame("PT", "legacy"))
    return Case("frames", files, sound=False)


def _archive(chance: Random) -> Case:
    """Sound or damaged files in archives that are damaged or lie."""
    files = sound_files() if chance.random() < 0.7 else _files(chance).files
    content = archive(files, chance)
    spoil = chance.choice((lying, claiming, lambda whole, by: damaged(whole, by, whole[::-1])))
    if chance.random() < 0.8:
        content = spoil(content, chance)
    name = chance.choice(("delivery.zip", "delivery.tar", "delivery"))
    return Case("archive", {name: content}, sound=False)
