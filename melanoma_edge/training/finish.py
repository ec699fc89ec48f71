"""From trained weights to a finished run: calibration and operating point on validation, contract, metrics, record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge import __version__
from melanoma_edge.contract import (
    INTENDED_USE,
    LEAKY_USE,
    SYNTHETIC_USE,
    ModelContract,
    OperatingPoint,
    PixelRecipe,
    Provenance,
    stamp,
)
from melanoma_edge.contract import SCHEMA as CONTRACT_SCHEMA
from melanoma_edge.data.catalog import Catalog
from melanoma_edge.data.labels import target_of
from melanoma_edge.evaluation.calibration import fit_prior_shift, softmax
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evaluation.lowest import LowTarget, lowest_targets
from melanoma_edge.evaluation.metrics import evaluate
from melanoma_edge.evaluation.operating_point import choose_threshold
from melanoma_edge.files import sha256_of, to_json, write_text
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights, save_weights, weights_sha256
from melanoma_edge.progress import Progress, silent
from melanoma_edge.report.plots import draw_plots
from melanoma_edge.report.samples import Predictions
from melanoma_edge.safeguards import Safeguards
from melanoma_edge.squares import Squares
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.limits import derive, embeddings, uncertain_from
from melanoma_edge.training.losses import class_prior
from melanoma_edge.training.mixture import mixture, moved, shift
from melanoma_edge.training.run import (
    CONTRACT,
    RECORD,
    SCHEMA,
    WEIGHTS,
    Parent,
    Run,
    RunRecord,
    SplitImages,
    pixels_sha256,
    relative,
)
from melanoma_edge.training.teacher import Teacher

TOOL = f"melanoma-edge {__version__}"
"""How contracts name what made them."""

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Outcome:
    """Hold all that a training produced. ``predict`` gives logits of pixels under weights."""

    config: TrainConfig
    spec: NetworkSpec
    weights: Weights
    predict: Callable[[Weights, Squares], NDArray[np.float32]]
    catalog: Catalog
    splits: dict[str, SplitImages]
    history: list[dict[str, float]]
    environment: dict[str, Any]
    parent: Run | None
    method: str
    left_out: tuple[str, ...]
    compression: dict[str, Any] | None = None
    teacher: Teacher | None = None


@dataclass(frozen=True, eq=False)
class _Calibrated:
    weights: Weights
    logits: dict[str, NDArray[np.float64]]
    temperature: float
    strength: float
    prior: tuple[float, ...]
    point: OperatingPoint
    lowest: tuple[LowTarget, ...]

    def probabilities(self, split: str) -> NDArray[np.float64]:
        return softmax(self.logits[split] / self.temperature)


def finish(out: Path, outcome: Outcome, progress: Progress = silent) -> Run:
    """Calibrate, choose the operating point, measure every split and write the run; ``run.json`` comes last.

    Temperature, prior shift and threshold see the validation split only; of the safeguards ``limits.py`` says it. The
    contract's class prior counts the labels of all splits, so that cross-validation's folds answer for one mixture.
    """
    calibrated = _calibrate(outcome, progress)
    digest = weights_sha256(calibrated.weights)
    save_weights(calibrated.weights, out / WEIGHTS)
    safeguards = _safeguards(outcome, calibrated, progress)
    contract = replace(_contract(out.name, outcome, calibrated, digest), safeguards=safeguards)
    write_text(out / CONTRACT, contract.to_json())
    probabilities = {split: calibrated.probabilities(split) for split in outcome.splits}
    metrics = split_metrics(contract, outcome.splits, probabilities, progress)
    plots = run_plots(
        out,
        contract,
        outcome.splits["test"],
        probabilities["test"],
        metrics["test"],
        outcome.history,
        outcome.config.seed,
    )
    files = [CONTRACT, WEIGHTS, "catalog.csv", "catalog.json", "history.csv"]
    record = RunRecord(
        schema=SCHEMA,
        name=out.name,
        method=outcome.method,
        parent=_parent(outcome.parent, out),
        configuration=outcome.config,
        network=outcome.spec,
        environment=outcome.environment,
        training=_training(outcome, out),
        calibration={"temperature": calibrated.temperature, "prior_shift": calibrated.strength},
        compression=outcome.compression,
        images_left_out=outcome.left_out,
        files={name: sha256_of(out / name) for name in files},
        plots=plots,
        pixels={split: pixels_sha256(images.pixels) for split, images in outcome.splits.items()},
        weights_sha256=digest,
        metrics=metrics,
        lowest_targets=calibrated.lowest,
    )
    write_text(out / RECORD, to_json(to_plain(record)))
    return Run.open(out)


def best_epoch(history: list[dict[str, float]]) -> dict[str, float] | None:
    """Return the epoch whose weights are kept: the first of highest validation macro AUC among those eligible."""
    eligible = [row for row in history if row["eligible"]]
    return max(eligible, key=lambda row: row["validation_macro_auc"], default=None)


def _calibrate(outcome: Outcome, progress: Progress) -> _Calibrated:
    validation, classes = outcome.splits["validation"], outcome.catalog.classes
    log_prior = np.log(class_prior(outcome.splits["train"].labels, len(classes)))
    raw = outcome.predict(outcome.weights, validation.pixels).astype(np.float64)
    strength, temperature = fit_prior_shift(raw, validation.labels, log_prior)
    prior = mixture(list(outcome.catalog.counts().values()))
    weights = moved(outcome.weights, strength * log_prior + shift(prior, temperature))
    logits = {}
    for done, (split, images) in enumerate(outcome.splits.items()):
        logits[split] = outcome.predict(weights, images.pixels).astype(np.float64)
        progress("measuring", done + 1, len(outcome.splits))
    target = _target_columns(outcome)
    unit = lesions(validation.groups, validation.labels)
    scores = unit.mean(softmax(logits["validation"] / temperature)[:, target].sum(axis=1))
    is_target = np.isin(unit.labels, target)
    point = choose_threshold(scores, is_target, outcome.config.target_sensitivity)
    point = replace(point, certified=point.certified and not outcome.catalog.leaky)
    lowest = lowest_targets(scores, is_target, unit, validation.ids, classes, point.misses)
    return _Calibrated(weights, logits, temperature, strength, prior, point, lowest)


def _target_columns(outcome: Outcome) -> list[int]:
    classes = outcome.catalog.classes
    return [classes.index(name) for name in target_of(classes).target_classes]


def _safeguards(outcome: Outcome, calibrated: _Calibrated, progress: Progress) -> Safeguards:
    config, spec, validation = outcome.config, outcome.spec, outcome.splits["validation"]

    def embed(pixels: Any, places: Sequence[int]) -> NDArray[np.float32]:
        return embeddings(spec, calibrated.weights, pixels, places, progress)

    found = derive(spec.image_size, outcome.splits, embed if config.outlier_limits else None, config.seed, progress)
    if config.uncertain is None:
        return found
    scores = lesions(validation.groups, validation.labels).mean(
        calibrated.probabilities("validation")[:, _target_columns(outcome)].sum(axis=1)
    )
    return replace(found, uncertain_from=uncertain_from(scores, calibrated.point.threshold, config.uncertain))


def _contract(name: str, outcome: Outcome, calibrated: _Calibrated, digest: str) -> ModelContract:
    catalog, target = outcome.catalog, target_of(outcome.catalog.classes)
    return ModelContract(
        schema=CONTRACT_SCHEMA,
        name=name,
        classes=catalog.classes,
        target=target.target,
        target_classes=target.target_classes,
        melanoma_classes=target.melanoma_classes,
        malignant_classes=target.malignant_classes,
        class_prior=calibrated.prior,
        input_size=outcome.spec.image_size,
        input_range=(0, 255),
        image_types=catalog.image_types,
        pixels=PixelRecipe(),
        temperature=calibrated.temperature,
        operating_point=calibrated.point,
        intended_use=_intended_use(catalog),
        provenance=Provenance(
            tool=TOOL,
            method=outcome.method,
            sources=catalog.sources,
            licences=catalog.licences,
            synthetic=catalog.synthetic,
            leaky=catalog.leaky,
            catalog_sha256=catalog.sha256,
            weights_sha256=digest,
            reference_sha256=digest,  # float weights are their own reference; quantize names its parent's
        ),
    )


def _intended_use(catalog: Catalog) -> str:
    if catalog.leaky or catalog.synthetic:
        return LEAKY_USE if catalog.leaky else SYNTHETIC_USE
    return INTENDED_USE.replace("dermoscopic", " or ".join(catalog.image_types))


def split_metrics(
    contract: ModelContract,
    splits: dict[str, SplitImages],
    probabilities: dict[str, NDArray[np.float64]],
    progress: Progress = silent,
) -> dict[str, Any]:
    """Return the metrics of each split, with intervals, at the contract's threshold, as they stand in ``run.json``."""
    found = {}
    for done, (split, images) in enumerate(splits.items()):
        metrics = evaluate(
            probabilities[split],
            images.labels,
            images.groups,
            contract.classes,
            contract.target_columns,
            contract.threshold,
        )
        found[split] = to_plain(metrics)
        progress("intervals", done + 1, len(splits))
    return found


def run_plots(
    out: Path,
    contract: ModelContract,
    test: SplitImages,
    probabilities: NDArray[np.float64],
    metrics: dict[str, Any],
    history: list[dict[str, float]],
    seed: int,
) -> dict[str, str]:
    """Draw the pictures of a run, of its test split and history, into ``plots``; return their sha256 by name."""
    predictions = Predictions(test.ids, test.labels, probabilities, test.pixels, contract.target_columns)
    return draw_plots(
        out / "plots",
        history,
        metrics["confusion"],
        contract.classes,
        predictions,
        contract.threshold,
        contract.name,
        stamp(contract.provenance),
        seed,
    )


def _training(outcome: Outcome, out: Path) -> dict[str, Any]:
    best = best_epoch(outcome.history)
    assert best is not None, "training ends with weights that may be kept"
    return {
        "epochs": len(outcome.history),
        "best_epoch": int(best["epoch"]) + 1,
        "images": {split: len(images.ids) for split, images in outcome.splits.items()},
        "groups": {split: len(set(images.groups)) for split, images in outcome.splits.items()},
        "class_counts": outcome.catalog.counts(),
        **({"teacher": outcome.teacher.record(out)} if outcome.teacher else {}),
    }


def _parent(parent: Run | None, out: Path) -> Parent | None:
    return Parent(relative(parent.path, out), parent.record.weights_sha256) if parent else None
