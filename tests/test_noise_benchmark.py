"""Bias and spread of the noise benchmark, by hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "noisy" / "spread.py"


@pytest.fixture(scope="module")
def spread() -> ModuleType:
    spec = importlib.util.spec_from_file_location("noise_spread", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["noise_spread"] = module
    spec.loader.exec_module(module)
    return module


def test_bias_and_sd_are_of_all_differences_and_the_standard_error_is_of_the_scans(spread: ModuleType):
    found = spread.spread_of([[1.0, 3.0], [5.0, 7.0], []])
    assert found.bias == 4.0
    assert found.sd == pytest.approx((20 / 3) ** 0.5)
    assert found.error == pytest.approx(2.0)  # means 2 and 6: SD 2.83, over the root of 2
    assert found.scans == 2
    assert str(found) == "+4.0 ± 2.6"


def test_one_difference_has_no_spread_and_none_has_no_bias(spread: ModuleType):
    one = spread.spread_of([[-2.5]])
    assert (one.bias, one.sd, one.error, str(one)) == (-2.5, None, None, "-2.5")
    assert spread.spread_of([[], []]) is None


def test_a_difference_is_in_per_cent_of_the_truth_and_a_zero_has_no_sign(spread: ModuleType):
    assert spread.percent(2.2, 2.0) == pytest.approx(10.0)
    assert spread.signed(-0.04) == "0.0"
