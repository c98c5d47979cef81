"""What can be wrong with the bytes of one file: each damage is a function of the content, the chance and a donor."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from random import Random

Damage = Callable[[bytes, Random, bytes], bytes]

LENGTHS = (0, 1, 2, 7, 0x7FFF, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
NUMBERS = (b"nan", b"inf", b"-inf", b"1e308", b"-1e308", b"1e-320", b"0", b"-0", b"-1", b"", b"\\", b"1\\2\\3\\4\\5")
NUMBERS += (b"9" * 300, b"0x10", b"1,5", b"1e400", b"0.1e", b"12345678901234567890")
WORDS = (b"../../../etc/passwd", b"\xff\xfe\x00", b"a" * 5000, b"\x1b$B", "Größe".encode(), b"n/a", b"\n\t\r", b"$(x)")
MOMENTS = (b"99999999", b"00000000", b"20250230", b"19000101", b"240000", b"235960", b"-10000", b"20250101250000+9999")
COUNTS = (0, 1, 2, 3, 255, 4096, 4097, 32767, 65535)
EDITED = {
    "number": ("00281052", "00281053", "00541300", "00181242", "00101030", "00101020", "00181074", "00181075"),
    "vector": ("00200032", "00200037", "00280030", "00180050", "00541321", "00280008", "00200013"),
    "moment": ("00080021", "00080022", "00080031", "00080032", "00181072", "00181078", "00189074", "00080201"),
    "word": (
        "00080008",
        "00080060",
        "00541001",
        "00541102",
        "00280051",
        "00541000",
        "00100020",
        "0020000e",
        "00080018",
    ),
    "count": ("00280010", "00280011", "00280100", "00280101", "00280102", "00280103", "00280002", "00280006"),
}
"""Tags that decide something, by the kind of value that they hold."""


def flipped(content: bytes, chance: Random, _: bytes) -> bytes:
    turned = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        turned[chance.randrange(len(turned))] ^= 1 << chance.randrange(8)
    return bytes(turned)


def overwritten(content: bytes, chance: Random, _: bytes) -> bytes:
    at, size = chance.randrange(len(content)), chance.choice((1, 4, 16, 200))
    return content[:at] + chance.randbytes(chance.choice((0, size, size + 1))) + content[at + size :]


def cut(content: bytes, chance: Random, _: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def lengthened(content: bytes, chance: Random, _: bytes) -> bytes:
    return content + chance.choice((b"\0", chance.randbytes(300), content))


def spliced(content: bytes, chance: Random, donor: bytes) -> bytes:
    """The beginning of one file with the end of another, or a piece of another in the middle."""
    at, there = chance.randrange(len(content)), chance.randrange(len(donor))
    if chance.random() < 0.5:
        return content[:at] + donor[there:]
    return content[:at] + donor[there : there + chance.randrange(400)] + content[at:]


def lying(content: bytes, chance: Random, _: bytes) -> bytes:
    """A length that is not that of its value, wherever an element seems to begin."""
    places = [
        at for at in range(132, len(content) - 12) if content[at + 4 : at + 6].isalpha() and content[at + 1] < 0x55
    ]
    if not places:
        return overwritten(content, chance, b"")
    at, length = chance.choice(places), chance.choice(LENGTHS)
    if content[at + 4 : at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return content[: at + 8] + struct.pack("<I", length) + content[at + 12 :]
    return content[: at + 6] + struct.pack("<H", length & 0xFFFF) + content[at + 8 :]


def edited(content: bytes, chance: Random, _: bytes) -> bytes:
    """A tag that decides something, at any depth, with a value that makes no sense; its length is right."""
    kind = chance.choice(tuple(EDITED))
    number = int(chance.choice(EDITED[kind]), 16)
    tag = struct.pack("<HH", number >> 16, number & 0xFFFF)
    at = content.find(tag, 132)
    if at < 0 or not content[at + 4 : at + 6].isalpha():
        return flipped(content, chance, b"")
    (size,) = struct.unpack_from("<H", content, at + 6)
    value = _value(kind, chance)
    value += b" " * (len(value) % 2)
    if chance.random() < 0.5:  # of the same length, so that sequences around it stay sound
        value = value[:size].ljust(size)
    return content[: at + 6] + struct.pack("<H", len(value) & 0xFFFF) + value + content[at + 8 + size :]


def _value(kind: str, chance: Random) -> bytes:
    if kind == "count":
        return struct.pack("<H", chance.choice(COUNTS))
    if kind == "vector":
        return b"\\".join(chance.choice(NUMBERS) for _ in range(chance.choice((1, 2, 3, 6))))
    return chance.choice({"number": NUMBERS, "moment": MOMENTS + NUMBERS, "word": WORDS + NUMBERS}[kind])


def nested(content: bytes, chance: Random, _: bytes) -> bytes:
    """Sequences in sequences, deeper than anybody writes, ended or not."""
    depth = chance.choice((3, 15, 17, 40, 1000, 20000))
    opened = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closed = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return _before_pixels(content, opened * depth + closed * chance.choice((0, depth - 1, depth)))


def crowded(content: bytes, chance: Random, _: bytes) -> bytes:
    """Many small elements, or many items."""
    number = chance.choice((100, 5000, 60000))
    if chance.random() < 0.5:
        return _before_pixels(content, b"".join(struct.pack("<HH2sH", 0x29, n, b"LO", 0) for n in range(number)))
    items = b"\xfe\xff\x00\xe0\0\0\0\0" * number
    return _before_pixels(content, b"\x08\x00\x40\x11SQ\0\0" + struct.pack("<I", len(items)) + items)


def _before_pixels(content: bytes, more: bytes) -> bytes:
    at = content.rfind(b"\xe0\x7f\x10\x00")
    return content[:at] + more + content[at:] if at > 0 else content + more


def doubled(content: bytes, chance: Random, _: bytes) -> bytes:
    at = chance.randrange(132, max(133, len(content)))
    return content[: at + chance.randrange(300)] + content[at:]


def stripped(content: bytes, chance: Random, _: bytes) -> bytes:
    """Without preamble, without file meta information, or wrapped in what does not belong there."""
    return chance.choice(
        (content[128:], content[132:], content[344:], b"\n" + content, gzip.compress(content, mtime=0), b"")
    )


DAMAGES: tuple[Damage, ...] = (
    *(flipped, overwritten, cut, lengthened, spliced, lying, lying, edited, edited, edited),
    *(nested, crowded, doubled, stripped),
)


def damaged(content: bytes, chance: Random, donor: bytes) -> bytes:
    """One damage, at times a second one on top."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        content = chance.choice(DAMAGES)(content or b"\0", chance, donor)
    return content
