"""What images are to those who use them: squares of bytes, in memory or on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Squares(Protocol):
    """Stand for images uint8 ``[n, N, N, 3]`` of which parts are asked for: an array, or what reads them from disk.

    Ask for no more at a time than memory should hold; what is given is an array of its own, or a view of one.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, N, N, 3)``."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[NDArray[np.uint8]]: ...

    def __getitem__(self, places: int | slice | Sequence[int] | NDArray[np.integer[Any]], /) -> NDArray[np.uint8]: ...
