"""Work spread over processes: results in order, little of it waiting at a time, nothing left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from melanoma_edge.errors import MachineError, UsageError

Task = TypeVar("Task")
Result = TypeVar("Result")
_AHEAD = 4


def usual_workers() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def check_workers(workers: int | None) -> int:
    """Return a number of processes, all cores where none is given; raises ``UsageError`` for less than one."""
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} processes cannot do any work", fix="give at least 1, or leave it out")
    return workers or usual_workers()


def spread(
    work: Callable[[Task], Result], tasks: Iterable[Task], workers: int, prepare: Callable[[], None] | None = None
) -> Generator[Result, None, None]:
    """Yield ``work(task)`` for each task, in order.

    With one worker it is done in this process. Tasks are taken as they are needed, so memory does not grow with
    their number; at most four a worker wait or are done ahead.

    Args:
        work: a function of a module, or a partial of one.
        tasks: whatever can be pickled.
        workers: number of processes.
        prepare: called once in each process, this one too when it works alone.

    Raises:
        MachineError: when a process was ended from outside, as by lack of memory.
    """
    if workers == 1:
        if prepare:
            prepare()
        yield from map(work, tasks)
        return
    # Spawned, because a forked child of a process with running threads can hang.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin, initargs=(prepare,)) as pool:
        rest = iter(tasks)
        waiting: deque[Future[Result]] = deque(pool.submit(work, task) for task in islice(rest, _AHEAD * workers))
        try:
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, task) for task in islice(rest, 1))
                yield result
        except BrokenProcessPool as error:
            fix = "give fewer workers, or free some memory"
            raise MachineError("a working process was ended from outside", fix=fix) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(prepare: Callable[[], None] | None) -> None:
    _settle()
    if prepare:
        prepare()


def _settle() -> None:
    """Leave Ctrl-C to the parent, and end with it even when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
