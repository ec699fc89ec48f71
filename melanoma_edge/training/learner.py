"""The part of training that is TensorFlow: steps, averaged weights, predictions, and state that can be saved."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import MachineError
from melanoma_edge.model.classifier import scaled, set_weights
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights
from melanoma_edge.squares import Squares
from melanoma_edge.training.augmentation import Turn, augmented, resized
from melanoma_edge.training.config import TrainConfig, reading_of
from melanoma_edge.training.devices import Devices
from melanoma_edge.training.losses import adjusted_loss, distillation_loss
from melanoma_edge.training.mixture import levelled
from melanoma_edge.training.run import Run
from melanoma_edge.training.teacher import Teacher

BN_MOMENTUM = 0.97
"""Moving averages that forget within 33 steps: short fine-tunes end before 0.99 has settled."""
_WARM_UP = 0.06
"""Share of all steps in which the learning rate rises from nothing."""
_EVALUATION_BATCH = 64

State = dict[str, NDArray[Any]]


class Shaper(Protocol):
    """Change the network while it learns; pruning is one."""

    def wrap(self, model: Any, total_steps: int) -> Any:
        """Return the model to train in place of ``model``."""

    def before_step(self, step: int) -> None:
        """Prepare the next step."""

    def settle(self, wrapped: Any, weights: Weights) -> Weights:
        """Return plain weights of the plain network with the shape imposed on them."""

    def ready(self, step: int) -> bool:
        """Tell whether the shape is complete after ``step`` steps, so that weights may be kept."""

    def report(self, before: Weights | None, after: Weights) -> dict[str, Any]:
        """Describe what was done, for the run's record."""


class Learner:
    """Train one network on batches that the caller brings.

    Args:
        spec: the network.
        config: the schedule.
        devices: where it runs.
        prior: share of each class in training, ``[classes]``, or in each source of it, ``[sources, classes]``.
        steps: number of all steps to come, for the schedule.
        initialise: called with the built network to load weights.
        shaper: changes the network while it learns.
        teacher: a run whose answers are learned from, for the same image size.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        config: TrainConfig,
        devices: Devices,
        prior: NDArray[np.float64],
        steps: int,
        initialise: Callable[[Any], None],
        shaper: Shaper | None = None,
        teacher: Teacher | None = None,
    ) -> None:
        self._tf, keras = load_tensorflow()
        self._config, self._devices, self._steps, self._shaper = config, devices, steps, shaper
        self._teacher, self._size = teacher, spec.image_size
        # Copies that stand in the catalog are all the augmentation of whoever asked for them.
        self._view = resized if reading_of(config).copies else augmented
        self._prior = np.atleast_2d(prior).astype(np.float32)
        self.step = 0
        keras.utils.set_random_seed(config.seed)
        with devices.strategy.scope(), _policy(keras, "mixed_float16" if devices.mixed_precision else "float32"):
            core = build(spec, BN_MOMENTUM)
            initialise(core)
            self._model = shaper.wrap(core, steps) if shaper else core
            self._optimizer = self._make_optimizer(keras)
            self._optimizer.build(self._model.trainable_variables)
            self._average = [self._tf.Variable(variable, trainable=False) for variable in self._model.weights]
        # Built after the pupil, whose first weights then do not depend on whether there is a teacher.
        with devices.strategy.scope():
            self._answers = _answering(teacher.run) if teacher else None
        self._plain = build(spec, BN_MOMENTUM)
        self._train = self._tf.function(self._train_step)
        self._infer = self._tf.function(lambda pixels: self._plain(scaled(self._tf.cast(pixels, self._tf.float32))))

    def _make_optimizer(self, keras: Any) -> Any:
        optimizer = keras.optimizers.AdamW(1e-3, weight_decay=self._config.weight_decay, clipnorm=1.0)
        optimizer.exclude_from_weight_decay(var_names=["_bn/", "bias", "depthwise"])
        return keras.mixed_precision.LossScaleOptimizer(optimizer) if self._devices.mixed_precision else optimizer

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step: linear warm-up, then a cosine to a hundredth."""
        warm = max(1, round(_WARM_UP * self._steps))
        if step < warm:
            return self._config.learning_rate * (step + 1) / warm
        share = min(1.0, (step - warm) / max(1, self._steps - warm))
        return self._config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))

    def share(self, count: int) -> NDArray[np.int64]:
        """Return the places of those images of a batch of ``count`` that this process takes, device by device.

        Every device takes each so-many-th, so that a sorted batch gives all of them all classes. Where there is one
        device, these are all places.
        """
        return np.concatenate([np.arange(first, count, self._devices.replicas) for first in self._devices.own])

    def train_batch(
        self,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        size: int,
        epoch: int,
        count: int | None = None,
        sources: NDArray[np.int64] | None = None,
    ) -> float:
        """Take one step, together with all other processes.

        Args:
            pixels: uint8 ``[n, S, S, 3]``, this process's ``share`` of the batch.
            labels: int64 ``[n]``.
            size: pixels per side after augmentation.
            epoch: counts from 0; with the step it seeds the augmentation.
            count: of the images of the whole batch; n when left out.
            sources: whose prior holds for each image, int64 ``[n]``; the first one's when left out.

        Returns:
            The mean loss of the whole batch.

        Raises:
            MachineError: when the device has too little memory for the batch.
        """
        self._optimizer.learning_rate, count = self.learning_rate(self.step), count or len(pixels)
        if self._shaper:
            self._shaper.before_step(self.step)
        decay = min(self._config.ema, (1 + self.step) / (10 + self.step))
        seed = self._tf.constant([self._config.seed, epoch * 100_003 + self.step % 100_003], self._tf.int32)
        truths = np.stack([labels, np.zeros_like(labels) if sources is None else sources], axis=1)
        with self._memory(count, f"use --batch-size {max(1, count // 2)} or a smaller --image-size"):
            loss = self._train(
                self._tf.constant(pixels), self._tf.constant(truths), count, size, seed, self._tf.constant(decay)
            )
        self.step += 1
        return float(loss)

    def _train_step(self, pixels: Any, truths: Any, count: int, size: int, seed: Any, decay: Any) -> Any:
        strategy = self._devices.strategy
        if self._devices.replicas == 1:
            loss = self._replica_step((pixels, truths, 0), count, size, seed)
        else:
            parts = strategy.experimental_distribute_values_from_function(
                lambda context: self._part(context.replica_id_in_sync_group, pixels, truths, count)
            )
            losses = strategy.run(lambda part: self._replica_step(part, count, size, seed), args=(parts,))
            loss = strategy.reduce("SUM", losses, axis=None)
        for mean, variable in zip(self._average, self._model.weights, strict=True):
            mean.assign(variable if mean.dtype.is_integer else mean + (1 - decay) * (variable - mean))
        return loss

    def _part(self, replica: int, pixels: Any, truths: Any, count: int) -> tuple[Any, Any, Any]:
        """Cut one device's images out of this process's share, and say which device it is."""
        ends = np.cumsum([0, *(len(range(first, count, self._devices.replicas)) for first in self._devices.own)])
        place = self._devices.own.index(replica)
        cut = slice(ends[place], ends[place + 1])
        return pixels[cut], truths[cut], self._tf.constant(replica)

    def _replica_step(self, part: tuple[Any, Any, Any], count: int, size: int, seed: Any) -> Any:
        tf, (pixels, truths, replica) = self._tf, part
        turn = Turn(replica, self._devices.replicas, count)
        with tf.GradientTape() as tape:
            logits = self._model(scaled(self._view(pixels, size, seed, turn)), training=True)
            # Gradients are summed over devices, so that each image weighs the same wherever it is.
            loss = tf.reduce_sum(self._losses(logits, truths, pixels, seed, turn)) / count
            goal = self._optimizer.get_scaled_loss(loss) if self._devices.mixed_precision else loss
        variables = self._model.trainable_variables
        gradients = tape.gradient(goal, variables)
        if self._devices.mixed_precision:
            gradients = self._optimizer.get_unscaled_gradients(gradients)
        self._optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    def _losses(self, logits: Any, truths: Any, pixels: Any, seed: Any, turn: Turn) -> Any:
        labels, sources = self._tf.unstack(truths, axis=1)
        prior = self._tf.gather(self._prior, sources)
        losses = adjusted_loss(logits, labels, prior, self._config.label_smoothing)
        if not self._teacher or not self._answers:
            return losses
        answers = self._answers(scaled(self._view(pixels, self._size, seed, turn)), training=False)
        soft = distillation_loss(logits, self._tf.stop_gradient(answers), self._teacher.temperature)
        return (1 - self._teacher.share) * losses + self._teacher.share * soft

    @property
    def ready(self) -> bool:
        """Whether the weights of now may be kept."""
        return self._shaper is None or self._shaper.ready(self.step)

    def averaged(self) -> Weights:
        """Return the averaged weights of the plain network."""
        names = [variable.name.removesuffix(":0") for variable in self._model.weights]
        weights = {name: mean.numpy() for name, mean in zip(names, self._average, strict=True)}
        return self._shaper.settle(self._model, weights) if self._shaper else weights

    def logits(self, weights: Weights, pixels: Squares) -> NDArray[np.float32]:
        """Return logits, float32 ``[n, classes]``, of uint8 ``[n, N, N, 3]`` under weights of the network.

        Raises:
            MachineError: when the device has too little memory.
        """
        set_weights(self._plain, weights)
        with self._memory(_EVALUATION_BATCH, "use a smaller --image-size, or --device cpu"):
            parts = [
                self._infer(self._tf.constant(pixels[start : start + _EVALUATION_BATCH])).numpy()
                for start in range(0, len(pixels), _EVALUATION_BATCH)
            ]
        return np.concatenate(parts).astype(np.float32)

    @contextmanager
    def _memory(self, batch: int, fix: str) -> Iterator[None]:
        try:
            yield
        except self._tf.errors.ResourceExhaustedError as error:
            raise MachineError(f"out of memory with batches of {batch} images", fix=fix) from error

    def state(self) -> State:
        """Return all that the next step depends on, as arrays by name."""
        groups = {"model": self._model.weights, "average": self._average, "optimizer": self._optimizer.variables}
        arrays = {f"{kind}/{i}": v.numpy() for kind, variables in groups.items() for i, v in enumerate(_all(variables))}
        return {**arrays, "step": np.asarray(self.step, np.int64)}

    def restore(self, state: State) -> None:
        """Go back to what ``state`` returned."""
        groups = {"model": self._model.weights, "average": self._average, "optimizer": self._optimizer.variables}
        for kind, variables in groups.items():
            for index, variable in enumerate(_all(variables)):
                variable.assign(state[f"{kind}/{index}"])
        self.step = int(state["step"])


@contextmanager
def _policy(keras: Any, name: str) -> Iterator[None]:
    """Build layers in this precision; what is evaluated or exported later stays in float32."""
    keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy("float32")


def _answering(run: Run) -> Any:
    """Return a run's network with its weights, from scaled pixels to logits as if all classes were alike."""
    network = build(run.network, name="teacher")
    set_weights(network, levelled(run.weights(), run.contract))
    network.trainable = False
    return network


def _all(variables: Any) -> list[Any]:
    return list(variables() if callable(variables) else variables)
