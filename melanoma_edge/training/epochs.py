"""The loop of a training: epoch after epoch, what is kept of each, and when it ends."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge import __version__
from melanoma_edge.errors import DataError, UsageError, named
from melanoma_edge.evaluation.calibration import softmax
from melanoma_edge.evaluation.metrics import Cases, validation_auc
from melanoma_edge.files import sha256_of
from melanoma_edge.model.weights import Weights
from melanoma_edge.progress import Progress
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training.checkpoint import Checkpoint, load_checkpoint, packed, save_checkpoint, unpacked
from melanoma_edge.training.config import TrainConfig, reading_of
from melanoma_edge.training.devices import Devices
from melanoma_edge.training.feed import read_ahead
from melanoma_edge.training.finish import best_epoch
from melanoma_edge.training.folder import forget_replaced
from melanoma_edge.training.learner import Learner
from melanoma_edge.training.material import Images, priors

_PROGRESSIVE = ((0.4, 0.6), (0.7, 0.8))
"""Until this share of the epochs, this share of the image size."""
_LEAST_SIDE = 64
"""Images are not made smaller than this, in pixels."""

_LOCAL = ("data", "init", "device")
"""What of a configuration each process of a cluster may have its own of; of a table that wins, its path."""

History = list[dict[str, float]]
_log = logging.getLogger(__name__)


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Return how many whole batches the images give, at least one."""
    return max(1, images // batch_size)


def run_epochs(
    learner: Learner,
    config: TrainConfig,
    images: Images,
    out: Path | None,
    devices: Devices,
    basis: dict[str, Any],
    progress: Progress,
) -> tuple[History, Weights]:
    """Train until the schedule or patience ends and return the history and the best averaged weights.

    Args:
        learner: what is trained.
        config: the schedule.
        images: to learn from and to validate with.
        out: the run's directory; None in a process of a cluster that is not its chief, which writes nothing.
        devices: on which the learner is.
        basis: what decides the result beside the configuration, as plain JSON; the same in all processes.
        progress: told of every step.

    Raises:
        UsageError: when training diverges, or processes were given different options or fewer images than devices.
        DataError: when processes have different images.
    """
    _check_enough(config, len(images.source), devices)
    if devices.cluster:
        _check_same(config, basis, devices)
    checkpoint = _start(learner, out, devices)
    history, best = (checkpoint.history, checkpoint.part("best")) if checkpoint else ([], {})
    if checkpoint:
        learner.restore(checkpoint.part("state"))
    for epoch in range(len(history), config.epochs):
        if _out_of_patience(history, config.patience):
            break
        loss = _one_epoch(learner, config, images, epoch, progress)
        weights = learner.averaged()
        _check_finite(loss, weights, config, epoch)
        row = {
            "epoch": epoch,
            "image_size": _size(config, epoch),
            "learning_rate": learner.learning_rate(learner.step - 1),
            "train_loss": loss,
            **_agreed(learner, weights, images, devices),
            "eligible": float(learner.ready),
        }
        history = [*history, row]
        best = weights if best_epoch(history) is row else best
        _log.info("%s", ", ".join(f"{name} {value:.6g}" for name, value in row.items()))
        _keep(learner, history, best, out, devices)
        count = len(images.splits["validation"].labels)
        reached = f"macro AUC {row['validation_macro_auc']:.3f}"
        progress(f"validation {epoch + 1}/{config.epochs}: {reached}", count, count)
    return history, best


def _check_enough(config: TrainConfig, images: int, devices: Devices) -> None:
    batch = min(config.batch_size, images)
    if batch < devices.replicas:
        what = f"batches of {batch} images for {devices.replicas} devices"
        raise UsageError(what, fix=f"use --batch-size {devices.replicas} or more, or fewer machines")


def _check_same(config: TrainConfig, basis: dict[str, Any], devices: Devices) -> None:
    """Compare what this process was given with what the chief was."""
    asked = {name: value for name, value in to_plain(config).items() if name not in _LOCAL}
    if preferred := reading_of(config).preferred:
        asked["on_conflict"] = f"prefer {sha256_of(preferred)}"
    machine = {"mixed precision": devices.mixed_precision, "number of devices": len(devices.names)}
    alike = {"version": __version__, **machine, **asked, **basis}
    chief = json.loads(devices.told(json.dumps(alike).encode()))
    mine = json.loads(json.dumps(alike))
    changed = sorted(name for name in {*chief, *mine} if chief.get(name) != mine.get(name))
    if changed == ["images"]:
        fix = "give every worker the same images, or the same folder"
        raise DataError("the images of this worker are not the chief's", where=named(config.data), fix=fix)
    if changed:
        fix = "start all workers with the same command"
        if changed == ["number of devices"]:
            fix = "let every machine use as many GPUs as the chief, with CUDA_VISIBLE_DEVICES"
        raise UsageError(f"this worker was given another {named(changed)} than the chief", fix=fix)


def _start(learner: Learner, out: Path | None, devices: Devices) -> Checkpoint | None:
    """Return what to continue from, if anything; in a cluster it is the chief's, even before the first step."""
    checkpoint = load_checkpoint(out) if out else None
    if not devices.cluster:
        return checkpoint
    now = Checkpoint.of([], state=learner.state(), best={})  # by all processes, for it takes the mean of their devices
    return unpacked(devices.told(packed(checkpoint or now)))


def _agreed(learner: Learner, weights: Weights, images: Images, devices: Devices) -> dict[str, float]:
    """Return what the chief measures; processors may round differently, and all must come to the same decisions."""
    measured = {} if devices.cluster and not devices.cluster.chief else _validate(learner, weights, images)
    return dict(json.loads(devices.told(json.dumps(measured).encode()))) if devices.cluster else measured


def _keep(learner: Learner, history: History, best: Weights, out: Path | None, devices: Devices) -> None:
    """Write what a restart needs; every process goes on from just that."""
    state = learner.state()
    if devices.replicas > 1:  # whose moving averages differ by device, and only their mean is kept
        learner.restore(state)
    if out:
        save_checkpoint(out, Checkpoint.of(history, state=state, best=best))
        forget_replaced(out)


def _one_epoch(learner: Learner, config: TrainConfig, images: Images, epoch: int, progress: Progress) -> float:
    labels, losses = images.splits["train"].labels, []
    _, sources = priors(images, config)
    steps, size = steps_per_epoch(len(labels), config.batch_size), _size(config, epoch)

    def read(places: NDArray[np.int64]) -> tuple[int, NDArray[np.int64], NDArray[np.uint8]]:
        mine = places[learner.share(len(places))]
        return len(places), mine, images.source[mine]

    for step, (count, mine, pixels) in enumerate(read_ahead(_batches(len(labels), config, epoch), read)):
        losses.append(learner.train_batch(pixels, labels[mine], size, epoch, count, sources[mine]))
        progress(f"epoch {epoch + 1}/{config.epochs}", (step + 1) * count, steps * count)
    return float(np.mean(losses))


def _check_finite(loss: float, weights: Weights, config: TrainConfig, epoch: int) -> None:
    if not np.isfinite(loss) or not all(np.isfinite(array).all() for array in weights.values()):
        fix = f"start anew with a --learning-rate below {config.learning_rate}"
        raise UsageError(f"training diverged in epoch {epoch + 1}: loss or weights are not numbers", fix=fix)


def _batches(count: int, config: TrainConfig, epoch: int) -> Iterator[NDArray[np.int64]]:
    """Yield the places of each batch; the order depends on seed and epoch alone."""
    order = np.random.default_rng([config.seed, epoch]).permutation(count)
    batch = min(config.batch_size, count)
    for start in range(0, count - batch + 1, batch):
        yield np.sort(order[start : start + batch])


def _size(config: TrainConfig, epoch: int) -> int:
    """Return the side of the images of an epoch: small ones are quick and teach the coarse things first."""
    for until, share in _PROGRESSIVE if config.progressive else ():
        side = 16 * round(config.image_size * share / 16)
        if epoch < round(until * config.epochs) and side >= _LEAST_SIDE:
            return side
    return config.image_size


def _validate(learner: Learner, weights: Weights, images: Images) -> dict[str, float]:
    split = images.splits["validation"]
    probabilities = softmax(learner.logits(weights, split.pixels))
    given = probabilities[np.arange(len(split.labels)), split.labels]
    cases = Cases(probabilities, split.labels, (), 0.0)
    return {
        "validation_loss": float(-np.log(np.maximum(given, 1e-12)).mean()),
        "validation_balanced_accuracy": float(cases.balanced_accuracy(np.ones((1, len(given))))[0]),
        "validation_macro_auc": validation_auc(probabilities, split.labels),
    }


def _out_of_patience(history: History, patience: int) -> bool:
    best = best_epoch(history)
    return best is not None and history[-1]["epoch"] - best["epoch"] >= patience
