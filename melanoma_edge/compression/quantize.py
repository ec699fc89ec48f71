"""From a run to a new run whose weights lie on the int8 grid, so that every converter finds the same integers."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.compression.calibration import CalibrationSet, calibration_images
from melanoma_edge.compression.fold import fold
from melanoma_edge.compression.learned import learned_rounding
from melanoma_edge.compression.reconstruct import Reconstruction, to_nearest
from melanoma_edge.contract import ModelContract
from melanoma_edge.data.catalog import SPLITS, save_catalog
from melanoma_edge.errors import UsageError
from melanoma_edge.files import sha256_of, to_json, write_text
from melanoma_edge.model.classifier import inference_model
from melanoma_edge.model.spec import NetworkSpec, check_mobilenet
from melanoma_edge.model.weights import Weights, save_weights, weights_sha256
from melanoma_edge.progress import Progress, silent
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training.devices import choose_devices, environment
from melanoma_edge.training.finish import TOOL, run_plots, split_metrics
from melanoma_edge.training.folder import check_free, claimed
from melanoma_edge.training.run import CONTRACT, RECORD, WEIGHTS, Parent, Run, RunRecord, SplitImages, relative

METHODS = ("rounding", "nearest")
"""Equalisation, second-order rounding and bias correction; and what other tools do, for comparison."""
IMAGES = 512
_BATCH = 64

Probabilities = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class _Rounded:
    """Hold what is written: the network, what it answers on each split, and how it was made."""

    spec: NetworkSpec
    weights: Weights
    splits: dict[str, SplitImages]
    probabilities: Probabilities
    compression: dict[str, Any]
    environment: dict[str, Any]


def quantize(
    run: Run,
    out: Path,
    *,
    method: str = "rounding",
    images: int = IMAGES,
    seed: int = 0,
    force: bool = False,
    progress: Progress = silent,
) -> Run:
    """Make a new run with batch norm folded and every kernel but the head's on a symmetric int8 grid per channel.

    Labels are not used, and nothing but training images is looked at. Contract, temperature and threshold stay the
    parent's, and so does the reference that exported files are judged against.

    Args:
        run: the parent, not itself quantized.
        out: the new run's directory.
        method: ``rounding`` keeps what layers answer; ``nearest`` is plain rounding.
        images: training images to look at.
        seed: of their choice, and of the places looked at.
        force: replace a run that is there.
        progress: told of every step.

    Raises:
        UsageError: for an unknown method, a quantized parent or a refused overwrite; before anything is computed.
        DataError: when images are missing.
        MachineError: for lack of disk or memory.
    """
    check(run, out, method, force)
    made = _rounded(run, method, images, seed, progress)
    with claimed(out, run.record.configuration, run.record.weights_sha256, resume=False, force=force):
        return _written(run, out, made, progress)


def check(run: Run, out: Path, method: str, force: bool) -> None:
    """Raise ``UsageError`` for what ``quantize`` refuses."""
    if method not in METHODS:
        raise UsageError(f"unknown method {method!r}", fix=f"use one of {', '.join(METHODS)}")
    check_mobilenet(run.network, "quantizing a run", str(run.path))
    if run.network.folded:
        fix = "quantize the run it was made from"
        raise UsageError("this run is already quantized", where=str(run.path), fix=fix)
    if out.resolve() in (run.path.resolve(), *run.path.resolve().parents):
        raise UsageError("the new run would replace its parent", where=str(out), fix="choose another --out")
    check_free(out, force)


def _rounded(run: Run, method: str, images: int, seed: int, progress: Progress) -> _Rounded:
    devices = choose_devices("cpu", mixed_precision=False)
    float_weights = run.weights()
    chosen = calibration_images(run, images, seed, progress)
    if method == "rounding":
        learned = learned_rounding(run.network, float_weights, chosen.pixels, seed, progress)
        spec, made = learned.spec, learned.made
    else:
        spec, folded = fold(run.network, float_weights)
        made = to_nearest(spec, folded)
    splits = {split: run.images(split, progress) for split in SPLITS}
    probabilities = _answers(run.contract, spec, made.weights, splits, progress)
    before = _answers(run.contract, run.network, float_weights, {"validation": splits["validation"]}, progress)
    kept = run.contract.agreement(before["validation"], probabilities["validation"])
    agreement: dict[str, float | str] = {"split": "validation", **kept}
    compression = _compression(method, chosen, made, agreement)
    logging.getLogger(__name__).info("%s", agreement)
    return _Rounded(spec, made.weights, splits, probabilities, compression, environment(devices))


def _answers(
    contract: ModelContract, spec: NetworkSpec, weights: Weights, splits: dict[str, SplitImages], progress: Progress
) -> Probabilities:
    model = inference_model(spec, weights, contract.temperature)
    found = {}
    for done, (split, images) in enumerate(splits.items()):
        starts = range(0, len(images.ids), _BATCH)
        parts = [model(images.pixels[s : s + _BATCH].astype(np.float32), training=False).numpy() for s in starts]
        found[split] = np.concatenate(parts).astype(np.float64)
        progress("measuring", done + 1, len(splits))
    return found


def _compression(
    method: str, chosen: CalibrationSet, made: Reconstruction, agreement: dict[str, float | str]
) -> dict[str, Any]:
    return {
        "kind": f"weights on the int8 grid, {method}",
        "method": method,
        "images": len(chosen.image_ids),
        "images_sha256": chosen.sha256,
        "seed": chosen.seed,
        "weights_against_float": agreement,
        "layers": {name: to_plain(error) for name, error in made.errors.items()},
    }


def _written(run: Run, out: Path, made: _Rounded, progress: Progress) -> Run:
    digest = weights_sha256(made.weights)
    save_weights(made.weights, out / WEIGHTS)
    save_catalog(run.catalog, out)
    contract = _contract(run, out.name, digest)
    write_text(out / CONTRACT, contract.to_json())
    metrics = split_metrics(contract, made.splits, made.probabilities, progress)
    test, seed = made.splits["test"], run.record.configuration.seed
    plots = run_plots(out, contract, test, made.probabilities["test"], metrics["test"], [], seed)
    record: RunRecord = replace(
        run.record,
        name=out.name,
        method="quantize",
        lowest_targets=(),
        parent=Parent(relative(run.path, out), run.record.weights_sha256),
        network=made.spec,
        environment=made.environment,
        compression=made.compression,
        files={name: sha256_of(out / name) for name in (CONTRACT, WEIGHTS, "catalog.csv", "catalog.json")},
        plots=plots,
        weights_sha256=digest,
        metrics=metrics,
    )
    write_text(out / RECORD, to_json(to_plain(record)))
    return Run.open(out)


def _contract(run: Run, name: str, digest: str) -> ModelContract:
    provenance = replace(
        run.contract.provenance,
        tool=TOOL,
        method="quantize",
        weights_sha256=digest,
        reference_sha256=run.reference().record.weights_sha256,
    )
    return replace(run.contract, name=name, provenance=provenance)
