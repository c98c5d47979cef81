"""The inventory of thousands of small files against a bare loop of pydicom: what `ingest.py --inventory` runs."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

BAR = 2.0
SLICES, SERIES = 200, 10
"""Slices of a series, series of a person."""
INSTANCE, SERIES_UID, STUDY, PERSON = "1.2.99.1.100000000", "1.2.99.2.100000000", "1.2.99.3.100000000", "P00000000"
PLACE = "+0000000.5"


def compare(files: int, rounds: int, work: Path) -> bool:
    """Print `take_inventory` beside `dcmread(stop_before_pixels=True)` on one core; whether the bar is reached."""
    _write(work / "delivery", files)
    seen: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        for mode in ("inventory", "bare"):
            command = [sys.executable, __file__, str(work / "delivery"), mode]
            answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            if number:
                seen[mode].append(float(answer.stdout))
    ours, bare = (median(seen[mode]) for mode in ("inventory", "bare"))
    print(f"{files} files: inventory {ours:.1f} s, dcmread(stop_before_pixels=True) on one core {bare:.1f} s")
    reached = ours <= BAR * bare
    print(f"{'reached' if reached else 'MISSED '}  inventory: {ours / bare:.2f} x the bare loop, bar {BAR}")
    return reached


def _write(folder: Path, number: int) -> None:
    """CTs of 32 x 32; the header has 5 kB, as scanners write it. One is encoded, the others differ in its numbers."""
    plain = _encoded()
    for n in range(number):
        content = plain
        for token, value in (
            (INSTANCE, n),
            (SERIES_UID, n // SLICES),
            (STUDY, n // SLICES // SERIES),
            (PERSON, n // SLICES // SERIES),
        ):
            content = content.replace(token.encode(), f"{token[:-8]}{value:08d}".encode())
        content = content.replace(PLACE.encode(), f"+{n % SLICES:07d}.5".encode())
        path = folder / f"{n // SLICES:05d}" / f"{n:08d}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _encoded() -> bytes:
    from pydicom import dcmwrite
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID, one.file_meta.MediaStorageSOPInstanceUID = CTImageStorage, INSTANCE
    one.SOPClassUID, one.SOPInstanceUID, one.SeriesInstanceUID = CTImageStorage, INSTANCE, SERIES_UID
    one.StudyInstanceUID, one.PatientID, one.Modality, one.FrameOfReferenceUID = STUDY, PERSON, "CT", STUDY
    one.ImageType, one.SeriesNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], 3
    one.StudyDate = one.SeriesDate = one.AcquisitionDate = "20250101"
    one.StudyTime = one.SeriesTime = one.AcquisitionTime = "100000"
    one.ImagePositionPatient, one.ImageOrientationPatient = ["0", "0", PLACE], [1, 0, 0, 0, 1, 0]
    one.PixelSpacing, one.Rows, one.Columns = [1, 1], 32, 32
    one.BitsAllocated = one.BitsStored = 16
    one.HighBit, one.PixelRepresentation, one.SamplesPerPixel, one.PhotometricInterpretation = 15, 1, 1, "MONOCHROME2"
    one.RescaleSlope, one.RescaleIntercept, one.PixelData = 1, -1024, bytes(2048)
    one.add_new(0x00190010, "LO", "PETPROC BENCHMARK")
    for element in range(60):
        one.add_new(0x00191000 + element, "LO", "x" * 40)
    stream = io.BytesIO()
    dcmwrite(stream, one, enforce_file_format=True)
    return stream.getvalue()


def main(delivery: Path, mode: str) -> None:
    """Print the seconds of one inventory or of one bare loop, after the imports."""
    from pydicom import dcmread

    from petproc.ingest.inventory import take_inventory

    paths = sorted(path for path in delivery.rglob("*") if path.is_file())
    with tempfile.TemporaryDirectory() as study:
        start = time.perf_counter()
        if mode == "inventory":
            assert take_inventory(Path(study), [delivery]).files == len(paths)
        else:
            for path in paths:
                dcmread(path, stop_before_pixels=True)
        print(time.perf_counter() - start)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
