"""Weights on disk: exact, hashed by what they are, refused when damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from melanoma_edge.errors import TrustError
from melanoma_edge.model.weights import Weights, load_weights, save_weights, weights_sha256


@pytest.fixture
def weights() -> Weights:
    generator = np.random.default_rng(0)
    return {"a/kernel": generator.normal(size=(3, 3, 2)).astype(np.float32), "a/bias": np.zeros(2, np.float32)}


def test_weights_come_back_bit_by_bit_in_order(tmp_path: Path, weights: Weights) -> None:
    save_weights(weights, tmp_path / "w" / "model.npz")
    back = load_weights(tmp_path / "w" / "model.npz")
    assert list(back) == list(weights)
    assert all(np.array_equal(back[name], weights[name]) and back[name].dtype == np.float32 for name in weights)


def test_the_file_is_the_same_each_time(tmp_path: Path, weights: Weights) -> None:
    save_weights(weights, tmp_path / "one.npz")
    save_weights(weights, tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_the_hash_knows_names_shapes_and_values_but_no_order(weights: Weights) -> None:
    digest = weights_sha256(weights)
    assert weights_sha256(dict(reversed(weights.items()))) == digest
    assert weights_sha256({**weights, "a/bias": np.array([0, 1e-30], np.float32)}) != digest
    assert weights_sha256({**weights, "a/kernel": weights["a/kernel"].reshape(9, 2)}) != digest
    assert weights_sha256({"b/kernel": weights["a/kernel"], "a/bias": weights["a/bias"]}) != digest


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "empty", "missing"])
def test_a_damaged_file_is_refused(tmp_path: Path, weights: Weights, damage: str) -> None:
    path = tmp_path / "model.npz"
    save_weights(weights, path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(weights["a/kernel"].tobytes()) + 5] ^= 1
    files = {"cut": whole[:-1], "flipped": bytes(flipped), "text": b"weights", "empty": b""}
    path.unlink() if damage == "missing" else path.write_bytes(files[damage])
    with pytest.raises(TrustError, match=r"missing or damaged"):
        load_weights(path)


def test_pickles_are_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "evil.npz", a=np.array([{"code": 1}], object))
    with pytest.raises(TrustError, match="damaged"):
        load_weights(tmp_path / "evil.npz")
