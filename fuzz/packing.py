"""Deliveries packed in every way, and archives whose structure lies."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from random import Random

Files = dict[str, bytes]
Pack = Callable[[Files, Random], bytes]

CLIMBING = ("../../climbed", "/etc/absolute", "a/../../b", "C:\\x", "..\\..\\b", "a//b", "", ".", "x" * 300, "nul\0l")
CLAIMS = (b"77777777777\0", b"-0000000001\0", b"\x80" + b"\xff" * 11)
"""Sizes of a tar entry: 8 GiB, below nothing, beyond everything."""
BOMB_BYTES = 20 << 20


def zipped(files: Files, chance: Random) -> bytes:
    stream = io.BytesIO()
    kind = chance.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", kind) as archive:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name or "empty"), content, kind)
            if chance.random() < 0.02:
                archive.writestr(zipfile.ZipInfo(name or "empty"), content[::2], kind)
    return stream.getvalue()


def tarred(files: Files, chance: Random) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", format=chance.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT))
    ) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("\0", "") or "empty")
            entry.size = len(content)
            if chance.random() < 0.02:
                entry.type = chance.choice((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE))
                entry.linkname, entry.size = chance.choice(("/etc/passwd", "../../x", name)), 0
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def packed(files: Files, chance: Random) -> bytes:
    return chance.choice((_gzip, bz2.compress, _xz))(tarred(files, chance))


def _xz(content: bytes) -> bytes:
    return lzma.compress(content, preset=0)


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)


PACKS: tuple[Pack, ...] = (zipped, zipped, tarred, packed)


def archive(files: Files, chance: Random) -> bytes:
    """The files in one archive, or in archives in archives."""
    files = dict(files)
    if chance.random() < 0.3:
        files |= {chance.choice(CLIMBING): b"climbed", "link": b"/etc/passwd"}
    if chance.random() < 0.03:
        files["bomb"] = bytes(BOMB_BYTES)
    content = chance.choice(PACKS)(files, chance)
    for _ in range(chance.choice((0, 0, 0, 1, 2, 6))):
        content = chance.choice(PACKS)({chance.choice(("inner.zip", "inner", "a/b.tgz")): content}, chance)
    return content


def lying(content: bytes, chance: Random) -> bytes:
    """A field of the structure that is not true: zip directories and local headers, tar headers, gzip trailers."""
    turned = bytearray(content)
    places = [at for mark in (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"ustar") for at in _places(content, mark)]
    if not places:
        places = [0, max(0, len(content) - 8)]
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.choice(places) + chance.randrange(4, 46)
        if content[at : at + 1]:
            value = chance.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, chance.randrange(1 << 32)))
            size = chance.choice((1, 2, 4))
            turned[at : at + size] = struct.pack("<I", value)[:size]
    return bytes(turned)


def claiming(content: bytes, chance: Random) -> bytes:
    """A tar whose entry claims to be large, or a zip whose entry is a link or protected."""
    turned = bytearray(content)
    for at in _places(content, b"ustar"):
        head = at - 257
        if head >= 0 and chance.random() < 0.3:
            turned[head + 124 : head + 136] = chance.choice(
                (b"77777777777\0", b"-0000000001\0", b"\x80" + b"\xff" * 11)
            )
            turned[head + 148 : head + 156] = b" " * 8
            turned[head + 148 : head + 156] = b"%06o\0 " % (sum(turned[head : head + 512]))
    for at in _places(content, b"PK\1\2"):
        if chance.random() < 0.3:
            turned[at + 38 : at + 42] = struct.pack("<I", (stat.S_IFLNK | 0o777) << 16)
            turned[at + 8] |= chance.choice((0, 1))
    return bytes(turned)


def _places(content: bytes, mark: bytes) -> list[int]:
    found, at = [], content.find(mark)
    while at >= 0 and len(found) < 200:
        found.append(at)
        at = content.find(mark, at + 1)
    return found
