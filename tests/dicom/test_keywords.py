"""What is known of attributes without pydicom is what pydicom knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword

import petproc
from petproc.dicom.header import tag_of
from petproc.dicom.keywords import KEYWORDS

ROOT = Path(petproc.__file__).parent
BY_PYDICOM = ("reference_objects.py", "reference_catalogue.py", "write.py", "masks.py", "seg.py", "rtstruct.py")
"""Modules that have pydicom at hand anyway."""
NO_ATTRIBUTES = ("Date", "Time", "PixelData", "QuantityDefinitionSequence")
"""Words that are keywords too but end or name something else here, or are read of objects that few sites send."""


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_tag_and_kind_are_those_of_the_dictionary(keyword: str) -> None:
    tag, kind = KEYWORDS[keyword]
    assert (tag, kind) == (tag_for_keyword(keyword), dictionary_VR(tag).replace(" or ", "|"))


def test_every_attribute_that_is_read_is_in_the_table() -> None:
    read = set()
    for path in (*(ROOT / "dicom").glob("*.py"), *(ROOT / "ingest").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())) if path.name not in BY_PYDICOM else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                read |= {node.value} if tag_for_keyword(node.value) else set()
    assert read - set(NO_ATTRIBUTES) - set(KEYWORDS) == set()


def test_another_attribute_is_asked_of_pydicom() -> None:
    assert tag_of("PatientComments") == 0x00104000
    with pytest.raises(KeyError, match="NoSuchThing"):
        tag_of("NoSuchThing")


def test_plain_files_are_ingested_without_starting_pydicom_nibabel_or_scipy() -> None:
    code = (
        "import sys, petproc.ingest, petproc.io; print(*{'pydicom', 'nibabel', 'scipy', 'pandas'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == ""
