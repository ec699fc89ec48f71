"""The learner: schedule, exact state, averaged weights, several devices, half precision."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import TINY

from melanoma_edge.data.stored import StoredSquares
from melanoma_edge.errors import MachineError
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.training.cluster import Cluster
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.devices import Devices, choose_devices
from melanoma_edge.training.learner import Learner

PRIOR = np.array([0.5, 0.3, 0.2])


def learner(steps: int = 6, mixed: bool = False, **changes: Any) -> Learner:
    config = TrainConfig(image_size=32, device="cpu", **changes)
    return Learner(TINY, config, choose_devices("cpu", mixed), PRIOR, steps, lambda model: None)


def batch(seed: int, count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, 40, 40, 3), np.uint8), np.arange(count) % 3


def test_the_learning_rate_warms_up_and_falls_along_a_cosine() -> None:
    one = learner(steps=200, learning_rate=0.1)
    rates = np.array([one.learning_rate(step) for step in range(200)])
    np.testing.assert_allclose(rates[:12], 0.1 * np.arange(1, 13) / 12)
    np.testing.assert_allclose(rates[12 + 94], 0.1 * (0.01 + 0.99 / 2))
    assert (np.diff(rates[12:]) < 0).all()
    assert 0.001 < rates[-1] < 0.0011


def test_one_step_is_schedule_enough() -> None:
    assert learner(steps=1, learning_rate=0.1).learning_rate(0) == pytest.approx(0.1)


def test_copies_in_the_catalog_are_all_the_augmentation() -> None:
    def losses(**changes: Any) -> list[float]:
        return [learner(**changes).train_batch(*batch(0), 32, epoch) for epoch in (0, 1)]

    first, second = losses(split_policy="legacy", legacy_copies=5)
    assert first == second
    for changes in ({"split_policy": "legacy", "legacy_copies": 0}, {}):
        first, second = losses(**changes)
        assert first != second


def test_a_restored_state_goes_on_as_if_nothing_had_happened() -> None:
    first = learner()
    for step in range(2):
        first.train_batch(*batch(step), 32, 0)
    state = first.state()
    losses = [first.train_batch(*batch(step), 32, 0) for step in range(2, 5)]
    other = learner()
    other.train_batch(*batch(9), 32, 0)
    other.restore(state)
    again = [other.train_batch(*batch(step), 32, 0) for step in range(2, 5)]
    assert again == losses
    assert all(np.array_equal(array, other.state()[name]) for name, array in first.state().items())


def test_averaged_weights_follow_with_the_decay_of_their_step() -> None:
    one = learner(ema=0.3)
    names = [variable.name.removesuffix(":0") for variable in one._model.weights]
    expected = {name: v.numpy().astype(np.float64) for name, v in zip(names, one._model.weights, strict=True)}
    start = dict(expected)
    for step in range(5):
        one.train_batch(*batch(step), 32, 0)
        decay = min(0.3, (1 + step) / (10 + step))
        for name, variable in zip(names, one._model.weights, strict=True):
            expected[name] = decay * expected[name] + (1 - decay) * variable.numpy()
    for name, array in one.averaged().items():
        np.testing.assert_allclose(array, expected[name], atol=1e-6)
    assert np.abs(expected["head/kernel"] - start["head/kernel"]).max() > 1e-4


def test_logits_are_those_of_the_given_weights_in_any_number() -> None:
    one = learner()
    weights = one.averaged()
    pixels = batch(0, 70)[0][:, :32, :32]
    logits = one.logits(weights, pixels)
    assert logits.shape == (70, 3)
    np.testing.assert_allclose(one.logits(weights, pixels[65:66]), logits[65:66], atol=1e-5)
    shifted = one.logits({**weights, "head/bias": weights["head/bias"] + 2}, pixels)
    np.testing.assert_allclose(shifted, logits + 2, atol=1e-5)


def test_logits_of_images_on_disk_are_made_from_a_batch_at_a_time(tmp_path: Path) -> None:
    asked: list[int] = []

    class Watched(StoredSquares):
        def __getitem__(self, places: Any, /) -> Any:
            found = super().__getitem__(places)
            asked.append(len(found))
            return found

    one, pixels = learner(), np.ascontiguousarray(batch(0, 150)[0][:, :32, :32])
    (tmp_path / "squares").write_bytes(pixels.tobytes())
    logits = one.logits(one.averaged(), Watched(tmp_path / "squares", 0, 150, 32))
    np.testing.assert_array_equal(logits, one.logits(one.averaged(), pixels))
    assert asked == [64, 64, 22]


def test_half_precision_trains_and_leaves_float32_behind() -> None:
    _, keras = load_tensorflow()
    one = learner(mixed=True)
    assert one._model.get_layer("block_1_expand").compute_dtype == "float16"
    before = one.averaged()
    assert np.isfinite(one.train_batch(*batch(0), 32, 0))
    one.train_batch(*batch(1), 32, 0)
    after = one.averaged()
    assert {array.dtype.name for array in after.values()} == {"float32"}
    assert any(not np.array_equal(before[name], after[name]) for name in after if name.endswith("kernel"))
    assert keras.mixed_precision.global_policy().name == "float32"
    exact = learner()
    pixels = batch(0)[0][:, :32, :32]
    np.testing.assert_array_equal(one.logits(after, pixels), exact.logits(after, pixels))
    one.restore(one.state())


def test_out_of_memory_names_a_smaller_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    tensorflow, _ = load_tensorflow()
    one = learner()

    def full(*_: Any) -> None:
        raise tensorflow.errors.ResourceExhaustedError(None, None, "OOM")

    monkeypatch.setattr(one, "_train", full)
    with pytest.raises(MachineError, match=r"batches of 12 images[\s\S]*--batch-size 6") as caught:
        one.train_batch(*batch(0), 32, 0)
    assert caught.value.exit_code == 8
    monkeypatch.setattr(one, "_infer", full)
    with pytest.raises(MachineError, match=r"batches of 64 images[\s\S]*--image-size") as caught:
        one.logits(one.averaged(), batch(0)[0][:, :32, :32])
    assert caught.value.exit_code == 8


_MIRRORED = """
import sys
sys.path.insert(0, sys.argv[1])
from dataclasses import replace
import numpy as np
from tiny import TINY
from melanoma_edge.compression.prune import Pruning
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.devices import Devices
from melanoma_edge.training.learner import Learner
tf, _ = load_tensorflow()
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
generator = np.random.default_rng(0)
pixels, labels = generator.integers(0, 256, (13, 40, 40, 3), np.uint8), np.arange(13) % 3
for shaper in (None, Pruning(0.5, 0.0, 0.5)):
    config = TrainConfig(image_size=32, ema=0.0)
    devices = Devices(strategy, ("CPU:0", "CPU:1"), False)
    one = Learner(TINY, config, devices, np.full(3, 1 / 3), 3, lambda model: None, shaper)
    assert all(np.isfinite(one.train_batch(pixels, labels, 32, 0)) for _ in range(2))
    copies = [strategy.experimental_local_results(v) for v in one._model.trainable_variables]
    assert all(np.array_equal(a, b) for a, b in copies), "replicas must not drift apart"
    # Without decay the average is the weights of the last step.
    for mean, variable in zip(one._average, one._model.weights):
        assert np.allclose(mean.numpy(), variable.numpy(), atol=1e-6), variable.name
    kept = one.state()
    loss = one.train_batch(pixels, labels, 32, 0)
    one.restore(kept)
    assert abs(one.train_batch(pixels, labels, 32, 0) - loss) < 1e-5
    assert one.logits(one.averaged(), pixels[:, :32, :32]).shape == (13, 3)
    one.restore(one.state())
    moving = [v for v in one._model.weights if "moving" in v.name]
    assert all(np.array_equal(*[part.numpy() for part in strategy.experimental_local_results(v)]) for v in moving)
    if shaper:
        assert one.ready
        assert abs(shaper.report(None, one.averaged())["reached"] - 0.5) < 0.01
plain, found = replace(TINY, folded=True), []
for used in (devices, Devices(tf.distribute.get_strategy(), ("CPU",), False)):
    one = Learner(plain, config, used, np.full(3, 1 / 3), 3, lambda model: None)
    mine = one.share(13)
    losses = [one.train_batch(pixels[mine], labels[mine], 32, 0, 13) for _ in range(3)]
    found.append((losses, one.averaged()))
assert np.allclose(found[0][0], found[1][0], rtol=1e-5), "two devices see what one does"
gaps = [np.abs(found[0][1][name] - array).max() for name, array in found[1][1].items()]
assert max(gaps) < 2e-5, max(gaps)
print("mirrored", max(gaps), file=sys.stderr)
print("mirrored")
"""


def test_two_devices_train_one_network() -> None:
    tests = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _MIRRORED, tests]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert answer.stdout.strip() == "mirrored", answer.stderr[-2000:]


def test_every_image_of_a_batch_falls_to_one_device_of_one_process() -> None:
    tensorflow, _ = load_tensorflow()
    places = np.arange(7)
    seen = []
    for index in range(2):
        cluster = Cluster(("a:1", "b:1"), index)
        devices = Devices(SimpleNamespace(num_replicas_in_sync=4), (), False, cluster)
        one: Any = SimpleNamespace(_devices=devices, _tf=tensorflow)
        mine = places[Learner.share(one, 7)]
        parts = [Learner._part(one, replica, mine, mine * 10, 7) for replica in devices.own]
        assert [int(part[2]) for part in parts] == [2 * index, 2 * index + 1]
        assert all((part[1] == part[0] * 10).all() for part in parts)
        assert all((part[0] == places[int(part[2]) :: 4]).all() for part in parts)
        seen += [part[0] for part in parts]
    assert sorted(np.concatenate(seen)) == list(range(7))


def test_the_prior_is_that_of_each_image_s_source() -> None:
    """The loss of one batch under two priors is the mean of the losses that its halves have under one."""
    pixels, labels = batch(0)
    priors = np.array([[0.5, 0.3, 0.2], [0.01, 0.01, 0.98]])
    config = TrainConfig(image_size=32, device="cpu", label_smoothing=0.0)

    def loss(prior: np.ndarray, sources: np.ndarray | None) -> float:
        one = Learner(TINY, config, choose_devices("cpu", False), prior, 6, lambda model: None)
        return one.train_batch(pixels, labels, 32, 0, sources=sources)

    first, second = loss(priors[0], None), loss(priors[1], None)
    assert abs(first - second) > 0.1
    assert loss(priors, np.zeros(12, np.int64)) == pytest.approx(first)
    assert loss(priors, np.ones(12, np.int64)) == pytest.approx(second)
    mixed = loss(priors, np.arange(12) % 2)
    assert min(first, second) < mixed < max(first, second)
