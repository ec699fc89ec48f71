"""Decoded squares in a file, read as they are asked for, so that memory does not grow with their number.

Read and not mapped: pages of a mapping count as the process's own memory, and are fetched by the kernel in pieces of
its own choosing, where a read asks for exactly one square.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from melanoma_edge.errors import MachineError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    Places = Sequence[int] | NDArray[np.integer[Any]]


class StoredSquares:
    """Stand for the squares, uint8 ``[n, size, size, 3]``, that lie end to end in a file from ``offset`` on.

    The file stays open for as long as this or what was picked from it is used, even when its name is removed.

    Args:
        path: the file.
        offset: of the first square, in bytes.
        count: number of squares.
        size: side of each in pixels.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, path: Path, offset: int, count: int, size: int) -> None:
        self._file, self._offset, self._size = _File(path), offset, size
        self._places: NDArray[np.int64] = np.arange(count)

    def picked(self, places: Places) -> StoredSquares:
        """Return some of the squares, in the order given, without reading them."""
        chosen = object.__new__(StoredSquares)
        chosen._file, chosen._offset, chosen._size = self._file, self._offset, self._size
        chosen._places = self._places[np.asarray(places, np.int64)]
        return chosen

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number of squares, then the shape of one."""
        return len(self), self._size, self._size, 3

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, places: int | slice | Places, /) -> NDArray[np.uint8]:
        """Read one square ``[size, size, 3]``, or several ``[m, size, size, 3]``.

        Raises:
            IndexError: for a square that is not there.
            MachineError: when the file was cut short.
        """
        chosen = self._places[places if isinstance(places, int | slice) else _numbers(places)]
        found = np.empty((chosen.size, *self.shape[1:]), np.uint8)
        for square, place in zip(found, np.atleast_1d(chosen).tolist(), strict=True):
            self._file.read_into(square, self._offset + place * square.nbytes)
        return found[0] if chosen.ndim == 0 else found

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)


def _numbers(places: ArrayLike) -> NDArray[Any]:
    numbers = np.asarray(places)
    return numbers if numbers.size else numbers.astype(np.int64)


class _File:
    """Keep a file open for reading at any place, by several threads."""

    def __init__(self, path: Path) -> None:
        self._path, self._number = path, os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._number)

    def read_into(self, square: NDArray[np.uint8], offset: int) -> None:
        rest = square.data.cast("B")
        while rest:
            count = os.preadv(self._number, [rest], offset)
            if not count:
                fix = "delete the file; it is made again when it is needed"
                raise MachineError("the pixel cache was cut short while it was used", where=str(self._path), fix=fix)
            rest, offset = rest[count:], offset + count
