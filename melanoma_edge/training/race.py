"""Our training and the plain Keras recipe, on the same images in the same run, epoch by epoch in turns.

Each lives in a process of its own, and one works at a time, so that what else the machine does hits both alike: a time
here is worth little, a ratio much. Time counts from image files that nobody has decoded yet, and is that of everything:
reading, decoding, learning and validating; only the import of TensorFlow is left out.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from melanoma_edge.errors import MachineError, MelanomaEdgeError, UsageError
from melanoma_edge.progress import Progress, silent
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training.config import TrainConfig, reading_of
from melanoma_edge.training.plain import RECIPES, check_recipe, link_folders, train_plain

SCHEMA = "melanoma-edge/training-benchmark/1"
OURS = "melanoma-edge"


@dataclass(frozen=True)
class Lap:
    """Hold one epoch: seconds by the clock and in CPU time, of learning and of validating.

    The first epoch's learning has in it all that came before: reading, hashing and decoding.
    """

    learning: float
    learning_cpu: float
    validating: float
    validating_cpu: float
    macro_auc: float


@dataclass(frozen=True)
class Contestant:
    """Hold all epochs of one way to train."""

    name: str
    images: int
    laps: tuple[Lap, ...]

    def images_per_second(self, cpu: bool = False) -> float:
        """Return images learned from per second of learning, decoding included."""
        spent = sum(lap.learning_cpu if cpu else lap.learning for lap in self.laps)
        return self.images * len(self.laps) / spent

    @property
    def best(self) -> float:
        """The highest validation macro AUC of any epoch."""
        return max(lap.macro_auc for lap in self.laps)

    def seconds_to(self, macro_auc: float, cpu: bool = False) -> float | None:
        """Return the seconds until an epoch first had this validation macro AUC, or None."""
        spent = 0.0
        for lap in self.laps:
            spent += lap.learning_cpu + lap.validating_cpu if cpu else lap.learning + lap.validating
            if lap.macro_auc >= macro_auc:
                return spent
        return None


@dataclass(frozen=True)
class Race:
    """Hold a finished race; the first contestant is ours."""

    config: TrainConfig
    training: int
    validation: int
    contestants: tuple[Contestant, ...]

    def to_document(self) -> dict[str, Any]:
        """Return the race as plain JSON, with ours divided by each other's."""
        ours, *others = self.contestants
        return {
            "schema": SCHEMA,
            "images": {"train": self.training, "validation": self.validation},
            "configuration": to_plain(self.config),
            "contestants": [_described(one) for one in self.contestants],
            "ratios": [_compared(ours, other) for other in others],
            "note": "Epochs in turns, one process at a time; trust ratios, not times. With progressive training our "
            "first epochs are on smaller images, which is part of their speed. The target is the other's best "
            "validation macro AUC; a time ratio below 1 means that ours was there sooner.",
        }


def _described(one: Contestant) -> dict[str, Any]:
    speeds = {"images_per_second": one.images_per_second(), "images_per_cpu_second": one.images_per_second(cpu=True)}
    return {"name": one.name, **speeds, "best_macro_auc": one.best, "laps": [vars(lap) for lap in one.laps]}


def _compared(ours: Contestant, other: Contestant) -> dict[str, Any]:
    times = {
        name: {"ours": ours.seconds_to(other.best, cpu), "other": other.seconds_to(other.best, cpu)}
        for name, cpu in (("seconds", False), ("cpu_seconds", True))
    }
    return {
        "to": other.name,
        "images_per_second": ours.images_per_second() / other.images_per_second(),
        "images_per_cpu_second": ours.images_per_second(cpu=True) / other.images_per_second(cpu=True),
        "macro_auc": other.best,
        **times,
        "time_ratio": _ratio(times["seconds"]),
        "cpu_time_ratio": _ratio(times["cpu_seconds"]),
    }


def _ratio(times: dict[str, float | None]) -> float | None:
    ours, other = times["ours"], times["other"]
    return ours / other if ours is not None and other else None


def check_race(config: TrainConfig, recipes: Sequence[str]) -> None:
    """Raise ``UsageError`` for what cannot be raced."""
    check_recipe(config)
    if config.skip_bad_images:
        what = "a race decodes nothing before it starts, so the recipes would learn from images that ours leaves out"
        raise UsageError(what, fix="leave --skip-bad-images out; images that cannot be read are then named")
    if reading_of(config).leaky:
        what = "a legacy split is of augmented copies, which the recipes cannot learn from"
        raise UsageError(what, fix="leave --split-policy legacy out")
    if unknown := [name for name in recipes if name not in RECIPES]:
        raise UsageError(f"unknown recipe {unknown[0]!r}", fix=f"use one of {', '.join(RECIPES)}")


def race(config: TrainConfig, recipes: Sequence[str] = tuple(RECIPES), progress: Progress = silent) -> Race:
    """Train in our way and by each recipe, in turns.

    Args:
        config: of our training; recipes take network, image size, epochs, batch size, learning rate and seed from it.
        recipes: names of ``RECIPES``.
        progress: told of epochs.

    Raises:
        UsageError: for an unknown recipe or a network that ``keras.applications`` has not.
        DataError: for images that cannot be used.
        MachineError: when one of the processes ends or cannot go on.
    """
    from melanoma_edge.training.material import divided, read_data

    check_race(config, recipes)
    config = replace(config, patience=config.epochs)
    catalog = divided(read_data(config, progress), config)
    names = (OURS, *dict.fromkeys(recipes))
    with tempfile.TemporaryDirectory(prefix="melanoma-edge-race-") as scratch:
        link_folders(catalog, Path(scratch) / "images")
        runners = [_Runner(name, config, catalog.classes, Path(scratch)) for name in names]
        try:
            laps = _laps(runners, config.epochs, progress)
        finally:
            for runner in runners:
                runner.end()
    counts = {split: len(catalog.part(split)) for split in ("train", "validation")}
    contestants = tuple(Contestant(name, counts["train"], tuple(laps[name])) for name in names)
    return Race(config, counts["train"], counts["validation"], contestants)


def _laps(runners: list[_Runner], epochs: int, progress: Progress) -> dict[str, list[Lap]]:
    laps: dict[str, list[Lap]] = {runner.name: [] for runner in runners}
    for runner in runners:
        runner.told()  # ready
    for epoch in range(epochs):
        for place, runner in enumerate(runners):
            laps[runner.name].append(runner.lap())
            progress("epochs in turns", epoch * len(runners) + place + 1, epochs * len(runners))
    return laps


class _Runner:
    """Drive one contestant's process."""

    def __init__(self, name: str, config: TrainConfig, classes: tuple[str, ...], scratch: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.name = name
        self._line, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_run, args=(theirs, name, config, classes, scratch))
        resource_tracker.ensure_running()  # started with the process, it would let interrupts through again
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited: Ctrl-C is for this process
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def lap(self) -> Lap:
        """Let it go for one epoch."""
        self._line.send("go")
        found = self.told()
        assert isinstance(found, Lap)
        return found

    def told(self) -> object:
        """Return what it says next; raises what it raised, or ``MachineError`` when it ended without a word."""
        try:
            found = self._line.recv()
        except EOFError as error:
            fix = "free some memory or give fewer images, then run again"
            raise MachineError(f"the process of {self.name} was ended from outside", fix=fix) from error
        if isinstance(found, MelanomaEdgeError):
            raise found
        return found

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.terminate()
        self._process.join()
        self._line.close()


class _Stopwatch:
    """Run in a contestant's process: wait for the word to go, and tell each epoch's times."""

    def __init__(self, line: Connection) -> None:
        self._line = line
        line.send("ready")
        self._go()

    def _go(self) -> None:
        self._line.recv()
        self._started = self._trained = _now()

    def trained(self) -> None:
        """Note that an epoch's last step is done."""
        self._trained = _now()

    def judged(self, macro_auc: float) -> None:
        """Tell the epoch's times and wait for the next word."""
        (started, started_cpu), (trained, trained_cpu), (now, now_cpu) = self._started, self._trained, _now()
        lap = Lap(trained - started, trained_cpu - started_cpu, now - trained, now_cpu - trained_cpu, macro_auc)
        self._line.send(lap)
        self._go()


def _now() -> tuple[float, float]:
    """Return seconds by the clock and of CPU time, that of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(one.ru_utime + one.ru_stime for one in used)


def _run(line: Connection, name: str, config: TrainConfig, classes: tuple[str, ...], scratch: Path) -> None:
    """Train in a process of its own, with a cache that knows none of the images."""
    from melanoma_edge.model.legacy_keras import load_tensorflow

    os.environ["MELANOMA_EDGE_CACHE"] = str(scratch / "cache")
    try:
        load_tensorflow()
        watch = _Stopwatch(line)
        if name == OURS:
            _train_ours(config, scratch / "run", watch)
        else:
            train_plain(scratch / "images", classes, config, RECIPES[name], watch.trained, watch.judged)
    except MelanomaEdgeError as error:
        line.send(error)
    except EOFError:  # the race is over
        pass
    except Exception as error:
        what = f"the process of {name} cannot go on: {type(error).__name__}: {str(error).strip() or 'no word why'}"
        line.send(MachineError(what, fix="look whether images, first weights and memory are what it needs"))


def _train_ours(config: TrainConfig, out: Path, watch: _Stopwatch) -> None:
    from melanoma_edge.training.checkpoint import load_checkpoint
    from melanoma_edge.training.trainer import train

    def progress(task: str, done: int, total: int) -> None:
        if task.startswith("epoch ") and done == total:
            watch.trained()
        if task.startswith("validation "):
            kept = load_checkpoint(out)
            watch.judged(kept.history[-1]["validation_macro_auc"] if kept else 0.0)

    train(config, out, progress=progress)
