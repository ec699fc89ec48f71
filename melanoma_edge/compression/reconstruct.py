"""Rounding a folded network layer by layer, each on what the already rounded part gives it."""

from __future__ import annotations

import numpy as np

from melanoma_edge.compression.flow import Flow, stages
from melanoma_edge.compression.rounding import output_error, round_nearest, round_second_order
from melanoma_edge.progress import silent

PATCHES = 20_000


def as_groups(kernel, depthwise):
    h, w, c, o = kernel.shape
    if depthwise:
        return kernel.reshape(h * w, c, 1).transpose(1, 0, 2).astype(np.float64)
    return kernel.reshape(1, h * w * c, o).astype(np.float64)


def from_groups(groups, shape, depthwise):
    if depthwise:
        return np.ascontiguousarray(groups.transpose(1, 0, 2).reshape(shape))
    return np.ascontiguousarray(groups.reshape(shape))


def seen(patches, depthwise):
    if depthwise:
        return patches.transpose(2, 0, 1).astype(np.float64)
    return patches.reshape(1, len(patches), -1).astype(np.float64)


def reconstruct(spec, weights, pixels, seed=0, damping=0.01, quant_act=True, method="gptq", biascorr="pre", aim=False, centred=True, patches=PATCHES, progress=silent):
    original = dict(weights)
    new = dict(weights)
    before = Flow(original, pixels, False)
    after = Flow(new, pixels, quant_act)
    rng = np.random.default_rng(seed)
    n = -(-patches // len(pixels))
    errs = {}
    todo = stages(spec)
    for si, stage in enumerate(todo):
        for i, layer in enumerate(stage.layers):
            places = rng.random((len(pixels), n, 2))
            xf = seen(before.patches(stage, i, places), layer.depthwise)
            xq = seen(after.patches(stage, i, places), layer.depthwise)
            w = as_groups(original[layer.kernel], layer.depthwise)
            b = original[layer.bias].astype(np.float64)
            mf, mq = xf.mean(1), xq.mean(1)
            cq = xq - mq[:, None] if centred else xq
            h = cq.transpose(0, 2, 1) @ cq / xq.shape[1]
            target = w
            if aim:
                cf = xf - mf[:, None] if centred else xf
                cross = cq.transpose(0, 2, 1) @ (cf - cq) / xq.shape[1]
                d = np.einsum("gii->gi", h).mean(1) * damping + 1e-12
                target = w + np.linalg.solve(h + d[:, None, None] * np.eye(h.shape[1]), cross @ w)
            r = round_nearest(w) if method == "nearest" else round_second_order(target, h, damping)
            v = r.values.astype(np.float64)
            errs[layer.name] = (output_error(w, round_nearest(w), h), output_error(w, r, h))
            new[layer.kernel] = from_groups(r.values, original[layer.kernel].shape, layer.depthwise)
            if biascorr == "pre":
                shift = (np.einsum("gi,gio->go", mf, w) - np.einsum("gi,gio->go", mq, v)).reshape(-1)
                new[layer.bias] = (b + shift).astype(np.float32)
            elif biascorr == "post":
                yf = np.matmul(xf, w).transpose(1, 0, 2).reshape(xf.shape[1], -1) + b
                yq = np.matmul(xq, v).transpose(1, 0, 2).reshape(xf.shape[1], -1) + b
                bias = b + (yf - yq).mean(0)
                if layer.relu:
                    goal = np.clip(yf, 0, 6).mean(0)
                    for _ in range(4):
                        bias += goal - np.clip(yq + (bias - b), 0, 6).mean(0)
                new[layer.bias] = bias.astype(np.float32)
        before.advance(stage)
        after.advance(stage)
        progress("rounding", si + 1, len(todo))
    return new, errs, before, after
