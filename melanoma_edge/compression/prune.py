"""Magnitude pruning of the 1x1 convolutions while the network learns on.

Zeros buy bytes where files are compressed, as in an app store's download. They buy no time: dense kernels
multiply by zero as slowly as by anything else.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from melanoma_edge.errors import MachineError, UsageError
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.model.weights import Weights
from melanoma_edge.progress import Progress, silent
from melanoma_edge.training import trainer
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.material import Origin
from melanoma_edge.training.run import Run
from melanoma_edge.training.trainer import train

_RAMPS = 40
"""Number of times the masks are drawn anew while sparsity rises."""


@dataclass(frozen=True)
class LayerSparsity:
    """Count the zeros of one layer's kernel."""

    weights: int
    zeros: int

    @property
    def share(self) -> float:
        """Zeros among all weights, 0 to 1."""
        return self.zeros / self.weights


class Pruning:
    """Prune with tfmot's polynomial schedule (Zhu and Gupta 2017) and its policy for XNNPACK.

    Args:
        sparsity: share of each 1x1 kernel set to zero in the end; the head is left alone.
        begin, end: shares of all steps between which sparsity rises.
    """

    def __init__(self, sparsity: float, begin: float, end: float) -> None:
        self._sparsity, self._begin, self._end = sparsity, begin, end
        self._complete = 0
        self._wrappers: list[Any] = []

    def wrap(self, model: Any, total_steps: int) -> Any:
        """Return the model with every prunable layer wrapped."""
        sparsity = _tfmot()
        begin = min(round(self._begin * total_steps), total_steps - 1)
        length = max(1, round(self._end * total_steps) - begin)
        frequency = max(1, length // _RAMPS)
        # Masks are drawn every `frequency` steps: the last drawing must be the one of full sparsity.
        self._complete = begin + length // frequency * frequency
        schedule = sparsity.PolynomialDecay(0.0, self._sparsity, begin, self._complete, frequency=frequency)
        policy = _policy(sparsity)
        wrapped = sparsity.prune_low_magnitude(model, pruning_schedule=schedule, pruning_policy=policy)
        self._wrappers = [layer for layer in wrapped.layers if isinstance(layer, sparsity.PruneLowMagnitude)]
        return wrapped

    def before_step(self, step: int) -> None:
        """Tell the masks which step comes."""
        for wrapper in self._wrappers:
            wrapper.pruning_step.assign(step)

    def settle(self, wrapped: Any, weights: Weights) -> Weights:
        """Return the plain network's weights with the masks of now applied."""
        masks = {kernel.name.removesuffix(":0"): mask.numpy() for kernel, mask in self._masks()}
        plain = [variable.name.removesuffix(":0") for layer in wrapped.layers for variable in _own(layer)]
        return {name: weights[name] * masks[name] if name in masks else weights[name] for name in plain}

    def ready(self, step: int) -> bool:
        """Tell whether full sparsity was reached."""
        return step >= self._complete

    def report(self, before: Weights | None, after: Weights) -> dict[str, Any]:
        """Describe the sparsity reached, layer by layer, and what it does to the size of compressed weights.

        Args:
            before: the weights that pruning began with, where it began with trained ones.
            after: the pruned weights.
        """
        names = [kernel.name.removesuffix(":0") for kernel, _ in self._masks()]
        layers = {name: LayerSparsity(after[name].size, int((after[name] == 0).sum())) for name in names}
        pruned, zeros = sum(layer.weights for layer in layers.values()), sum(layer.zeros for layer in layers.values())
        return {
            "kind": "magnitude pruning",
            "asked": self._sparsity,
            "reached": zeros / pruned,
            "pruned_weights": pruned,
            "all_weights": sum(array.size for array in after.values()),
            "deflated_bytes": {"before": deflated(before) if before else None, "after": deflated(after)},
            "layers": {name: {"weights": s.weights, "zeros": s.zeros, "share": s.share} for name, s in layers.items()},
        }

    def _masks(self) -> list[tuple[Any, Any]]:
        return [(kernel, mask) for wrapper in self._wrappers for kernel, mask, _ in wrapper.pruning_vars]


def prune_config(
    run: Run, sparsity: float, epochs: int | None = None, learning_rate: float | None = None, **options: Any
) -> TrainConfig:
    """Return the configuration of a fine-tuning that prunes a run.

    Args:
        run: the parent.
        sparsity: share of the 1x1 convolutions' weights set to zero, above 0 and at most 0.95.
        epochs: of fine-tuning; a third of the parent's when left out.
        learning_rate: at its peak; a third of the parent's when left out.
        options: other fields of the configuration, such as ``seed``; None leaves the parent's.

    Raises:
        UsageError: when the parent is already compressed, or a value is out of range.
    """
    parent = run.record.configuration
    if run.record.compression:
        raise UsageError("this run is already compressed", where=str(run.path), fix="prune the run it was made from")
    return replace(
        parent,
        prune=sparsity,
        epochs=max(4, -(-parent.epochs // 3)) if epochs is None else epochs,
        learning_rate=parent.learning_rate / 3 if learning_rate is None else learning_rate,
        progressive=False,
        **{name: value for name, value in options.items() if value is not None},
    )


def prune(
    run: Run,
    out: Path,
    config: TrainConfig,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress = silent,
) -> Run:
    """Prune a run by fine-tuning it, and leave a new run that names its parent.

    Args:
        run: the parent.
        out: the new run's directory.
        config: as ``prune_config`` returns it.

    Raises:
        MelanomaEdgeError: as ``train`` does.
    """
    origin, shaper = _asked(run, config)
    return train(config, out, origin=origin, shaper=shaper, resume=resume, force=force, progress=progress)


def check(run: Run, out: Path, config: TrainConfig, *, resume: bool = False, force: bool = False) -> None:
    """Raise what ``prune`` would refuse; nothing is written."""
    origin, shaper = _asked(run, config)
    trainer.check(config, out, origin=origin, shaper=shaper, resume=resume, force=force)


def _asked(run: Run, config: TrainConfig) -> tuple[Origin, Pruning]:
    if config.prune is None:
        raise UsageError("no sparsity asked for", fix="make the configuration with prune_config")
    return Origin(run, "prune"), Pruning(config.prune, begin=0.0, end=0.5)


def shaper_of(config: TrainConfig) -> Pruning | None:
    """Return what prunes during a training from scratch, between two and three fifths of its way."""
    return Pruning(config.prune, begin=0.4, end=0.6) if config.prune else None


def deflated(weights: Weights) -> int:
    """Return the bytes of all weights as float32 after deflate, the compression of zip, APK and HTTP."""
    raw = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for _, array in sorted(weights.items()))
    return len(zlib.compress(raw, 9))


def _tfmot() -> Any:
    from melanoma_edge.model.legacy_keras import load_tensorflow

    load_tensorflow()
    try:
        from tensorflow_model_optimization.python.core.sparsity.keras import pruning_wrapper
        from tensorflow_model_optimization.sparsity import keras as sparsity
    except ImportError as error:
        fix = "pip install tensorflow-model-optimization"
        raise MachineError(f"tensorflow-model-optimization cannot be imported: {error}", fix=fix) from error
    sparsity.PruneLowMagnitude = pruning_wrapper.PruneLowMagnitude
    return sparsity


def _policy(sparsity: Any) -> Any:
    class Policy(sparsity.PruneForLatencyOnXNNPack):  # type: ignore[misc]
        """The policy for XNNPACK, less the head: its few weights carry the decision."""

        def allow_pruning(self, layer: Any) -> bool:
            return layer.name != HEAD and bool(super().allow_pruning(layer))

    return Policy()


def _own(layer: Any) -> list[Any]:
    """Return a layer's variables without those that a pruning wrapper adds."""
    return list(layer.layer.weights if hasattr(layer, "pruning_vars") else layer.weights)
