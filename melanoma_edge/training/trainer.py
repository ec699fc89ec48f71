"""Training from a configuration to a finished run."""

from __future__ import annotations

import csv
import io
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from melanoma_edge.data.cache import cache_folder
from melanoma_edge.errors import Interrupted, UsageError
from melanoma_edge.files import write_text
from melanoma_edge.model.classifier import set_weights
from melanoma_edge.model.imagenet import check_init, load_imagenet
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import NetworkSpec, network
from melanoma_edge.model.weights import Weights
from melanoma_edge.progress import Progress, silent
from melanoma_edge.training.checkpoint import forget_checkpoint
from melanoma_edge.training.cluster import VARIABLE, Cluster, losses_named
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.devices import Devices, choose_devices, environment
from melanoma_edge.training.epochs import History, run_epochs, steps_per_epoch
from melanoma_edge.training.finish import Outcome, finish
from melanoma_edge.training.folder import check_claim, claimed, has_progress, logged, real
from melanoma_edge.training.learner import Learner, Shaper
from melanoma_edge.training.material import Images, Origin, gather, priors
from melanoma_edge.training.run import Run
from melanoma_edge.training.teacher import Teacher, check_pupil, check_teacher

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
    cluster: Cluster | None = None,
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
        cluster: the processes to train with, of which this is the chief; the others call ``assist``.

    Raises:
        UsageError: for a refused overwrite, options that do not fit, or a learning rate at which training diverges.
        DataError: for images or tables that cannot be used.
        MachineError: for lack of disk, memory or GPU, or of a process of the cluster.
        Interrupted: on Ctrl-C; the run can be resumed when an epoch is finished, else everything is as it was.
    """
    out = real(out)
    _check(config, out, origin, shaper, teacher, cluster)
    if cluster and not cluster.chief:
        raise UsageError(f"this is worker {cluster.index}, which writes no run", fix="let it call assist")
    with claimed(out, config, *_basis(origin, teacher), resume=resume, force=force), logged(out):
        try:
            with losses_named(cluster, lambda: has_progress(out)):
                outcome = _learn(config, out, origin, shaper, teacher, progress, cluster)
            run = finish(out, outcome, progress)
        except KeyboardInterrupt as error:
            raise _stopped(out) from error
        forget_checkpoint(out)
        return run


def assist(
    config: TrainConfig,
    cluster: Cluster,
    *,
    shaper: Shaper | None = None,
    teacher: Teacher | None = None,
    progress: Progress = silent,
) -> None:
    """Take part in a training as one of its workers; the chief, to whom weights and history are left, calls ``train``.

    The images must be those of the chief, though they may lie elsewhere, and so must what ``config`` says of all but
    where data and first weights lie. Nothing is written but the cache of decoded images.

    Args:
        config: what to do.
        cluster: the processes to train with.
        shaper: must be None, as for the chief.
        teacher: as the chief's.
        progress: told of every step.

    Raises:
        UsageError: for options other than the chief's.
        DataError: for images other than the chief's, or that cannot be used.
        MachineError: for lack of disk, memory or GPU, or of a process of the cluster.
    """
    config = replace(config, init="none")
    _check(config, None, None, shaper, teacher, cluster)
    with losses_named(cluster, lambda: False):
        _learn(config, None, None, None, teacher, progress, cluster)


def check(
    config: TrainConfig,
    out: Path,
    *,
    origin: Origin | None = None,
    shaper: Shaper | None = None,
    teacher: Teacher | None = None,
    resume: bool = False,
    force: bool = False,
    cluster: Cluster | None = None,
) -> None:
    """Raise what ``train`` would refuse, for options, the place of the run or a missing GPU; nothing is written."""
    out = real(out)
    _check(config, out, origin, shaper, teacher, cluster)
    if cluster is None or cluster.chief:
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
    config: TrainConfig,
    out: Path | None,
    origin: Origin | None,
    shaper: Shaper | None,
    teacher: Teacher | None,
    cluster: Cluster | None,
) -> None:
    """Refuse what can be refused before anything is read or written."""
    if cluster and (origin or shaper):
        fix = f"train on several machines first, then unset {VARIABLE} and prune that run"
        raise UsageError("what changes a network while it learns works on one machine only", fix=fix)
    if not origin:
        check_init(network(config.backbone, config.width, config.image_size, classes=2), config.init)
    for what, run in (("parent", origin and origin.run), ("teacher", teacher and teacher.run)):
        if run and out and out.resolve() in (run.path.resolve(), *run.path.resolve().parents):
            raise UsageError(f"the new run would replace its {what}", where=str(out), fix="choose another --out")
    if teacher:
        check_teacher(teacher, config.image_size, origin.run if origin else None)
    if config.prune and not shaper:
        raise UsageError("prune is asked for, but nothing that prunes is given", fix="give shaper=shaper_of(config)")
    if config.device == "gpu" and not cluster:  # whose devices are chosen once, when all have met
        choose_devices(config.device, config.mixed_precision)


def _learn(
    config: TrainConfig,
    out: Path | None,
    origin: Origin | None,
    shaper: Shaper | None,
    teacher: Teacher | None,
    progress: Progress,
    cluster: Cluster | None = None,
) -> Outcome:
    """Learn; without ``out`` as a worker, to whom the chief gives the weights to begin with."""
    devices = choose_devices(config.device, config.mixed_precision, cluster)
    _check_init(config, origin)
    images = gather(config, out, origin, progress)
    for note in images.catalog.notes:
        _log.info("%s", note)
    if teacher:
        check_pupil(teacher, images.catalog)
    classes = len(images.catalog.classes)
    spec = origin.network if origin else network(config.backbone, config.width, config.image_size, classes)
    learner = _learner(spec, config, devices, images, origin, shaper, teacher)
    basis = {"images": images.catalog.sha256, "teacher": teacher.settings if teacher else None}
    history, best = run_epochs(learner, config, images, out, devices, basis, progress)
    if out:
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

    steps = config.epochs * steps_per_epoch(len(labels), config.batch_size)
    return Learner(spec, config, devices, priors(images, config)[0], steps, initialise, shaper, teacher)


def _write_history(out: Path, history: History) -> None:
    stream = io.StringIO()
    table = csv.DictWriter(stream, list(history[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(history)
    write_text(out / "history.csv", stream.getvalue())
