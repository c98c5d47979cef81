"""Work over the rows of arrays, cut into chunks that several threads share.

The answer never depends on the cut: a chunk function must treat every row by itself (element-wise arithmetic, look-ups,
sorting within a row; no matrix product, whose summation order may follow the number of rows), and the chunks are joined
in order. Threads help as far as numpy and scipy release the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def map_rows(function: Callable[..., Array], *arrays: Array, rows: int, threads: int) -> Array:
    """`function(*arrays)` for arrays of shape (n, ...), computed `rows` rows at a time in `threads` threads.

    `function` takes the same rows of every array and returns an array with one row for each of them. It is called once
    with no rows where there are none, so that the shape and type of the answer are always its own.
    """
    count = len(arrays[0])
    if any(len(array) != count for array in arrays):
        raise ValueError(f"arrays of {[len(array) for array in arrays]} rows")
    if rows < 1 or threads < 1:
        raise ValueError(f"rows {rows} and threads {threads} must be at least 1")
    starts = range(0, max(count, 1), rows)
    if len(starts) == 1:
        return function(*arrays)

    import dask

    tasks = [dask.delayed(function, pure=False)(*(array[start : start + rows] for array in arrays)) for start in starts]
    return np.concatenate(dask.compute(*tasks, scheduler="threads", num_workers=threads))
