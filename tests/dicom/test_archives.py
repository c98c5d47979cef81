"""Archives of every kind and in one another: what is good in them is read, what is hostile is one finding each."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from dicom_twin import dataset, encoded, in_folder
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage

from petproc.dicom import archives as archives_module
from petproc.dicom import listings as listings_module
from petproc.dicom import regions as regions_module
from petproc.dicom.archives import joined, kind_of, parted
from petproc.dicom.delivery import Seen, read_headers
from petproc.dicom.files import BadFile, Files

SLICE = encoded(dataset("CT", 0))
Content = dict[str, bytes]


def zipped(content: Content, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(content: Content, *special: tarfile.TarInfo) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in special:
            archive.addfile(info)
    return stream.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def slices(*numbers: int) -> Content:
    return {f"s/{n}.dcm": encoded(dataset("CT", n)) for n in numbers}


def seen(folder: Path, data: bytes, name: str = "delivery") -> list[Seen]:
    path = folder / name
    path.write_bytes(data)
    return list(read_headers([path]))


def instances(found: list[Seen]) -> list[str]:
    return [one.header.text("SOPInstanceUID") or "" for one in found if one.header and not one.bad]


def codes(found: list[Seen]) -> list[str]:
    return [one.bad.code for one in found if one.bad]


PACKERS: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, bz2.compress, lzma.compress]


@pytest.mark.parametrize("pack", PACKERS, ids=["tar", "gzip", "bzip2", "xz"])
def test_tars_are_read_whatever_they_are_packed_with_and_called(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    found = seen(tmp_path, pack(tarred(slices(0, 1, 2))))
    assert instances(found) == ["1.2.3.20.10", "1.2.3.20.9", "1.2.3.20.8"]
    assert [one.place.name for one in found] == [f"delivery/s/{n}.dcm" for n in range(3)]
    with Files() as files:
        for one in found:
            assert files.read(one.place.path, one.place.member) == encoded(dataset("CT", int(one.place.name[-5])))
            assert files.read(one.place.path, one.place.member, limit=200)[128:132] == b"DICM"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("inner", [zipped, tarred, lambda content: gzip.compress(tarred(content))])
def test_archives_in_a_zip_are_read_under_a_name_that_leads_back(
    tmp_path: Path, inner: Callable[[Content], bytes], method: int
) -> None:
    found = seen(tmp_path, zipped({"a/visit": inner(slices(0, 1)), "loose.dcm": SLICE}, method))
    assert sorted(instances(found)) == ["1.2.3.20.10", "1.2.3.20.10", "1.2.3.20.9"]
    assert [one.place.member for one in found] == ["a/visit!/s/0.dcm", "a/visit!/s/1.dcm", "loose.dcm"]
    assert [one.place.name for one in found] == [
        "delivery/a/visit/s/0.dcm",
        "delivery/a/visit/s/1.dcm",
        "delivery/loose.dcm",
    ]
    with Files() as files:
        assert files.read(found[1].place.path, "a/visit!/s/1.dcm") == slices(1)["s/1.dcm"]


@pytest.mark.parametrize(("depth", "read"), [(4, True), (5, False)])
def test_archives_are_opened_four_deep(tmp_path: Path, depth: int, read: bool) -> None:
    data = zipped(slices(0))
    for level in range(depth):
        data = (zipped if level % 2 else tarred)({"in": data, f"beside{level}.dcm": SLICE})
    found = seen(tmp_path, data)
    assert ("archive-too-deep" in codes(found)) is not read
    assert len(instances(found)) == depth + read


def test_names_with_the_mark_of_an_inner_archive_still_work(tmp_path: Path) -> None:
    tricky = {
        "b!/c.dcm": SLICE,
        "b": zipped({"c.dcm": encoded(dataset("CT", 1)), "d!": SLICE}),
        "e!": zipped(slices(2)),
    }
    found = seen(tmp_path, zipped(tricky))
    assert codes(found) == []
    with Files() as files:
        read = {one.place.name: files.read(one.place.path, one.place.member) for one in found}
    assert read == {
        "delivery/b!/c.dcm": SLICE,
        "delivery/b/c.dcm": encoded(dataset("CT", 1)),
        "delivery/b/d!": SLICE,
        "delivery/e!/s/2.dcm": encoded(dataset("CT", 2)),
    }


@given(st.lists(st.text("a!/", min_size=1), min_size=1, max_size=4).map(tuple))
def test_names_of_members_are_parted_as_they_were_joined(chain: tuple[str, ...]) -> None:
    assert parted(joined(chain)) == chain


def directory() -> bytes:
    """A DICOMDIR, which has no SOPInstanceUID of its own in its dataset."""
    one, record = Dataset(), Dataset()
    one.SOPClassUID, one.SOPInstanceUID = MediaStorageDirectoryStorage, "1.2.3.9"
    one.FileSetID, one.FileSetConsistencyFlag = "TRIAL", 0
    one.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 0
    record.DirectoryRecordType, record.PatientID, record.PatientName = "PATIENT", "TRIAL-7", "Secret^Person"
    one.DirectoryRecordSequence = [record] * 3000
    content = encoded(one)
    return content[: content.index(b"\x08\x00\x16\x00UI")]


def test_a_directory_is_part_of_a_delivery_and_no_finding(tmp_path: Path) -> None:
    content = directory()
    without_meta = content[content.index(b"\x04\x00\x30\x11") :]
    names = {"DICOMDIR": content, "dicomdir.dcm": content[132:], "a/index": content, "b/DICOMDIR;1": without_meta}
    in_folder(tmp_path / "d", {**names, "DICOMDIR.bak": content[:400], "plain": without_meta, "x.dcm": SLICE})
    assert [one.place.name for one in read_headers([tmp_path / "d"])] == ["d/x.dcm"]
    assert [one.place.name for one in seen(tmp_path, zipped({**names, "x.dcm": SLICE}))] == ["delivery/x.dcm"]


@pytest.mark.parametrize("name", ["../up.dcm", "/etc/abs.dcm", "a/../../b.dcm", "..\\w.dcm", "C:\\w.dcm", "a/.."])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_are_findings_and_not_read(
    tmp_path: Path, name: str, pack: Callable[[Content], bytes]
) -> None:
    found = seen(tmp_path, pack({name: SLICE, **slices(1)}))
    assert codes(found) == ["archive-name-outside"]
    assert instances(found) == ["1.2.3.20.9"]


def test_links_and_devices_in_a_tar_are_never_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.dcm").write_bytes(SLICE)
    links = [
        special("soft", tarfile.SYMTYPE, str(tmp_path / "secret.dcm")),
        special("hard", tarfile.LNKTYPE, "s/1.dcm"),
        special("pipe", tarfile.FIFOTYPE),
        special("device", tarfile.CHRTYPE),
        special("folder", tarfile.DIRTYPE),
    ]
    found = seen(tmp_path, tarred(slices(1), *links))
    assert codes(found) == ["archive-link"] * 4
    assert {one.place.name for one in found if one.bad} == {f"delivery/{n}" for n in ("soft", "hard", "pipe", "device")}
    assert instances(found) == ["1.2.3.20.9"]


def test_a_link_in_a_zip_is_not_followed(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("soft")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    stream = io.BytesIO(zipped(slices(1)))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    found = seen(tmp_path, stream.getvalue())
    assert codes(found) == ["archive-link"]
    assert instances(found) == ["1.2.3.20.9"]


def doubled(pack: str, second: bytes) -> bytes:
    if pack == "tar":
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for data in (SLICE, second, SLICE):
                info = tarfile.TarInfo("same.dcm")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return stream.getvalue()
    names = {f"same{n}.dcm": data for n, data in enumerate((SLICE, second, SLICE))}
    data = zipped(names)
    for name in names:
        data = data.replace(name.encode(), b"same0.dcm")
    return data


@pytest.mark.parametrize("pack", ["zip", "tar"])
def test_two_different_files_of_one_name_are_one_finding_and_neither_is_read(tmp_path: Path, pack: str) -> None:
    found = seen(tmp_path, doubled(pack, encoded(dataset("CT", 1)) + b"\0\0"))
    assert codes(found) == ["archive-name-twice"]
    assert instances(found) == []


def test_one_file_listed_twice_in_a_zip_is_read_once(tmp_path: Path) -> None:
    found = seen(tmp_path, doubled("zip", SLICE))
    assert (codes(found), len(found)) == ([], 1)


def test_a_member_without_a_name_does_not_keep_its_neighbours_from_being_read(tmp_path: Path) -> None:
    data = bytearray(zipped({"x": b"nothing", "a.dcm": SLICE}))
    entry = data.index(b"PK\x01\x02")
    data[entry + 28 : entry + 34] = struct.pack("<HHH", 0, 0, 1)  # the x becomes a comment
    found = seen(tmp_path, bytes(data))
    assert [one.place.name for one in found if one.header] == ["delivery/a.dcm"]


def test_entries_that_share_their_bytes_are_not_read(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.dcm": SLICE, "b.dcm": SLICE, "c.dcm": SLICE}))
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 0)  # b.dcm claims the place of a.dcm
    found = seen(tmp_path, bytes(data))
    assert codes(found) == ["archive-entries-overlap"] * 2
    assert [one.place.name for one in found if one.header] == ["delivery/c.dcm"]


def test_an_encrypted_member_is_a_finding_and_the_rest_is_read(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.dcm": SLICE, "b.dcm": SLICE}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    found = seen(tmp_path, bytes(data))
    assert codes(found) == ["file-encrypted"]
    assert len(instances(found)) == 1


def test_a_method_that_nobody_reads_is_said(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.dcm": SLICE}))
    data[data.index(b"PK\x01\x02") + 10] = 97
    assert codes(seen(tmp_path, bytes(data))) == ["archive-method-not-supported"]


@pytest.mark.parametrize("name", ["new\nline.dcm", "tab\t.dcm", "\x1b[31m.dcm"])
def test_names_that_no_table_can_hold_are_findings(tmp_path: Path, name: str) -> None:
    found = seen(tmp_path, tarred({name: SLICE, **slices(1)}))
    assert codes(found) == ["file-name-unreadable"]
    assert found[0].place.name.isprintable()


@pytest.mark.parametrize("inside", ["zip", "tar.gz"])
def test_a_bomb_in_an_archive_is_one_finding(tmp_path: Path, inside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives_module, "RATIO_FROM_BYTES", 1 << 20)
    zeros = tarred({"zeros": bytes(20 << 20)})
    bomb = gzip.compress(zeros) if inside == "tar.gz" else zipped({"in.tar": zeros})
    found = seen(tmp_path, zipped({"bomb": bomb, **slices(1)}, zipfile.ZIP_STORED))
    assert codes(found) == ["archive-bomb"]
    assert instances(found) == ["1.2.3.20.9"]


def test_archives_taken_out_of_others_have_a_limit_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives_module, "MAX_SPOOL_BYTES", 3_000_000)
    inner = {f"{n}.tar": tarred({"noise": random.Random(n).randbytes(1_000_000), **slices(n)}) for n in range(4)}
    found = seen(tmp_path, zipped(inner))
    assert codes(found) == ["not-dicom", "not-dicom", "archive-too-large", "archive-too-large"]
    assert len(instances(found)) == 2


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_too_many_members_are_a_finding(
    tmp_path: Path, pack: Callable[[Content], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings_module, "MAX_MEMBERS", 20)
    (code,) = codes(seen(tmp_path, pack({f"{n}": SLICE for n in range(21)})))
    assert code in ("archive-too-large", "archive-unreadable")


@pytest.mark.parametrize("cut", [100, 600, 1500])
def test_a_truncated_tar_gives_what_it_still_holds(tmp_path: Path, cut: int) -> None:
    whole = tarred(slices(0, 1, 2))
    found = seen(tmp_path, whole[: 2 * (512 + -(-len(SLICE) // 512) * 512) + cut])
    assert codes(found)
    assert instances(found)[:2] == ["1.2.3.20.10", "1.2.3.20.9"]


def test_a_damaged_header_in_a_tar_is_a_finding(tmp_path: Path) -> None:
    data = bytearray(tarred(slices(0, 1, 2)))
    data[data.index(b"s/1.dcm")] ^= 0xFF
    found = seen(tmp_path, bytes(data))
    assert codes(found) == ["archive-unreadable"]
    assert instances(found) == ["1.2.3.20.10"]


def test_a_tar_that_leads_back_into_itself_comes_to_an_end(tmp_path: Path) -> None:
    info = tarfile.TarInfo("back.dcm")
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 10 + struct.pack(">h", -1024)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    found = seen(tmp_path, tarred(slices(0))[: 512 + -(-len(SLICE) // 512) * 512] + bytes(block) + bytes(1024))
    assert instances(found) == ["1.2.3.20.10"]
    assert set(codes(found)) <= {"archive-unreadable", "file-truncated"}
    assert codes(found)


def test_a_damaged_inner_archive_is_a_finding_and_its_neighbours_are_read(tmp_path: Path) -> None:
    inner = bytearray(zipped(slices(0)))
    good = zipped({"bad.zip": bytes(inner), "good.zip": zipped(slices(1))}, zipfile.ZIP_STORED)
    at = good.index(b"PK\x03\x04", 10) + 60
    data = good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :]
    found = seen(tmp_path, data)
    assert codes(found) == ["file-damaged"]
    assert instances(found) == ["1.2.3.20.9"]


def test_a_file_packed_alone_is_no_dicom(tmp_path: Path) -> None:
    assert codes(seen(tmp_path, gzip.compress(SLICE))) == ["not-dicom"]
    assert codes(seen(tmp_path, gzip.compress(SLICE)[:100])) == ["not-dicom"]


def test_nothing_is_left_behind_and_no_file_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    monkeypatch.setattr(regions_module, "OPEN_FILES_MAX", 4)
    (tmp_path / "temp").mkdir()
    folder = in_folder(tmp_path / "d", {f"{n}.zip": zipped({"in.tar": tarred(slices(n))}) for n in range(10)})
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert len(instances(list(read_headers([folder])))) == 10
    assert list((tmp_path / "temp").iterdir()) == []
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{n}.zip" for n in range(10))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_an_inner_archive_is_unpacked_once_for_many_threads(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    path = tmp_path / "d.zip"
    path.write_bytes(zipped({"in.zip": zipped(slices(*range(10)))}))
    with Files() as files, ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda n: files.read(str(path), f"in.zip!/s/{n % 10}.dcm"), range(200)))
        spool = files._archives._spool
        assert spool
        assert spool.size == len(zipped(slices(*range(10))))
    assert read == [slices(n % 10)[f"s/{n % 10}.dcm"] for n in range(200)]


def test_the_order_is_the_same_whatever_the_threads(tmp_path: Path) -> None:
    content = {f"v{n}.zip": zipped(slices(n, (n + 1) % 10)) for n in range(8)}
    in_folder(tmp_path / "d", {**content, "loose.dcm": SLICE})
    first, again = ([one.place.name for one in read_headers([tmp_path / "d"])] for _ in range(2))
    assert first == again == sorted(first)


def test_progress_ends_at_the_number_of_files(tmp_path: Path) -> None:
    (tmp_path / "d.zip").write_bytes(zipped({"in.zip": zipped(slices(0, 1)), **slices(2)}))
    told: list[tuple[int, int]] = []
    list(read_headers([tmp_path / "d.zip"], progress=lambda done, known: told.append((done, known))))
    assert told[-1] == (3, 3)
    assert [done for done, _ in told] == [1, 2, 3]


def test_an_archive_changed_at_random_is_read_or_refused_and_never_a_crash(tmp_path: Path) -> None:
    chance = random.Random(20250102)
    small = {"a.dcm": SLICE[:2000], "in": zipped({"b": b"x" * 40})}
    originals = [zipped(small), tarred(small), gzip.compress(tarred(small)), zipped({"t": tarred(small)})]
    outcomes: set[str] = set()
    for _ in range(300):
        content = bytearray(chance.choice(originals))
        for _ in range(chance.choice((1, 3))):
            at = chance.randrange(len(content))
            content[at : at + chance.randrange(6)] = chance.randbytes(chance.randrange(6))
        outcomes |= set(codes(seen(tmp_path, bytes(content))))
    assert outcomes >= {"archive-unreadable", "file-damaged", "file-truncated", "not-dicom"}


def test_kinds_are_told_by_their_bytes() -> None:
    assert kind_of(zipped({})) == "zip"
    assert kind_of(SLICE[:512]) is None
    assert kind_of(bytes(512)) is None
    assert kind_of(tarred({"a": b""})[:512]) == "tar"
    with pytest.raises(BadFile), Files() as files:
        files.read(__file__, "no archive")
    assert zlib.crc32(b"") == 0


def test_members_of_all_archives_in_one_another_are_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives_module, "MAX_MEMBERS", 10)
    found = seen(tmp_path, zipped({f"{n}.zip": zipped(slices(0, 1, 2)) for n in range(4)}))
    assert codes(found) == ["archive-too-large"] * 2
    assert len(instances(found)) == 6


def test_a_reason_does_not_hold_the_bytes_of_its_file(tmp_path: Path) -> None:
    for one in seen(tmp_path, zipped({f"{n}": SLICE[: 300 + n] for n in range(5)})):
        assert one.bad
        assert one.bad.__traceback__ is None
        assert one.bad.__context__ is None
