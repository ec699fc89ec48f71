"""Questions whose arrays lie in shared memory: they arrive as they are, and only arrays that are small use the pipe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from multiprocessing import Pipe
from typing import Any

import numpy as np
import pytest

from melanoma_edge.runtime.shared import Questions, memory_file

SIDE = 200


@pytest.fixture
def ends() -> Iterator[tuple[Questions, Questions, int]]:
    file, (ours, theirs) = memory_file(), Pipe()
    with ours, theirs:
        yield Questions(ours, file), Questions(theirs, os.dup(file)), file
    os.close(file)


def drawn(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_a_question_arrives_as_it_was(ends: Any) -> None:
    asking, answering, _ = ends
    for question in (
        None,
        ("infer", drawn(0, 4, SIDE, SIDE, 3)),
        ("infer", drawn(1, 2, 3)),
        {"two": [drawn(2, SIDE, SIDE, 3), drawn(3, 9, SIDE, SIDE, 3).astype(np.float32)]},
        ("turned", drawn(4, SIDE, SIDE, 3).transpose(1, 0, 2)),
        ("empty", drawn(5, 0, SIDE, SIDE, 3)),
    ):
        asking.send(question)
        np.testing.assert_equal(answering.receive(), question)


def test_large_arrays_do_not_go_through_the_pipe(ends: Any) -> None:
    asking, answering, file = ends
    asking.send(drawn(0, 100, SIDE, SIDE, 3))  # a pipe holds less: sending would never end
    assert os.fstat(file).st_size == 100 * SIDE * SIDE * 3
    assert answering.receive().shape == (100, SIDE, SIDE, 3)
    asking.send(drawn(0, 10))
    asking.send(drawn(1, SIDE, SIDE, 3))
    assert os.fstat(file).st_size == 100 * SIDE * SIDE * 3, "memory is used again"


def test_an_array_outlives_larger_memory(ends: Any) -> None:
    asking, answering, _ = ends
    first, second = drawn(0, SIDE, SIDE, 3), drawn(1, 8, SIDE, SIDE, 3)
    asking.send(first)
    held = answering.receive()
    asking.send(second)
    np.testing.assert_array_equal(answering.receive(), second)
    assert held.shape == first.shape and int(held[0, 0, 0]) == int(second[0, 0, 0, 0]), "it holds until the answer"


def test_a_closed_pipe_is_the_end() -> None:
    file, (ours, theirs) = memory_file(), Pipe()
    ours.close()
    with theirs, pytest.raises(EOFError):
        Questions(theirs, file).receive()
    os.close(file)
