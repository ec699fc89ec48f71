"""Answers block by block: kept, taken up again, and thrown away when they are no longer true."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from melanoma_edge.errors import TrustError
from melanoma_edge.parity.blocks import BLOCK, Origin, answers_in_blocks, remove_stale

SIZE = 8


class Made:
    """Make each image when it is asked for: its number in every byte of its first pixel."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __getitem__(self, part: slice) -> Any:
        numbers = np.arange(*part.indices(self.count))
        pixels = np.zeros((len(numbers), SIZE, SIZE, 3), np.uint8)
        pixels[:, 0, 0, :] = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], axis=1)
        return pixels


def images(count: int) -> Any:
    return SimpleNamespace(ids=range(count), pixels=Made(count))


@dataclass
class Counting:
    """Answer the number of each image, count what was asked, and die after ``dies`` batches."""

    dies: int = 10**9
    asked: int = 0
    opened: int = 0
    name = "toy"
    options = {"kernels": "toy"}  # noqa: RUF012

    def __enter__(self) -> Counting:
        self.opened += 1
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def infer_all(self, batch: Any) -> Any:
        raise AssertionError("nobody asks for more")

    @property
    def contract(self) -> Any:
        raise AssertionError("nobody asks for it")

    def infer(self, batch: Any) -> Any:
        self.dies -= 1
        if self.dies < 0:
            raise KeyboardInterrupt
        self.asked += len(batch)
        numbers = batch[:, 0, 0, :].astype(np.float32) @ np.array([1, 256, 65536], np.float32)
        return np.stack([numbers, -numbers], axis=1)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    (tmp_path / "model").write_text("a model")
    return Origin(str(tmp_path / "model"), "a" * 64, "toy", "1", tmp_path.name.ljust(64, "0"))


def test_answers_stand_in_the_order_of_the_images(origin: Origin) -> None:
    count = 2 * BLOCK + 7
    found = answers_in_blocks(Counting, images(count), origin)
    assert isinstance(found.found, np.ndarray)
    assert found.found[:, 0].tolist() == list(range(count))
    assert (found.reused, found.options) == (0, {"kernels": "toy"})


def test_a_killed_comparison_goes_on_behind_its_last_whole_block(origin: Origin) -> None:
    count = 3 * BLOCK
    with pytest.raises(KeyboardInterrupt):
        answers_in_blocks(lambda: Counting(dies=BLOCK // 32 + 3), images(count), origin)
    second = Counting()
    found = answers_in_blocks(lambda: second, images(count), origin)
    assert second.asked == 2 * BLOCK and found.reused == BLOCK
    assert isinstance(found.found, np.ndarray) and found.found[:, 0].tolist() == list(range(count))


def test_what_is_complete_opens_no_runtime(origin: Origin) -> None:
    answers_in_blocks(Counting, images(BLOCK), origin)
    never = Counting()
    found = answers_in_blocks(lambda: never, images(BLOCK), origin)
    assert (never.opened, found.reused, found.options) == (0, BLOCK, {"kernels": "toy"})


@pytest.mark.parametrize(
    "change", [{"sha256": "b" * 64}, {"runtime": "other"}, {"version": "2"}, {"pixels": "0" * 63 + "1"}]
)
def test_another_model_runtime_version_or_split_is_computed_anew(origin: Origin, change: dict[str, str]) -> None:
    answers_in_blocks(Counting, images(BLOCK), origin)
    again = Counting()
    answers_in_blocks(lambda: again, images(BLOCK), replace(origin, **change))
    assert again.asked == BLOCK


def test_a_damaged_block_is_computed_anew(origin: Origin) -> None:
    answers_in_blocks(Counting, images(2 * BLOCK), origin)
    first = sorted(origin.folder.glob("*.npy"))[0]
    first.write_bytes(first.read_bytes()[:-5])
    again = Counting()
    found = answers_in_blocks(lambda: again, images(2 * BLOCK), origin)
    assert again.asked == BLOCK
    assert isinstance(found.found, np.ndarray) and found.found[:, 0].tolist() == list(range(2 * BLOCK))


def test_an_error_of_the_runtime_is_an_answer_and_not_kept(origin: Origin) -> None:
    def broken() -> Any:
        raise TrustError("cannot run", where="model", fix="none")

    found = answers_in_blocks(broken, images(4), origin)
    assert isinstance(found.found, TrustError)
    assert isinstance(answers_in_blocks(Counting, images(4), origin).found, np.ndarray)


def test_stale_answers_go_and_true_ones_stay(origin: Origin, tmp_path: Path) -> None:
    answers_in_blocks(Counting, images(4), origin)
    versions = {"toy": "1"}
    assert remove_stale(origin.pixels, versions, lambda _: "a" * 64) == 0
    assert remove_stale(origin.pixels, {"toy": "2"}, lambda _: "a" * 64) == 1
    answers_in_blocks(Counting, images(4), origin)
    assert remove_stale(origin.pixels, versions, lambda _: "c" * 64) == 1
    answers_in_blocks(Counting, images(4), origin)
    (tmp_path / "model").unlink()
    assert remove_stale(origin.pixels, versions, lambda _: "a" * 64) == 1
    assert not origin.folder.exists()


def test_memory_does_not_grow_with_the_images(origin: Origin) -> None:
    def peak(count: int, number: int) -> int:
        tracemalloc.start()
        answers_in_blocks(Counting, images(count), replace(origin, sha256=f"{number:064d}"))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    small, large = peak(1000, 1), peak(20_000, 2)
    assert large - small < 20_000 * 64, "the answers and their bookkeeping, not the pixels"
