"""Work spread over processes: in order, little ahead, errors told."""

import os
import signal
from functools import partial

import pytest

from melanoma_edge.data.workers import check_workers, spread, usual_workers
from melanoma_edge.errors import MachineError, UsageError

_prepared: list[int] = []


def _prepare() -> None:
    _prepared.append(7)


def _times_prepared(number: int) -> int:
    return number * _prepared[-1]


def _die(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order_from_prepared_processes(workers: int) -> None:
    assert list(spread(_times_prepared, range(20), workers, _prepare)) == [7 * number for number in range(20)]


def test_tasks_are_taken_only_as_they_are_needed() -> None:
    taken: list[int] = []

    def tasks() -> object:
        for number in range(100):
            taken.append(number)
            yield number

    steps = spread(abs, tasks(), 2)  # type: ignore[arg-type]
    assert next(steps) == 0
    assert len(taken) <= 9
    steps.close()


def test_a_killed_process_is_an_error_with_a_remedy() -> None:
    with pytest.raises(MachineError, match="ended from outside") as caught:
        list(spread(partial(_die), range(4), 2))
    assert "fewer workers" in caught.value.fix


def test_less_than_one_process_is_refused() -> None:
    assert check_workers(None) == usual_workers() >= 1
    assert check_workers(3) == 3
    with pytest.raises(UsageError, match="0 processes"):
        check_workers(0)
