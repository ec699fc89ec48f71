"""Batches read ahead, by a thread, of the steps that need them: no step waits for the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Task = TypeVar("Task")
Batch = TypeVar("Batch")
_AHEAD = 2


def read_ahead(tasks: Iterable[Task], read: Callable[[Task], Batch], depth: int = _AHEAD) -> Iterator[Batch]:
    """Yield ``read(task)`` for each task, in order; while one is used, the next are being read.

    The order, and so the result of a training, does not depend on who is faster. What ``read`` raises is raised where
    its batch would have come.

    Args:
        tasks: what to read, such as the places of a batch.
        read: called in one thread of its own.
        depth: how many batches are read, or being read, before they are asked for.
    """
    rest, pool = iter(tasks), ThreadPoolExecutor(1, "read-ahead")
    try:
        waiting: deque[Future[Batch]] = deque(pool.submit(read, task) for task in islice(rest, depth))
        while waiting:
            batch = waiting.popleft().result()
            waiting.extend(pool.submit(read, task) for task in islice(rest, 1))
            yield batch
    finally:
        pool.shutdown(cancel_futures=True)
