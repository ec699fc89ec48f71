"""Where a network can be made narrower: which layers share a set of channels, and how weights are cut to fit.

A removed channel is replaced, in what its users see, by its mean: a 1x1 convolution turns a constant into a bias.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights

Kept = Mapping[str, NDArray[np.bool_]]
"""Which channels stay, by site, bool ``[channels]``."""
Means = Mapping[str, NDArray[np.float64]]
"""The mean of each channel as a user sees it, by user, ``[channels]``."""


@dataclass(frozen=True)
class Site:
    """Name channels that can only go together.

    Attributes:
        name: of the first layer that makes them.
        channels: their number.
        makers: convolutions that put these channels out; several where residual additions join them.
        carriers: depthwise convolutions that pass them on one by one.
        users: 1x1 convolutions that read them, the head among them.
    """

    name: str
    channels: int
    makers: tuple[str, ...]
    carriers: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


def sites(spec: NetworkSpec) -> tuple[Site, ...]:
    """Return the sites of a network in its order: stem, expansions, block outputs by residual group, last features."""
    found, stream = [], Site("stem", spec.stem, ("stem",))
    for index, block in enumerate(spec.blocks):
        expand, depthwise, project = (f"block_{index}_{part}" for part in ("expand", "depthwise", "project"))
        if block.expand:
            stream = replace(stream, users=(*stream.users, expand))
            found.append(Site(expand, block.expand, (expand,), (depthwise,), (project,)))
        else:
            stream = replace(stream, carriers=(*stream.carriers, depthwise), users=(*stream.users, project))
        if block.residual:
            stream = replace(stream, makers=(*stream.makers, project))
        else:
            found.append(stream)
            stream = Site(project, block.out, (project,))
    if spec.last:
        found.append(replace(stream, users=(*stream.users, "last")))
        stream = Site("last", spec.last, ("last",))
    return (*found, replace(stream, users=(*stream.users, HEAD)))


def resized(spec: NetworkSpec, channels: Mapping[str, int]) -> NetworkSpec:
    """Return the layout with other numbers of channels, by site; sites that are not named keep theirs."""
    made = {maker: channels[site.name] for site in sites(spec) if site.name in channels for maker in site.makers}
    blocks = tuple(
        replace(
            block,
            expand=made.get(f"block_{index}_expand", block.expand),
            out=made.get(f"block_{index}_project", block.out),
        )
        for index, block in enumerate(spec.blocks)
    )
    return replace(spec, stem=made.get("stem", spec.stem), blocks=blocks, last=made.get("last", spec.last))


def cut(spec: NetworkSpec, weights: Weights, kept: Kept, means: Means) -> tuple[NetworkSpec, Weights]:
    """Return the network without the channels that are not kept, and its weights.

    Args:
        spec: the layout; not folded.
        weights: its weights.
        kept: which channels of which sites stay; sites that are not named keep all.
        means: what each user sees of a removed channel from now on; users that are not named see 0.
    """
    weights = dict(weights)
    for site in sites(spec):
        if site.name not in kept:
            continue
        mask = np.asarray(kept[site.name])
        for user in site.users:
            _drop_inputs(weights, user, mask, means.get(user, np.zeros(len(mask))))
        for maker in site.makers:
            _drop_outputs(weights, _variables(weights, maker), mask)
        for carrier in site.carriers:
            _drop_channels(weights, carrier, mask)
    counts = {name: int(np.sum(mask)) for name, mask in kept.items()}
    return resized(spec, counts), weights


def _variables(weights: Weights, layer: str) -> list[str]:
    """Name what a convolution and its batch norm own."""
    return [name for name in weights if name.rsplit("/", 1)[0] in (layer, f"{layer}_bn")]


def _drop_outputs(weights: Weights, names: Iterable[str], mask: NDArray[np.bool_]) -> None:
    for name in names:
        weights[name] = np.ascontiguousarray(weights[name][..., mask])


def _drop_channels(weights: Weights, layer: str, mask: NDArray[np.bool_]) -> None:
    kernel = f"{layer}/depthwise_kernel"
    weights[kernel] = np.ascontiguousarray(weights[kernel][:, :, mask])
    _drop_outputs(weights, [name for name in _variables(weights, layer) if name != kernel], mask)


def _drop_inputs(weights: Weights, layer: str, mask: NDArray[np.bool_], means: NDArray[np.float64]) -> None:
    kernel, mean, bias = f"{layer}/kernel", f"{layer}_bn/moving_mean", f"{layer}/bias"
    lost = np.where(mask, 0.0, means) @ weights[kernel][0, 0].astype(np.float64)
    if mean in weights:
        weights[mean] = (weights[mean] - lost).astype(np.float32)
    else:
        weights[bias] = (weights[bias] + lost).astype(np.float32)
    weights[kernel] = np.ascontiguousarray(weights[kernel][:, :, mask])
