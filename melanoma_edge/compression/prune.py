"""Magnitude pruning of the 1x1 convolutions while the network learns on; ``sparsity.py`` says what it buys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from melanoma_edge.compression.sparsity import BLOCK, ZEROS, describe_sparsity
from melanoma_edge.errors import MachineError, UsageError
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.model.spec import check_mobilenet
from melanoma_edge.model.weights import Weights
from melanoma_edge.progress import Progress, silent
from melanoma_edge.training import trainer
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.material import Origin
from melanoma_edge.training.run import Run
from melanoma_edge.training.trainer import train

_RAMPS = 40
"""Number of times the masks are drawn anew while sparsity rises."""


class Pruning:
    """Prune with tfmot's schedules (polynomial: Zhu and Gupta 2017) and its policy for XNNPACK.

    Args:
        sparsity: share of each 1x1 kernel set to zero in the end; the head is left alone.
        begin, end: shares of all steps; sparsity rises between them, or is whole from the first on. Masks may change
            until the second. The pattern 2:4 is drawn once, in the first step of all.
        pattern, schedule: as in ``TrainConfig``.
    """

    def __init__(
        self,
        sparsity: float,
        begin: float,
        end: float,
        pattern: str = "unstructured",
        schedule: str = "polynomial",
    ) -> None:
        self._sparsity, self._begin, self._end = sparsity, begin, end
        self._pattern, self._schedule = pattern, schedule
        self._complete = 0
        self._wrappers: list[Any] = []

    def wrap(self, model: Any, total_steps: int) -> Any:
        """Return the model with every prunable layer wrapped."""
        sparsity = _tfmot()
        blocks = (ZEROS, BLOCK) if self._pattern == "2:4" else None
        schedule = self._scheduled(sparsity, total_steps)
        policy = _policy(sparsity)
        wrapped = sparsity.prune_low_magnitude(
            model, pruning_schedule=schedule, pruning_policy=policy, sparsity_m_by_n=blocks
        )
        self._complete = 1 if blocks else schedule.end_step
        self._wrappers = [layer for layer in wrapped.layers if isinstance(layer, sparsity.PruneLowMagnitude)]
        return wrapped

    def _scheduled(self, sparsity: Any, total_steps: int) -> Any:
        begin = min(round(self._begin * total_steps), total_steps - 1)
        end = max(begin + 1, round(self._end * total_steps))
        frequency = max(1, (end - begin) // _RAMPS)
        # The first step is number 1, and masks are drawn every `frequency` steps from the first on: the last drawing
        # must be one of full sparsity.
        first = begin + 1 if self._schedule == "constant" else begin
        last = first + (end - first) // frequency * frequency
        if self._schedule == "constant":
            return sparsity.ConstantSparsity(self._sparsity, first, last, frequency)
        return sparsity.PolynomialDecay(0.0, self._sparsity, first, last, frequency=frequency)

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
        return {
            "kind": "magnitude pruning",
            "asked": self._sparsity,
            "pattern": self._pattern,
            "schedule": self._schedule,
            **describe_sparsity(before, after, [kernel.name.removesuffix(":0") for kernel, _ in self._masks()]),
        }

    def _masks(self) -> list[tuple[Any, Any]]:
        return [(kernel, mask) for wrapper in self._wrappers for kernel, mask, _ in wrapper.pruning_vars]


def prune_config(
    run: Run,
    sparsity: float | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    *,
    pattern: str = "unstructured",
    schedule: str | None = None,
    **options: Any,
) -> TrainConfig:
    """Return the configuration of a fine-tuning that prunes a run.

    Args:
        run: the parent.
        sparsity: share of the 1x1 convolutions' weights set to zero, above 0 and at most 0.95; the pattern 2:4 needs
            none, being one half.
        epochs: of fine-tuning; a third of the parent's when left out.
        learning_rate: at its peak; a third of the parent's when left out.
        pattern: ``unstructured`` or ``2:4``.
        schedule: ``polynomial`` or ``constant``; left out, 2:4 has the second and all else the first.
        options: other fields of the configuration, such as ``seed``; None leaves the parent's.

    Raises:
        UsageError: when the parent is already compressed, or a value is out of range.
    """
    parent = run.record.configuration
    check_mobilenet(run.network, "pruning", str(run.path))
    if run.record.compression:
        raise UsageError("this run is already compressed", where=str(run.path), fix="prune the run it was made from")
    if sparsity is None and pattern != "2:4":
        raise UsageError("no sparsity asked for", fix="add --sparsity, such as 0.5, or --pattern 2:4")
    return replace(
        parent,
        prune=0.5 if sparsity is None else sparsity,
        prune_pattern=pattern,
        prune_schedule=schedule or ("constant" if pattern == "2:4" else "polynomial"),
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
    return Origin(run, "prune"), _pruning(config, config.prune, begin=0.0, end=0.5)


def shaper_of(config: TrainConfig) -> Pruning | None:
    """Return what prunes during a training from scratch, between two and three fifths of its way.

    Raises:
        UsageError: for the pattern 2:4, which is drawn in the first step, when nothing has been learned.
    """
    if not config.prune:
        return None
    if config.prune_pattern == "2:4":
        raise UsageError("pattern 2:4 needs a trained network", fix="train without pruning, then prune that run")
    return _pruning(config, config.prune, begin=0.4, end=0.6)


def _pruning(config: TrainConfig, sparsity: float, begin: float, end: float) -> Pruning:
    return Pruning(sparsity, begin, end, config.prune_pattern, config.prune_schedule)


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
