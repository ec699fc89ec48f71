"""What an unfinished training continues from: exact, whole, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from melanoma_edge.errors import TrustError
from melanoma_edge.training.checkpoint import Checkpoint, forget_checkpoint, load_checkpoint, save_checkpoint


def test_a_checkpoint_comes_back_exactly(tmp_path: Path) -> None:
    state = {"model/0": np.float32([[0.1, np.nan]]), "step": np.asarray(7, np.int64)}
    best = {"head/kernel": np.float32([1e-30])}
    history = [{"epoch": 0.0, "train_loss": 0.1 + 0.2}]
    assert load_checkpoint(tmp_path) is None
    save_checkpoint(tmp_path, Checkpoint.of(history, state=state, best=best))
    back = load_checkpoint(tmp_path)
    assert back is not None
    assert back.history == history
    for part, given in (("state", state), ("best", best)):
        found = back.part(part)
        assert list(found) == list(given)
        assert all(found[k].dtype == given[k].dtype and found[k].tobytes() == given[k].tobytes() for k in given)
    forget_checkpoint(tmp_path)
    assert load_checkpoint(tmp_path) is None


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, damage: str) -> None:
    save_checkpoint(tmp_path, Checkpoint.of([{"epoch": 0.0}], state={"a": np.arange(100.0)}))
    file = tmp_path / "checkpoint.npz"
    file.write_bytes({"cut": file.read_bytes()[:-30], "text": b"text", "empty": b""}[damage])
    with pytest.raises(TrustError, match=r"checkpoint is damaged[\s\S]*--force"):
        load_checkpoint(tmp_path)
