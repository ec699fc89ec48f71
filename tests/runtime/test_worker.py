from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import toy_contract

from melanoma_edge.errors import MachineError, TrustError
from melanoma_edge.runtime import open_model
from melanoma_edge.runtime.worker import IsolatedRunner, RuntimeCrash, Worker

BATCH = np.zeros((2, 32, 32, 3), np.uint8)


@pytest.fixture
def strange() -> Any:
    from worker_openers import open_strange

    return lambda manner: IsolatedRunner(Path(manner), opener=open_strange)


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_the_answer_is_that_of_this_process(toy_artifacts: Any, toy_batch: Any, form: str) -> None:
    path = toy_artifacts[form, "int8"].path
    with open_model(path) as here, IsolatedRunner(path) as there:
        assert there.name == here.name and there.options == here.options and there.contract == here.contract
        np.testing.assert_array_equal(there.infer(toy_batch), here.infer(toy_batch))
        assert there.infer(toy_batch[:0]).shape == (0, 3)


def test_an_abort_becomes_an_error_with_the_runtime_s_name(strange: Any) -> None:
    with strange("abort") as runner, pytest.raises(RuntimeCrash, match=r"strange.*SIGABRT.*terminate called") as caught:
        runner.infer(BATCH)
    assert caught.value.where == "abort"


def test_a_runtime_that_the_system_killed_did_not_crash_of_its_model(strange: Any) -> None:
    with strange("killed") as runner, pytest.raises(MachineError, match="SIGKILL") as caught:
        runner.infer(BATCH)
    assert not isinstance(caught.value, RuntimeCrash)


def test_a_file_of_the_current_folder_is_not_taken_for_a_library(
    strange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("random.py", "tempfile.py", "numpy.py"):
        (tmp_path / name).write_text("raise RuntimeError('imported from the current folder')")
    monkeypatch.chdir(tmp_path)
    with strange("count") as runner:
        assert runner.infer(BATCH)[0, 0] == 2
        assert (runner.name, runner.options) == ("strange", {"strange": "1"})


def test_what_never_opened_is_named_by_its_file(tmp_path: Path) -> None:
    names = {IsolatedRunner(tmp_path / name).name for name in ("m.onnx", "m.tflite")}
    assert names == {"onnxruntime", "litert"}


def test_an_exit_becomes_an_error_with_its_code(strange: Any) -> None:
    with strange("exit") as runner, pytest.raises(MachineError, match="exit code 3"):
        runner.infer(BATCH)


def test_a_death_while_opening_is_an_error_too(strange: Any) -> None:
    with pytest.raises(MachineError, match="SIGABRT"):
        strange("die").__enter__()


def test_errors_of_the_child_arrive_as_themselves(strange: Any, tmp_path: Path) -> None:
    with strange("trust") as runner, pytest.raises(TrustError, match="not trusted") as caught:
        runner.infer(BATCH)
    assert (caught.value.where, caught.value.fix) == ("there", "do this")
    with pytest.raises(TrustError, match="missing"):
        IsolatedRunner(tmp_path / "none.tflite").__enter__()


def test_an_error_that_cannot_travel_is_described(strange: Any) -> None:
    with strange("unpicklable") as runner, pytest.raises(MachineError, match="Unpicklable"):
        runner.infer(BATCH)


def test_large_batches_go_in_parts(strange: Any) -> None:
    with strange("count") as runner:
        answers = runner.infer(np.zeros((70, 32, 32, 3), np.uint8))
    assert answers[:, 0].tolist() == [32.0] * 64 + [6.0] * 6


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_no_child_is_left(strange: Any, error: type[BaseException] | None) -> None:
    child = 0
    try:
        with strange("pid") as runner:
            child = int(runner.infer(BATCH)[0, 0])
            assert child != os.getpid()
            if error:
                raise error
    except KeyboardInterrupt:
        pass
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_worker_introduces_itself_and_answers_questions() -> None:
    from worker_openers import adding

    with Worker("adder", Path("sum"), adding, 40) as worker:
        assert worker.introduction == "adds 40"
        assert [worker.ask(number) for number in (2, 3)] == [42, 43]
        with pytest.raises(TypeError):
            worker.ask("text")


def test_a_runner_is_used_inside_its_block_only(strange: Any) -> None:
    runner = strange("count")
    with pytest.raises(RuntimeError, match="outside"):
        _ = runner.contract
    with runner:
        assert runner.contract == toy_contract()
