"""What a compressed image says of itself, read before any decoder is: its size, depth and whether it is exact.

Decoders are native code that gives memory to whatever a codestream claims. None is called before these claims were
found to be those of the DICOM header. Layouts: JPEG ITU-T T.81 B.2, JPEG-LS T.87 C.2, JPEG 2000 T.800 A.5 and A.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

RLE = "1.2.840.10008.1.2.5"
_JPEG_FRAMES = {
    "1.2.840.10008.1.2.4.50": (0xC0,),
    "1.2.840.10008.1.2.4.51": (0xC0, 0xC1),
    "1.2.840.10008.1.2.4.57": (0xC3,),
    "1.2.840.10008.1.2.4.70": (0xC3,),
    "1.2.840.10008.1.2.4.80": (0xF7,),
    "1.2.840.10008.1.2.4.81": (0xF7,),
}
"""JPEG and JPEG-LS transfer syntaxes and the kinds of frame (SOF markers) that they may hold."""
_JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203))
ALWAYS_LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
PERHAPS_LOSSY = ("1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.203")
COMPRESSED = (RLE, *_JPEG_FRAMES, *_JPEG_2000)
"""Transfer syntaxes that can be decoded."""

TILES_MAX = 1024
PRECINCTS_MAX = 65536
CODE_BLOCK_MIN = 256
"""A JPEG 2000 image of more tiles or precincts, or of smaller code blocks (in pixels), is not a scanner's: each costs
the decoder memory that no pixel needs."""
LEVELS_MAX = 32
_SEGMENTS_MAX = 1000
_TILE_PARTS_MAX = 65536
_SOI, _SOS, _EOI = 0xD8, 0xDA, 0xD9
_COD, _COC, _SOT = 0xFF52, 0xFF53, 0xFF90


class Unreadable(Exception):
    """The codestream is damaged or claims what no image of its syntax may; the reason in plain words."""


@dataclass(frozen=True)
class Claim:
    """Size and depth (bits) that a codestream claims for itself, and whether it gives the pixels back exactly."""

    rows: int
    columns: int
    bits: int
    components: int
    exact: bool


def claim(syntax: str, codestream: bytes) -> Claim:
    """The claims of a JPEG, JPEG-LS or JPEG 2000 codestream, of which the beginning is enough. Raises `Unreadable`."""
    try:
        if syntax in _JPEG_FRAMES:
            return _jpeg(syntax, codestream)
        return _jpeg_2000(codestream)
    except (struct.error, IndexError):
        raise Unreadable("they end inside their own header") from None


def is_complete(syntax: str, codestream: bytes) -> bool:
    """Whether it goes on to the marker that ends every codestream; bytes that only fill up may follow.

    The parts of a JPEG 2000 say how long they are, and must lead there.
    """
    if syntax in _JPEG_2000:
        return _after_tiles(codestream, codestream.find(b"\xff\x90"))
    return codestream[-4096:].rstrip(b"\0\xff").endswith(b"\xff\xd9") or codestream.endswith(b"\xff\xd9")


def _after_tiles(code: bytes, here: int) -> bool:
    for _ in range(_TILE_PARTS_MAX):
        if here < 0 or code[here : here + 2] != _SOT.to_bytes(2) or here + 12 > len(code):
            return code[here : here + 2] == b"\xff\xd9"
        (size,) = struct.unpack_from(">I", code, here + 6)
        if not size:
            return code[-4096:].rstrip(b"\0").endswith(b"\xff\xd9")
        here += max(size, 12)
    return False


def _jpeg(syntax: str, code: bytes) -> Claim:
    if code[:2] != bytes((0xFF, _SOI)):
        raise Unreadable("they do not begin as a JPEG does")
    here, found = 2, None
    for _ in range(_SEGMENTS_MAX):
        prefix, marker = code[here], code[here + 1]
        if prefix != 0xFF or marker in (_SOI, _EOI):
            break
        if marker == 0xFF:
            here += 1
            continue
        (length,) = struct.unpack_from(">H", code, here + 2)
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            if found or marker not in _JPEG_FRAMES[syntax]:
                raise Unreadable("they are another kind of JPEG than the transfer syntax says, or more than one")
            found = struct.unpack_from(">BHHB", code, here + 4)
        if marker == _SOS:
            if not found:
                break
            near = code[here + 5 + 2 * code[here + 4]]
            exact = syntax not in ALWAYS_LOSSY and (marker_is_exact(syntax) or near == 0)
            bits, rows, columns, components = found
            return Claim(rows, columns, bits, components, exact)
        here += 2 + max(2, length)
    raise Unreadable("they hold no image")


def marker_is_exact(syntax: str) -> bool:
    """Whether a JPEG of this syntax is exact whatever its parameters; a JPEG-LS is where its NEAR is 0."""
    return _JPEG_FRAMES[syntax] == (0xC3,)


def _jpeg_2000(code: bytes) -> Claim:
    if code[:4] != b"\xff\x4f\xff\x51":
        raise Unreadable("they do not begin as a JPEG 2000 codestream does")
    width, height, *offsets, tile_width, tile_height, left, top = struct.unpack_from(">8I", code, 8)
    components, depth, across, down = struct.unpack_from(">H3B", code, 40)
    if any((*offsets, left, top)) or not tile_width or not tile_height or (across, down) != (1, 1):
        raise Unreadable("their image area is not a plain one")
    if -(-width // tile_width) * -(-height // tile_height) > TILES_MAX:
        raise Unreadable(f"they are cut into more than {TILES_MAX} tiles")
    here, exact = 2, None
    for _ in range(_SEGMENTS_MAX):
        marker, length = struct.unpack_from(">HH", code, here)
        if marker == _COD and exact is None:
            exact = _coding(code, here, width, height)
        elif marker in (_COD, _COC):
            raise Unreadable("a part of them is coded in another way")
        if marker == _SOT:
            break
        here += 2 + max(2, length)
    if exact is None:
        raise Unreadable("they do not say how they are coded")
    _check_tiles(code, here)
    return Claim(height, width, (depth & 0x7F) + 1, components, exact)


def _check_tiles(code: bytes, here: int) -> None:
    """No tile may be coded in another way than the image; looks as far as the bytes go."""
    for _ in range(_TILE_PARTS_MAX):
        if code[here : here + 2] != _SOT.to_bytes(2) or here + 12 > len(code):
            return
        (size,) = struct.unpack_from(">I", code, here + 6)
        header_end = code.find(b"\xff\x93", here + 12)
        if any(mark in code[here + 12 : max(here + 12, header_end)] for mark in (b"\xff\x52", b"\xff\x53")):
            raise Unreadable("a part of them is coded in another way")
        if size < 14:
            return
        here += size


def _coding(code: bytes, here: int, width: int, height: int) -> bool:
    """Whether the coding style is reversible; refuses one that would cost memory out of proportion."""
    style = code[here + 4]
    levels, block_width, block_height, _, transform = struct.unpack_from(">5B", code, here + 9)
    if levels > LEVELS_MAX or 2 ** (block_width + 2 + block_height + 2) < CODE_BLOCK_MIN:
        raise Unreadable("their code blocks or levels are not those of an image")
    if style & 1:
        for size in code[here + 14 : here + 15 + levels]:
            across, down = (width >> (size & 15)) + 1, (height >> (size >> 4)) + 1
            if across * down > PRECINCTS_MAX:
                raise Unreadable(f"they are cut into more than {PRECINCTS_MAX} precincts")
    return bool(transform == 1)


def rle_bytes(segment: bytes, most: int) -> int:
    """How many bytes a segment of PackBits (PS3.5 G.3) decodes to; stops counting above `most`."""
    here = total = 0
    while here < len(segment) and total <= most:
        head = segment[here]
        if head < 128:
            total += head + 1
            here += head + 2
        else:
            total += 257 - head if head > 128 else 0
            here += 2 if head > 128 else 1
    return total
