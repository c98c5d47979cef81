"""Rows in chunks and threads: the cut never shows in the answer."""

import threading

import numpy as np
import pytest

from petproc.core.chunked import map_rows


def rooted(values, shifts):
    return np.sqrt(values) * np.sin(values) + shifts[:, None]


@pytest.fixture
def numbers():
    rng = np.random.default_rng(4)
    return rng.random((1001, 3)), rng.random(1001)


@pytest.mark.parametrize("rows", [1, 7, 500, 1000, 1001, 5000])
@pytest.mark.parametrize("threads", [1, 3])
def test_any_cut_and_any_number_of_threads_give_the_same_bits(numbers, rows, threads):
    assert map_rows(rooted, *numbers, rows=rows, threads=threads).tobytes() == rooted(*numbers).tobytes()


def test_chunks_are_joined_in_order_even_if_the_first_is_the_last_to_finish():
    second_done = threading.Event()

    def first_waits(values):
        if values[0] == 0:
            assert second_done.wait(timeout=20)
        else:
            second_done.set()
        return values

    np.testing.assert_array_equal(map_rows(first_waits, np.arange(8), rows=4, threads=2), np.arange(8))


def test_no_rows_give_an_answer_of_the_functions_own_shape_and_type():
    answer = map_rows(lambda a: np.zeros((len(a), 5), np.float32), np.empty((0, 3)), rows=10, threads=2)
    assert answer.shape == (0, 5)
    assert answer.dtype == np.float32


def test_arrays_of_different_length_are_an_error():
    with pytest.raises(ValueError, match="rows"):
        map_rows(rooted, np.zeros((3, 1)), np.zeros(4), rows=2, threads=1)


@pytest.mark.parametrize(("rows", "threads"), [(0, 1), (1, 0)])
def test_a_chunk_has_a_row_and_a_pool_a_thread(rows, threads):
    with pytest.raises(ValueError, match="at least 1"):
        map_rows(np.sqrt, np.zeros(3), rows=rows, threads=threads)


def test_an_error_in_a_chunk_is_not_swallowed():
    def fails(values):
        raise ArithmeticError(f"bad row {values[0]}")

    with pytest.raises(ArithmeticError, match="bad row"):
        map_rows(fails, np.zeros(9), rows=2, threads=2)
