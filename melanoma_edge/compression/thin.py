"""Thinning: a physically narrower network, cut out of a trained one and fine-tuned to answer as it did.

Zeros save bytes; fewer channels save time as well, in every runtime, because what remains is an ordinary network.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.compression.importance import IMPORTANCES, Gated, Importance, drawn, magnitude
from melanoma_edge.compression.narrow import Measure, everything, narrowed, narrowest
from melanoma_edge.compression.sites import Kept, cut, sites
from melanoma_edge.errors import UsageError
from melanoma_edge.evaluation.calibration import softmax
from melanoma_edge.evaluation.metrics import Cases, validation_auc
from melanoma_edge.model.cost import cost
from melanoma_edge.model.spec import NetworkSpec, check_mobilenet
from melanoma_edge.progress import Progress, silent
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training import trainer
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.material import Origin, Start
from melanoma_edge.training.mixture import levelled
from melanoma_edge.training.run import Run, SplitImages
from melanoma_edge.training.teacher import Teacher
from melanoma_edge.training.trainer import train

IMAGES, ROUNDS = 1024, 4


@dataclass(frozen=True)
class Thinning:
    """Say how narrow a network is to be, and how its channels are chosen. Exactly one target is given.

    Attributes:
        keep: share of the multiplications to keep, above 0 and below 1.
        target_macs: multiplications for one image, at most.
        target_kb: bytes of the int8 ``.tflite``, in thousands, at most; an estimate, see ``Cost``.
        importance: ``taylor`` measures the effect on the validation loss; ``magnitude`` and ``random`` for comparison.
        images: of validation to measure on, and of training to average over; at most as many as there are.
        rounds: in which channels go; importance is measured anew in each.
        seed: of the choice of images, and of ``random``.

    Raises:
        UsageError: for a value out of range, or not exactly one target.
    """

    keep: float | None = None
    target_macs: float | None = None
    target_kb: float | None = None
    importance: str = "taylor"
    images: int = IMAGES
    rounds: int = ROUNDS
    seed: int = 0

    def __post_init__(self) -> None:
        targets = [value for value in (self.keep, self.target_macs, self.target_kb) if value is not None]
        rules = {
            "give exactly one of keep, target_macs and target_kb": len(targets) == 1,
            f"keep must lie between 0 and 1, not {self.keep}": self.keep is None or 0 < self.keep < 1,
            f"a target must be above 0, not {targets}": all(value > 0 for value in targets),
            f"importance must be one of {', '.join(IMPORTANCES)}, not {self.importance}": self.importance
            in IMPORTANCES,
            f"at least 8 images are needed to measure on, not {self.images}": self.images >= 8,
            f"rounds must be 1 to 100, not {self.rounds}": 1 <= self.rounds <= 100,
        }
        problems = [message for message, holds in rules.items() if not holds]
        if problems:
            raise UsageError("; ".join(problems), fix="see `melanoma-edge thin --help`")

    @property
    def measure(self) -> Measure:
        """What of the cost counts."""
        return (lambda found: found.int8_bytes) if self.target_kb is not None else (lambda found: found.macs)

    def goal(self, spec: NetworkSpec) -> float:
        """Return the most that the thinned network may cost.

        Raises:
            UsageError: when the network costs no more already, or cannot be made so narrow.
        """
        whole, least = (self.measure(cost(layout)) for layout in (spec, narrowest(spec)))
        goal = self.keep * whole if self.keep else self.target_macs or 1000 * (self.target_kb or 0)
        what = "bytes" if self.target_kb is not None else "multiplications"
        if goal >= whole:
            raise UsageError(f"the network has {whole:,} {what} already", fix=f"ask for fewer than {whole:,}")
        if goal < least:
            fix = f"ask for at least {least:,}, {least / whole:.3f} of them; eight channels are left everywhere"
            raise UsageError(f"no network of this shape has {goal:,.0f} {what}", fix=fix)
        return goal


def thin_config(run: Run, epochs: int | None = None, learning_rate: float | None = None, **options: Any) -> TrainConfig:
    """Return the configuration of the fine-tuning.

    Args:
        run: the parent.
        epochs: a third of the parent's when left out.
        learning_rate: at its peak; half the parent's when left out.
        options: other fields of the configuration, such as ``seed``; None leaves the parent's.

    Raises:
        UsageError: for a value out of range.
    """
    parent = run.record.configuration
    return replace(
        parent,
        epochs=max(4, -(-parent.epochs // 3)) if epochs is None else epochs,
        learning_rate=parent.learning_rate / 2 if learning_rate is None else learning_rate,
        progressive=False,
        **{name: value for name, value in options.items() if value is not None},
    )


def check(
    run: Run, out: Path, asked: Thinning, config: TrainConfig, *, resume: bool = False, force: bool = False
) -> None:
    """Raise what ``thin`` would refuse; nothing is measured or written."""
    where = str(run.path)
    check_mobilenet(run.network, "thinning", where)
    if run.network.folded:
        raise UsageError("a quantized run cannot be thinned", where=where, fix="thin the run it was made from")
    if run.record.compression and run.record.compression.get("kind") != "thinning":
        fix = "thin the run it was made from, and prune the thinned one"
        raise UsageError("thinning would undo the pruning of this run", where=where, fix=fix)
    asked.goal(run.network)
    origin = Origin(run, "thin", asked={"thinning": asdict(asked)})
    trainer.check(config, out, origin=origin, teacher=Teacher(run), resume=resume, force=force)


def thin(
    run: Run,
    out: Path,
    asked: Thinning,
    config: TrainConfig,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress = silent,
) -> Run:
    """Cut a narrower network out of a run, fine-tune it with its parent as teacher, and leave a new run.

    Args:
        run: the parent; neither quantized nor pruned.
        out: the new run's directory.
        asked: how narrow, and how channels are chosen.
        config: of the fine-tuning, as ``thin_config`` returns it.

    Raises:
        MelanomaEdgeError: as ``train`` does, and ``UsageError`` for a target that cannot be reached.
    """
    check(run, out, asked, config, resume=resume, force=force)
    start = planned(run, asked, progress)
    origin = Origin(run, "thin", start, {"thinning": asdict(asked)})
    return train(config, out, origin=origin, teacher=Teacher(run), resume=resume, force=force, progress=progress)


def planned(run: Run, asked: Thinning, progress: Progress = silent) -> Start:
    """Choose the channels and return the narrower network before any training, with the record of how it was made.

    Channels go in rounds of equal ratio. In each, the means that stand in for removed channels are taken over
    training images, and importance is measured on validation images with every class weighing the same: the
    threshold, too, is chosen there, and the test split stays unseen.

    Raises:
        UsageError: for a target that cannot be reached.
        DataError: when images are missing.
    """
    spec, weights = run.network, run.weights()
    goal, whole = asked.goal(spec), asked.measure(cost(spec))
    validation = run.images("validation", progress)
    seen = _some(len(run.images("train", progress).labels), asked)
    pixels = np.ascontiguousarray(run.images("train").pixels[seen])
    judged = _some(len(validation.labels), asked)
    network, means = Gated(spec, levelled(weights, run.contract)), dict[str, NDArray[np.float64]]()
    kept: Kept = everything(spec)
    logits, _ = network.logits(validation.pixels, kept, {}, progress)
    steps = {"parent": validation_quality(logits, validation)}
    for turn in range(asked.rounds):
        means = _merged(network, means, network.logits(pixels, kept, means, progress)[1], kept)
        importance = _importance(asked, run, network, validation, judged, kept, means, progress)
        kept = narrowed(spec, kept, importance, whole * (goal / whole) ** ((turn + 1) / asked.rounds), asked.measure)
    logits, _ = network.logits(validation.pixels, kept, means, progress)
    steps["before_fine_tuning"] = validation_quality(logits, validation)
    layout, narrower = cut(spec, weights, kept, means)
    return Start(layout, narrower, _record(spec, layout, asked, kept, steps))


def validation_quality(logits: NDArray[np.float32], split: SplitImages) -> dict[str, float]:
    """Return loss, balanced accuracy and macro AUC of logits ``[n, classes]``, image by image.

    The loss is the cross-entropy with every class weighing the same, which is what thinning tries to keep.
    """
    probabilities, labels = softmax(logits), split.labels
    given = np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)
    cases = Cases(probabilities, labels, (), 0.0)
    return {
        "balanced_loss": float(-(np.log(given) * _balanced(labels)).sum()),
        "balanced_accuracy": float(cases.balanced_accuracy(np.ones((1, len(labels))))[0]),
        "macro_auc": validation_auc(probabilities, labels),
    }


def _importance(
    asked: Thinning,
    run: Run,
    network: Gated,
    validation: SplitImages,
    judged: NDArray[np.int64],
    kept: Kept,
    means: dict[str, NDArray[np.float64]],
    progress: Progress,
) -> Importance:
    if asked.importance == "magnitude":
        return magnitude(run.network, run.weights())
    if asked.importance == "random":
        return drawn(run.network, asked.seed)
    pixels, labels = np.ascontiguousarray(validation.pixels[judged]), validation.labels[judged]
    return network.taylor(pixels, labels, _balanced(labels), kept, means, progress)


def _balanced(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of each image when every class present has the same, float64 ``[n]``."""
    counts = np.bincount(labels)
    return np.asarray(1.0 / (counts[labels] * np.count_nonzero(counts)), np.float64)


def _some(count: int, asked: Thinning) -> NDArray[np.int64]:
    chosen = np.random.default_rng(asked.seed).permutation(count)[: asked.images]
    return np.sort(chosen)


def _merged(
    network: Gated, old: dict[str, NDArray[np.float64]], new: dict[str, NDArray[np.float64]], kept: Kept
) -> dict[str, NDArray[np.float64]]:
    """Return the new means of the channels that are left, and the old ones of those that are gone."""
    users = {user: kept[site.name] for site in network.sites for user in site.users}
    return {user: np.where(mask, new[user], old.get(user, new[user])) for user, mask in users.items()}


def _record(
    spec: NetworkSpec, layout: NetworkSpec, asked: Thinning, kept: Kept, steps: dict[str, dict[str, float]]
) -> dict[str, Any]:
    """Describe a thinning for the run's record; validation metrics are by image, before and after it."""
    return {
        "kind": "thinning",
        "asked": asdict(asked),
        "cost": {"before": to_plain(cost(spec)), "after": to_plain(cost(layout))},
        "channels": {
            site.name: {"before": site.channels, "after": int(kept[site.name].sum()), "kept": _places(kept[site.name])}
            for site in sites(spec)
        },
        "validation": steps,
    }


def _places(mask: NDArray[np.bool_]) -> list[int]:
    return [int(place) for place in np.flatnonzero(mask)]
