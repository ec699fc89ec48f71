"""Squares on disk that stand for an array."""

from __future__ import annotations

import gc
import hashlib
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from melanoma_edge.data.stored import StoredSquares
from melanoma_edge.errors import MachineError
from melanoma_edge.squares import Squares
from melanoma_edge.training.run import pixels_sha256

COUNT, SIZE, OFFSET = 9, 4, 11
ARRAY = np.random.default_rng(0).integers(0, 256, (COUNT, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stored") / "squares"
    path.write_bytes(bytes(OFFSET) + ARRAY.tobytes() + b"a note")
    return path


@pytest.fixture
def stored(path: Path) -> StoredSquares:
    return StoredSquares(path, OFFSET, COUNT, SIZE)


PLACES = st.one_of(
    st.integers(-COUNT, COUNT - 1),
    st.integers(0, COUNT - 1).map(np.int64),
    st.slices(COUNT),
    st.lists(st.integers(-COUNT, COUNT - 1), max_size=12),
    st.lists(st.integers(0, COUNT - 1), max_size=12).map(lambda found: np.array(found, np.int64)),
    st.lists(st.booleans(), min_size=COUNT, max_size=COUNT).map(np.array),
)


@given(places=PLACES)
def test_asked_for_anything_it_answers_as_the_array_does(path: Path, places: slice) -> None:
    found = StoredSquares(path, OFFSET, COUNT, SIZE)[places]
    wanted = ARRAY[places if not isinstance(places, list) else np.array(places, np.int64)]
    assert type(found) is np.ndarray and found.dtype == np.uint8 and found.flags.c_contiguous
    np.testing.assert_array_equal(found, wanted)


@given(places=st.lists(st.integers(0, COUNT - 1), max_size=12), part=st.slices(12))
def test_some_of_them_stand_for_some_of_the_array(path: Path, places: list[int], part: slice) -> None:
    picked = StoredSquares(path, OFFSET, COUNT, SIZE).picked(places)
    wanted = ARRAY[np.array(places, np.int64)]
    assert picked.shape == wanted.shape and len(picked) == len(wanted)
    np.testing.assert_array_equal(picked[part], wanted[part])
    np.testing.assert_array_equal(picked.picked(range(len(places))[::-1]), wanted[::-1])


def test_it_can_be_walked_through_and_copied_whole(stored: StoredSquares) -> None:
    for found, wanted in zip(stored, ARRAY, strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.asarray(stored), ARRAY)
    assert np.asarray(stored, np.float32).dtype == np.float32


def test_its_hash_is_that_of_the_array(stored: StoredSquares) -> None:
    wanted = hashlib.sha256(ARRAY.tobytes()).hexdigest()
    assert pixels_sha256(stored) == pixels_sha256(ARRAY) == wanted


@pytest.mark.parametrize("place", [COUNT, -COUNT - 1])
def test_what_is_not_there_is_an_index_error(stored: StoredSquares, place: int) -> None:
    with pytest.raises(IndexError):
        stored[place]


def test_what_is_given_may_be_changed_without_changing_the_file(stored: StoredSquares) -> None:
    stored[2][:] = 0
    np.testing.assert_array_equal(stored[2], ARRAY[2])


def test_it_outlives_the_name_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "squares"
    path.write_bytes(ARRAY.tobytes())
    picked = StoredSquares(path, 0, COUNT, SIZE).picked([4])
    path.unlink()
    gc.collect()
    np.testing.assert_array_equal(picked[0], ARRAY[4])


def test_its_file_is_closed_with_the_last_of_its_kind(path: Path) -> None:
    opened = len(os.listdir("/proc/self/fd"))
    picked = StoredSquares(path, OFFSET, COUNT, SIZE).picked([1])
    assert len(os.listdir("/proc/self/fd")) == opened + 1
    del picked
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == opened


def test_a_file_cut_short_while_in_use_is_told(tmp_path: Path) -> None:
    path = tmp_path / "squares"
    path.write_bytes(ARRAY.tobytes())
    stored = StoredSquares(path, 0, COUNT, SIZE)
    os.truncate(path, ARRAY.nbytes - 1)
    np.testing.assert_array_equal(stored[:-1], ARRAY[:-1])
    with pytest.raises(MachineError, match="cut short"):
        stored[-1]


def test_short_reads_are_continued(stored: StoredSquares, monkeypatch: pytest.MonkeyPatch) -> None:
    read = os.preadv
    monkeypatch.setattr(os, "preadv", lambda file, buffers, offset: read(file, [buffers[0][:7]], offset))
    np.testing.assert_array_equal(stored[:], ARRAY)


def _peak(work: object, squares: Squares) -> int:
    tracemalloc.start()
    try:
        work(squares)  # type: ignore[operator]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_holds_what_was_asked_for_and_not_the_file(tmp_path: Path) -> None:
    path, size = tmp_path / "squares", 64
    one = size * size * 3
    path.write_bytes(bytes(500 * one))
    stored = StoredSquares(path, 0, 500, size).picked(range(1, 500))

    def batches(squares: Squares) -> None:
        for start in range(0, len(squares), 10):
            squares[start : start + 10]

    assert 10 * one <= _peak(batches, stored) < 25 * one
    assert _peak(pixels_sha256, stored) < 5 * one


def test_an_array_is_squares_too() -> None:
    def first(squares: Squares) -> NDArray[np.uint8]:
        return squares[0]

    np.testing.assert_array_equal(first(ARRAY), ARRAY[0])
