"""How much each channel matters: measured by its effect on the loss, by the size of its weights, or drawn.

The measured one is the diagonal Fisher information of a gate on the channel: the mean over images of the squared
derivative of each image's loss (Theis et al. 2018, "Faster gaze prediction with dense networks and Fisher pruning",
equation 9; Molchanov et al. 2019, "Importance estimation for neural network pruning", the gate form of equation 8).
Half of it estimates to second order by how much the loss rises when the channel is replaced by its mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.compression.flow import Layer, stages
from melanoma_edge.compression.fold import KERNELS, fold
from melanoma_edge.compression.sites import Kept, Means, Site, sites
from melanoma_edge.model.classifier import scaled
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights
from melanoma_edge.progress import Progress, silent
from melanoma_edge.squares import Squares

IMPORTANCES = ("taylor", "magnitude", "random")
_BATCH = 32

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Importance:
    """Hold the importance of each channel by site, float64 ``[channels]``.

    ``per_cost`` says that values are of one unit everywhere, so that what a site loses may be weighed against what
    it saves. Otherwise they are shares of their site's sum, and sites are to lose equal shares.
    """

    values: Mapping[str, Array]
    per_cost: bool


class Gated:
    """Run a network whose 1x1 convolutions see each channel through a gate: open, or replaced by its mean.

    Args:
        spec: the layout.
        weights: its weights.
    """

    def __init__(self, spec: NetworkSpec, weights: Weights) -> None:
        self._tf, _ = load_tensorflow()
        self.sites = sites(spec)
        self._site_of = {user: place for place, site in enumerate(self.sites) for user in site.users}
        self._stages = stages(spec)
        self._weights = {name: self._tf.constant(value) for name, value in fold(spec, weights)[1].items()}
        self._answer = self._tf.function(self._forward, reduce_retracing=True)
        self._differentiate = self._tf.function(self._squared_derivatives, reduce_retracing=True)

    def logits(
        self, pixels: Squares, kept: Kept, means: Means, progress: Progress = silent
    ) -> tuple[NDArray[np.float32], dict[str, Array]]:
        """Return logits ``[n, classes]``, and the mean of what each user sees of each channel before its gate."""
        gates, fixed = self._gates(kept), self._fixed(means)
        parts, sums = [], dict.fromkeys(self._site_of, np.zeros(()))
        for places in _batches(len(pixels)):
            logits, seen = self._answer(pixels[places], gates, fixed)
            parts.append(logits.numpy())
            sums = {user: sums[user] + seen[user].numpy().astype(np.float64) for user in sums}
            progress("averaging channels", int(places[-1]) + 1, len(pixels))
        return np.concatenate(parts), {user: total / len(pixels) for user, total in sums.items()}

    def taylor(
        self,
        pixels: NDArray[np.uint8],
        labels: NDArray[np.int64],
        shares: Array,
        kept: Kept,
        means: Means,
        progress: Progress = silent,
    ) -> Importance:
        """Measure the rise of the loss when each channel alone is replaced by its mean, estimated to second order.

        Args:
            pixels: uint8 ``[n, N, N, 3]``.
            labels: class index, ``[n]``.
            shares: weight of each image in the loss, float64 ``[n]``; their sum is 1.
            kept: channels whose gates are open.
            means: what users see of the others.
        """
        gates, fixed = self._gates(kept), self._fixed(means)
        sums: list[Any] = [np.zeros(site.channels) for site in self.sites]
        for places in _batches(len(pixels)):
            weights = self._tf.constant(shares[places], self._tf.float32)
            found = self._differentiate(pixels[places], labels[places], weights, gates, fixed)
            sums = [total + part.numpy().astype(np.float64) for total, part in zip(sums, found, strict=True)]
            progress("measuring channels", int(places[-1]) + 1, len(pixels))
        halves = {site.name: total / 2 for site, total in zip(self.sites, sums, strict=True)}
        return Importance(halves, per_cost=True)

    def _gates(self, kept: Kept) -> list[Any]:
        return [self._tf.constant(np.asarray(kept[site.name]), self._tf.float32) for site in self.sites]

    def _fixed(self, means: Means) -> dict[str, Any]:
        channels = {user: self.sites[place].channels for user, place in self._site_of.items()}
        return {
            user: self._tf.constant(means.get(user, np.zeros(count)), self._tf.float32)
            for user, count in channels.items()
        }

    def _squared_derivatives(self, pixels: Any, labels: Any, shares: Any, gates: Any, means: Any) -> Any:
        tf = self._tf
        own = [tf.tile(gate[None], [tf.shape(pixels)[0], 1]) for gate in gates]
        with tf.GradientTape() as tape:
            tape.watch(own)
            logits, _ = self._forward(pixels, own, means)
            loss = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        return [tf.reduce_sum(shares[:, None] * part**2, axis=0) for part in tape.gradient(loss, own)]

    def _forward(self, pixels: Any, gates: Any, means: Any) -> Any:
        tf, seen = self._tf, {}

        def gated(x: Any, user: str) -> Any:
            if user not in self._site_of:
                return x
            seen[user] = tf.reduce_sum(tf.reduce_mean(x, axis=[1, 2]), axis=0)
            gate = tf.reshape(gates[self._site_of[user]], [-1, 1, 1, x.shape[-1]])
            return means[user] + gate * (x - means[user])

        x = scaled(tf.cast(pixels, tf.float32))
        for stage in self._stages:
            shortcut = x
            for layer in stage.layers:
                x = self._convolved(gated(x, layer.name), layer)
            x = x + shortcut if stage.add else x
        pooled = gated(tf.reduce_mean(x, axis=[1, 2], keepdims=True), HEAD)[:, 0, 0]
        return pooled @ self._weights[f"{HEAD}/kernel"][0, 0] + self._weights[f"{HEAD}/bias"], seen

    def _convolved(self, x: Any, layer: Layer) -> Any:
        tf, strides, edge = self._tf, [1, layer.stride, layer.stride, 1], [layer.size // 2] * 2
        compute = tf.nn.depthwise_conv2d if layer.depthwise else tf.nn.conv2d
        # Padded by hand: TensorFlow 2.21 aborts on the gradient of a convolution with explicit padding.
        padded = tf.pad(x, [[0, 0], edge, edge, [0, 0]]) if layer.size > 1 else x
        made = compute(padded, self._weights[layer.kernel], strides, "VALID") + self._weights[layer.bias]
        return tf.nn.relu6(made) if layer.relu else made


def magnitude(spec: NetworkSpec, weights: Weights) -> Importance:
    """Return each channel's share of its site's energy: the squared L2 norm of the kernels that make it.

    Batch norm is multiplied into the kernels first; of a channel that residual additions join, all makers count.
    Source: Li et al. 2017, "Pruning filters for efficient convnets", with L2 for L1.
    """
    folded = fold(spec, weights)[1]
    return _shares({site.name: _energy(site, folded) for site in sites(spec)})


def drawn(spec: NetworkSpec, seed: int) -> Importance:
    """Return an order by chance in which every channel is an equal share of its site."""
    generator = np.random.default_rng(seed)
    # The tiny differences decide the order and nothing else.
    values = {site.name: 1 + 1e-9 * generator.permutation(site.channels) for site in sites(spec)}
    return _shares(values)


def _energy(site: Site, folded: Weights) -> Array:
    kernels = [folded[f"{maker}/{KERNELS[0]}"].astype(np.float64) for maker in site.makers]
    return np.asarray(sum((kernel**2).sum(axis=(0, 1, 2)) for kernel in kernels))


def _shares(values: Mapping[str, NDArray[np.floating[Any]]]) -> Importance:
    shares = {name: np.asarray(part / max(float(part.sum()), 1e-30), np.float64) for name, part in values.items()}
    return Importance(shares, per_cost=False)


def _batches(count: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, count, _BATCH):
        yield np.arange(start, min(start + _BATCH, count))
