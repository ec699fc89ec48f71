from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma_edge.errors import MachineError, TrustError
from melanoma_edge.runtime import open_model
from melanoma_edge.training.run import Run


def test_a_run_directory_is_run_by_keras(
    toy_run: Any, toy_batch: Any, toy_expected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(Run, "open", lambda path: opened.append(path) or toy_run)
    with open_model(tmp_path) as runner:
        answers = runner.infer(np.concatenate([toy_batch, toy_batch[:3]]))
        assert runner.infer(toy_batch[:0]).shape == (0, 3)
    assert opened == [tmp_path] and runner.name == "keras" and runner.contract == toy_run.contract
    np.testing.assert_allclose(answers[:64], toy_expected, atol=1e-6)
    np.testing.assert_allclose(answers[64:], toy_expected[:3], atol=1e-6)


def test_a_run_answers_all_outputs(
    toy_run: Any, toy_batch: Any, toy_expected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "open", lambda path: toy_run)
    with open_model(tmp_path) as runner:
        answers = runner.infer_all(np.concatenate([toy_batch, toy_batch[:3]]))
    shapes = {name: values.shape for name, values in answers.items()}
    assert shapes == {"probabilities": (67, 3), "embedding": (67, 64), "cam": (67, 8, 8, 3)}
    np.testing.assert_allclose(answers["probabilities"][:64], toy_expected, atol=1e-6)


def test_lack_of_memory_is_the_machine_s_fault(
    toy_run: Any, toy_batch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    def exhausted(*arguments: Any, **options: Any) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "failed to allocate memory")

    monkeypatch.setattr(Run, "open", lambda path: toy_run)
    with open_model(tmp_path) as runner:
        monkeypatch.setattr(runner, "_model", exhausted)
        with pytest.raises(MachineError, match="out of memory"):
            runner.infer(toy_batch)


def test_a_folder_that_is_no_run_is_not_trusted(tmp_path: Path) -> None:
    with pytest.raises(TrustError):
        open_model(tmp_path)
