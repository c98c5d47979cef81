"""Compressed pixels, one frame at a time: the fragments of a frame, the check of what they claim, and the decoder.

Decoders are those that pydicom finds installed, one named for each syntax so that the same file gives the same pixels
everywhere: pylibjpeg-openjpeg for JPEG 2000, pyjpegls for JPEG-LS, GDCM for JPEG lossless, Pillow for lossy JPEG.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from petproc.dicom.codestreams import COMPRESSED, RLE, Unreadable, claim, is_complete, rle_bytes
from petproc.dicom.files import BadFile

_JPEG, _JPEG_LOSSLESS, _JPEG_LS = ("50", "51"), ("57", "70"), ("80", "81")
MAX_FRAGMENTS = 1_000_000
"""Fragments of the pixels of one file."""

_ITEM, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_ITEM_HEADER = 8
_one_at_a_time = Lock()


def frame_places(content: bytes, start: int, frames: int) -> list[list[slice]]:
    """Where the fragments of each frame lie; `start` is where the items of the compressed pixels begin.

    A single image may lie in several fragments; of several frames each must be one fragment, or the offset table must
    say where each begins (PS3.5 A.4).
    """
    table, *fragments = _items(content, start)
    if frames == 1:
        return [fragments]
    offsets = content[table]
    if len(offsets) == 4 * frames:
        begins = {table.stop + offset: n for n, offset in enumerate(struct.unpack(f"<{frames}I", offsets))}
        found: list[list[slice]] = [[] for _ in range(frames)]
        frame = -1
        for fragment in fragments:
            frame = begins.get(fragment.start - _ITEM_HEADER, frame)
            found[frame].append(fragment)
        if len(begins) == frames and all(found) and fragments[0].start - _ITEM_HEADER in begins:
            return found
    elif not offsets and len(fragments) == frames:
        return [[fragment] for fragment in fragments]
    words = f"Its {len(fragments)} fragments of compressed pixels are not those of the {frames} frames that it counts."
    raise BadFile("file-damaged", words)


def _items(content: bytes, here: int) -> list[slice]:
    """The bytes of every item up to the end of the sequence: the offset table, then the fragments."""
    found: list[slice] = []
    for _ in range(MAX_FRAGMENTS):
        tag = content[here : here + 4]
        if found and tag == _SEQUENCE_END:
            return found
        if tag != _ITEM or here + _ITEM_HEADER > len(content):
            break
        begin = here + _ITEM_HEADER
        here = begin + struct.unpack_from("<I", content, here + 4)[0]
        found.append(slice(begin, here))
        if here > len(content):
            break
    raise BadFile("file-truncated", "It ends before its compressed pixels do.")


def decoded(
    syntax: str, codestream: bytes, *, shape: tuple[int, int], dtype: np.dtype[np.integer], bits: int
) -> NDArray[np.integer]:
    """Pixels (rows, columns) of one frame as `dtype`, of which `bits` are significant. Raises `BadFile`."""
    if syntax not in COMPRESSED:
        named = syntax if set(syntax) <= set("0123456789.") else "no valid UID"
        words = f"Its transfer syntax ({named}) is not one that is read."
        raise BadFile("transfer-syntax-not-supported", words)
    try:
        _check(syntax, codestream, shape=shape, dtype=dtype, bits=bits)
    except Unreadable as error:
        raise BadFile("file-damaged", f"Its compressed pixels cannot be decoded: {error}.") from None
    options: dict[str, Any] = {
        "rows": shape[0],
        "columns": shape[1],
        "number_of_frames": 1,
        "samples_per_pixel": 1,
        "bits_allocated": dtype.itemsize * 8,
        "bits_stored": bits,
        "photometric_interpretation": "MONOCHROME2",
        "pixel_representation": 1 if dtype.kind == "i" else 0,
        "pixel_keyword": "PixelData",
    }
    from petproc.dicom.general import encapsulate, get_decoder

    try:
        with _heard() if _plugin(syntax) == "gdcm" else nullcontext():
            values, _ = get_decoder(syntax).as_array(
                encapsulate([codestream], has_bot=False), index=0, raw=True, decoding_plugin=_plugin(syntax), **options
            )
    except Exception:  # the decoders raise whatever they like on damaged data
        raise BadFile("file-damaged", "Its compressed pixels cannot be decoded.") from None
    if values.shape != shape:
        raise BadFile("file-damaged", "Its compressed pixels are not of the size that its header says.")
    exact: NDArray[np.integer] = values.astype(dtype, copy=False)
    return exact


@contextmanager
def _heard() -> Iterator[None]:
    """Raise `Unreadable` where GDCM fills damaged pixels up with others: it says so on standard error alone."""
    with _one_at_a_time, tempfile.TemporaryFile() as heard:
        try:
            before = os.dup(2)
        except OSError:  # there is no standard error
            yield
            return
        try:
            os.dup2(heard.fileno(), 2)
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
        heard.seek(0)
        said = heard.read()
    if b"Corrupt JPEG data" in said:
        raise Unreadable("they are damaged")
    os.write(2, said)


def _plugin(syntax: str) -> str:
    kind = syntax.rsplit(".", 1)[1]
    if syntax == RLE:
        return "pydicom"
    if kind in _JPEG:
        return "pillow"
    if kind in _JPEG_LOSSLESS:
        return "gdcm"
    return "pyjpegls" if kind in _JPEG_LS else "pylibjpeg"


def _check(syntax: str, codestream: bytes, *, shape: tuple[int, int], dtype: np.dtype[np.integer], bits: int) -> None:
    """Raise unless the codestream claims what the header says, so that no decoder takes more memory than that."""
    if syntax == RLE:
        if len(codestream) < 64:
            raise Unreadable("they end inside their own header")
        _check_rle(codestream, shape[0] * shape[1])
        return
    said = claim(syntax, codestream)
    if (said.rows, said.columns, said.components) != (*shape, 1):
        raise Unreadable(
            f"they claim {said.rows} x {said.columns} x {said.components}, its header {shape[0]} x {shape[1]}"
        )
    if said.bits > dtype.itemsize * 8 or (dtype.kind == "i" and said.bits < bits):
        raise Unreadable(f"they claim {said.bits} bits, the header {bits} of {dtype.itemsize * 8}")
    if syntax.endswith((".4.50", ".4.51")) and said.bits != 8:
        raise BadFile("transfer-syntax-not-supported", "Its lossy JPEG has 12 bits, for which no decoder is installed.")
    if not is_complete(syntax, codestream):
        raise Unreadable("they end before the end of the image")


def _check_rle(codestream: bytes, plane: int) -> None:
    """An RLE frame names no size: its segments are counted, but for the byte that makes them even."""
    count, *starts = struct.unpack_from("<16I", codestream)
    edges = [*starts[: min(count, 15)], len(codestream)]
    for start, stop in pairwise(edges):
        held = rle_bytes(codestream[start:stop], 2 * plane)
        if not plane <= held <= plane + 2:
            raise Unreadable("they hold more or fewer pixels than the header says")
