"""Training from a configuration to a finished run."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.data.cache import cache_folder
from melanoma_edge.errors import Interrupted, UsageError
from melanoma_edge.evaluation.metrics import Cases, macro_auc
from melanoma_edge.files import write_text
from melanoma_edge.model.classifier import set_weights
from melanoma_edge.model.imagenet import check_init, load_imagenet
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import NetworkSpec, network
from melanoma_edge.model.weights import Weights
from melanoma_edge.progress import Progress, silent
from melanoma_edge.training.checkpoint import Checkpoint, forget_checkpoint, load_checkpoint, save_checkpoint
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.devices import Devices, choose_devices, environment
from melanoma_edge.training.finish import Outcome, best_epoch, finish, softmax
from melanoma_edge.training.folder import check_claim, claimed, forget_replaced, has_progress, logged, real
from melanoma_edge.training.learner import Learner, Shaper
from melanoma_edge.training.losses import class_prior
from melanoma_edge.training.material import Images, Origin, gather
from melanoma_edge.training.run import Run
from melanoma_edge.training.teacher import Teacher, check_pupil, check_teacher

_PROGRESSIVE = ((0.4, 0.6), (0.7, 0.8))
"""Until this share of the epochs, this share of the image size."""
_LEAST_SIDE = 64
"""Images are not made smaller than this, in pixels."""

_NOISE = 6
"""Decimals of a probability that count: a network that answers everything alike must not be ranked by rounding."""

History = list[dict[str, float]]
_log = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    out: Path,
    *,
    origin: Origin | None = None,
    shaper: Shaper | None = None,
    teacher: Teacher | None = None,
    resume: bool = False,
    force: bool = False,
    progress: Progress = silent,
) -> Run:
    """Train a classifier and leave a run.

    Args:
        config: what to do.
        out: the run's directory.
        origin: the run to continue from; its catalog and split are kept, and its network unless it says otherwise.
        shaper: changes the network while it learns.
        teacher: a run whose answers are learned from beside the labels.
        resume: continue an unfinished training; the result is that of one never interrupted.
        force: replace a run that is there.
        progress: told of every step.

    Raises:
        UsageError: for a refused overwrite, options that do not fit, or a learning rate at which training diverges.
        DataError: for images or tables that cannot be used.
        MachineError: for lack of disk, memory or GPU.
        Interrupted: on Ctrl-C; the run can be resumed when an epoch is finished, else everything is as it was.
    """
    out = real(out)
    _check(config, out, origin, shaper, teacher)
    with claimed(out, config, *_basis(origin, teacher), resume=resume, force=force), logged(out):
        try:
            outcome = _learn(config, out, origin, shaper, teacher, progress)
            run = finish(out, outcome, progress)
        except KeyboardInterrupt as error:
            raise _stopped(out) from error
        forget_checkpoint(out)
        return run


def check(
    config: TrainConfig,
    out: Path,
    *,
    origin: Origin | None = None,
    shaper: Shaper | None = None,
    teacher: Teacher | None = None,
    resume: bool = False,
    force: bool = False,
) -> None:
    """Raise what ``train`` would refuse, for options, the place of the run or a missing GPU; nothing is written."""
    out = real(out)
    _check(config, out, origin, shaper, teacher)
    check_claim(out, config, *_basis(origin, teacher), resume=resume, force=force)


def _basis(origin: Origin | None, teacher: Teacher | None) -> tuple[str | None, dict[str, Any]]:
    """Return the weights that are trained on, by sha256, and what else decides the result."""
    beside = {**(origin.asked if origin else {}), **({"teacher": teacher.settings} if teacher else {})}
    return origin.run.record.weights_sha256 if origin else None, beside


def _stopped(out: Path) -> Interrupted:
    if has_progress(out):
        fix = "run the same command with --resume"
        return Interrupted("training stopped; finished epochs are kept", where=str(out), fix=fix)
    what = "training stopped before its first epoch was finished; everything is as it was"
    return Interrupted(what, where=str(out), fix="run the same command again")


def _check(
    config: TrainConfig, out: Path, origin: Origin | None, shaper: Shaper | None, teacher: Teacher | None
) -> None:
    """Refuse what can be refused before anything is read or written."""
    if not origin:
        check_init(network(config.backbone, config.width, config.image_size, classes=2), config.init)
    for what, run in (("parent", origin and origin.run), ("teacher", teacher and teacher.run)):
        if run and out.resolve() in (run.path.resolve(), *run.path.resolve().parents):
            raise UsageError(f"the new run would replace its {what}", where=str(out), fix="choose another --out")
    if teacher:
        check_teacher(teacher, config.image_size, origin.run if origin else None)
    if config.prune and not shaper:
        raise UsageError("prune is asked for, but nothing that prunes is given", fix="give shaper=shaper_of(config)")
    if config.device == "gpu":
        choose_devices(config.device, config.mixed_precision)


def _learn(
    config: TrainConfig,
    out: Path,
    origin: Origin | None,
    shaper: Shaper | None,
    teacher: Teacher | None,
    progress: Progress,
) -> Outcome:
    _check_init(config, origin)
    images = gather(config, out, origin, progress)
    for note in images.catalog.notes:
        _log.info("%s", note)
    if teacher:
        check_pupil(teacher, images.catalog)
    classes = len(images.catalog.classes)
    spec = origin.network if origin else network(config.backbone, config.width, config.image_size, classes)
    devices = choose_devices(config.device, config.mixed_precision)
    learner = _learner(spec, config, devices, images, origin, shaper, teacher)
    history, best = _epochs(learner, config, images, out, progress)
    _write_history(out, history)
    return Outcome(
        config=config,
        spec=spec,
        weights=best,
        predict=learner.logits,
        catalog=images.catalog,
        splits=images.splits,
        history=history,
        environment=environment(devices),
        parent=origin.run if origin else None,
        method=origin.method if origin else "train",
        left_out=images.left_out,
        compression=_compression(origin, shaper, best),
        teacher=teacher,
    )


def _compression(origin: Origin | None, shaper: Shaper | None, after: Weights) -> dict[str, Any] | None:
    if shaper:
        return shaper.report(origin.weights() if origin else None, after)
    return origin.start.record if origin and origin.start else None


def _check_init(config: TrainConfig, origin: Origin | None) -> None:
    """Download and try the initial weights, so that what is wrong with them is known before images are decoded."""
    if not origin and config.init != "none":
        spec = network(config.backbone, config.width, config.image_size, classes=2)
        load_imagenet(build(spec), spec, config.init, cache_folder())


def _learner(
    spec: NetworkSpec,
    config: TrainConfig,
    devices: Devices,
    images: Images,
    origin: Origin | None,
    shaper: Shaper | None,
    teacher: Teacher | None,
) -> Learner:
    labels = images.splits["train"].labels

    def initialise(core: Any) -> None:
        if origin:
            set_weights(core, origin.weights())
        elif config.init != "none":
            load_imagenet(core, spec, config.init, cache_folder())

    steps = config.epochs * _steps_per_epoch(len(labels), config.batch_size)
    return Learner(spec, config, devices, class_prior(labels, spec.classes), steps, initialise, shaper, teacher)


def _steps_per_epoch(images: int, batch_size: int) -> int:
    return max(1, images // batch_size)


def _epochs(
    learner: Learner, config: TrainConfig, images: Images, out: Path, progress: Progress
) -> tuple[History, Weights]:
    """Train until the schedule or patience ends and return the history and the best averaged weights."""
    history: History = []
    best: Weights = {}
    checkpoint = load_checkpoint(out)
    if checkpoint:
        history, best = checkpoint.history, checkpoint.part("best")
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
            **_validate(learner, weights, images),
            "eligible": float(learner.ready),
        }
        history = [*history, row]
        best = weights if best_epoch(history) is row else best
        _log.info("%s", ", ".join(f"{name} {value:.6g}" for name, value in row.items()))
        save_checkpoint(out, Checkpoint.of(history, state=learner.state(), best=best))
        forget_replaced(out)
    return history, best


def _one_epoch(learner: Learner, config: TrainConfig, images: Images, epoch: int, progress: Progress) -> float:
    labels, losses = images.splits["train"].labels, []
    steps, size = _steps_per_epoch(len(labels), config.batch_size), _size(config, epoch)
    for step, places in enumerate(_batches(len(labels), config, epoch)):
        losses.append(learner.train_batch(images.source[places], labels[places], size, epoch))
        progress(f"epoch {epoch + 1}/{config.epochs}", (step + 1) * len(places), steps * len(places))
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
    probabilities = softmax(learner.logits(weights, split.pixels).astype(np.float64))
    given = probabilities[np.arange(len(split.labels)), split.labels]
    cases = Cases(probabilities, split.labels, (), 0.0)
    return {
        "validation_loss": float(-np.log(np.maximum(given, 1e-12)).mean()),
        "validation_balanced_accuracy": float(cases.balanced_accuracy(np.ones((1, len(given))))[0]),
        "validation_macro_auc": macro_auc(probabilities.round(_NOISE), split.labels) or 0.0,
    }


def _out_of_patience(history: History, patience: int) -> bool:
    best = best_epoch(history)
    return best is not None and history[-1]["epoch"] - best["epoch"] >= patience


def _write_history(out: Path, history: History) -> None:
    stream = io.StringIO()
    table = csv.DictWriter(stream, list(history[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(history)
    write_text(out / "history.csv", stream.getvalue())
