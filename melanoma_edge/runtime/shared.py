"""Questions to another process: arrays lie in memory that both share, the pipe carries the rest."""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
from multiprocessing.connection import Connection
from typing import Any

_LEAST = 1 << 16
"""Bytes below which an array goes through the pipe."""


def memory_file() -> int:
    """Return the descriptor of an empty file that lies in memory where the system can, and is gone when closed."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("melanoma-edge")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Questions:
    """One end of a pipe for questions, with the memory behind ``descriptor``.

    Arrays of a question that was received lie in the shared memory: they hold until it is answered.
    """

    def __init__(self, pipe: Connection[Any, Any], descriptor: int) -> None:
        self._pipe, self._file = pipe, descriptor
        self._memory: mmap.mmap | None = None

    def send(self, question: Any) -> None:
        """Send a question; the one before it must have been answered."""
        found: list[memoryview] = []

        def apart(buffer: pickle.PickleBuffer) -> bool:
            raw = buffer.raw()
            if raw.nbytes >= _LEAST:
                found.append(raw)
            return raw.nbytes < _LEAST

        data = pickle.dumps(question, protocol=5, buffer_callback=apart)
        sizes, end = [raw.nbytes for raw in found], 0
        if os.fstat(self._file).st_size < sum(sizes):
            os.ftruncate(self._file, sum(sizes))
        memory = self._mapped(sum(sizes))
        for raw in found:
            memory[end : end + raw.nbytes] = raw
            end += raw.nbytes
        self._pipe.send((data, sizes))

    def receive(self) -> Any:
        """Return the next question.

        Raises:
            EOFError: when the other end is closed.
        """
        data, sizes = self._pipe.recv()
        memory, starts = self._mapped(sum(sizes)), [sum(sizes[:place]) for place in range(len(sizes))]
        parts = [memory[start : start + size] for start, size in zip(starts, sizes, strict=True)]
        return pickle.loads(data, buffers=parts)

    def _mapped(self, size: int) -> memoryview:
        """Return the memory, of at least ``size`` bytes; arrays in an older mapping keep that."""
        if not size:
            return memoryview(b"")
        if self._memory is None or len(self._memory) < size:
            self._memory = mmap.mmap(self._file, os.fstat(self._file).st_size)
        return memoryview(self._memory)
