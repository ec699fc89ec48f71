"""Reading ahead: in order, while steps are made, no further than asked, and nothing left behind."""

from __future__ import annotations

import threading

import pytest

from melanoma_edge.training.feed import read_ahead

SOON = 60


def test_batches_come_in_order_each_read_once() -> None:
    read: list[int] = []

    def reading(task: int) -> int:
        read.append(task)
        return task * 10

    assert list(read_ahead(range(7), reading)) == [0, 10, 20, 30, 40, 50, 60]
    assert read == list(range(7))
    assert list(read_ahead([], reading)) == []


def test_while_a_step_is_made_the_next_batches_are_read_and_no_more() -> None:
    """A step that lasts until the batches after its own are there: without reading ahead it would last for ever."""
    there = [threading.Event() for _ in range(6)]

    def reading(task: int) -> int:
        there[task].set()
        return task

    for task in read_ahead(range(6), reading, depth=2):
        ahead = there[task + 1 : task + 3]
        assert all(event.wait(SOON) for event in ahead), f"batch {task} is in use and the next are not read"
        assert not any(event.is_set() for event in there[task + 3 :]), "memory holds no more than was asked"


def test_reading_happens_in_one_thread_that_ends_with_the_loop() -> None:
    names = set()

    def reading(task: int) -> int:
        names.add(threading.current_thread().name)
        return task

    batches = read_ahead(range(100), reading)
    next(batches)
    batches.close()  # type: ignore[attr-defined]  # a generator is an iterator that can be closed
    assert len(names) == 1
    assert threading.current_thread().name not in names
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_an_error_comes_where_its_batch_would_have() -> None:
    def reading(task: int) -> int:
        if task == 2:
            raise OSError("disk")
        return task

    batches = read_ahead(range(5), reading)
    assert [next(batches), next(batches)] == [0, 1]
    with pytest.raises(OSError, match="disk"):
        next(batches)
