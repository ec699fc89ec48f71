"""The end of a training: everything that is chosen is chosen on validation, and the contract says all of it."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import CLASSES, TINY

from melanoma_edge.contract import INTENDED_USE, LEAKY_USE
from melanoma_edge.data.catalog import save_catalog
from melanoma_edge.evaluation.calibration import softmax
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evaluation.operating_point import choose_threshold
from melanoma_edge.files import sha256_of
from melanoma_edge.model.weights import load_weights
from melanoma_edge.report import plots
from melanoma_edge.training.finish import Outcome, finish
from melanoma_edge.training.mixture import mixture
from melanoma_edge.training.run import Run, SplitImages


def colours(weights: dict[str, Any], pixels: np.ndarray) -> np.ndarray:
    """Answer from mean colour and the head's bias: a network fast enough to ask often."""
    return (pixels[:].mean(axis=(1, 2)) / 20 + weights["head/bias"]).astype(np.float32)


@pytest.fixture
def outcome(run: Run) -> Outcome:
    return Outcome(
        config=run.record.configuration,
        spec=TINY,
        weights=run.weights(),
        predict=colours,
        catalog=run.catalog,
        splits={split: run.images(split) for split in ("train", "validation", "test")},
        history=history_of(run),
        environment={},
        parent=None,
        method="train",
        left_out=(),
    )


def history_of(run: Run) -> list[dict[str, float]]:
    with open(run.path / "history.csv", encoding="utf-8", newline="") as stream:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


def finished(out: Path, outcome: Outcome) -> Run:
    save_catalog(outcome.catalog, out)
    (out / "history.csv").write_text("epoch\n0\n")
    return finish(out, outcome)


def with_split(outcome: Outcome, split: str, **changes: Any) -> Outcome:
    changed: SplitImages = replace(outcome.splits[split], **changes)
    return replace(outcome, splits={**outcome.splits, split: changed})


def test_the_test_split_has_no_say(outcome: Outcome, tmp_path: Path) -> None:
    test = outcome.splits["test"]
    shuffled = with_split(outcome, "test", labels=(test.labels + 1) % 3, pixels=255 - test.pixels[:])
    one, other = finished(tmp_path / "a" / "run", outcome), finished(tmp_path / "b" / "run", shuffled)
    assert one.contract == other.contract
    assert one.record.calibration == other.record.calibration
    assert one.record.weights_sha256 == other.record.weights_sha256
    assert one.record.metrics["test"] != other.record.metrics["test"]
    assert one.record.metrics["validation"] == other.record.metrics["validation"]


def test_the_validation_split_has(outcome: Outcome, tmp_path: Path) -> None:
    labels = (outcome.splits["validation"].labels + 1) % 3
    one = finished(tmp_path / "a" / "run", outcome)
    other = finished(tmp_path / "b" / "run", with_split(outcome, "validation", labels=labels))
    assert one.contract.threshold != other.contract.threshold
    assert one.contract.temperature != other.contract.temperature


def test_the_threshold_is_chosen_over_lesions_even_where_a_patient_has_several(
    outcome: Outcome, tmp_path: Path
) -> None:
    validation = outcome.splits["validation"]
    patients = tuple(f"patient {index // 3}" for index in range(len(validation.ids)))
    order = np.random.default_rng(0).permutation(len(patients))  # mixes the labels within patients
    mixed = replace(validation, groups=patients, labels=validation.labels[order], pixels=validation.pixels[order])
    run = finished(tmp_path / "run", replace(outcome, splits={**outcome.splits, "validation": mixed}))
    unit = lesions(patients, mixed.labels)
    assert len(unit) > len(set(patients)), "some patient has lesions of two classes"
    scores = softmax(colours(run.weights(), mixed.pixels).astype(np.float64) / run.contract.temperature)
    expected = choose_threshold(unit.mean(scores[:, 0]), unit.labels == 0, 0.95)
    assert run.contract.operating_point == expected
    lowest = run.record.lowest_targets
    assert [one.score for one in lowest] == sorted(unit.mean(scores[:, 0])[unit.labels == 0])[: len(lowest)]
    assert lowest[expected.misses].score >= expected.threshold, "it holds the threshold down"
    assert {one.image_id for one in lowest} <= set(mixed.ids) and {one.label for one in lowest} == {"MEL"}


def test_the_contract_says_what_the_run_is(run: Run) -> None:
    contract = run.contract
    assert contract.classes == CLASSES
    assert (contract.target, contract.target_classes) == ("melanoma", ("MEL",))
    assert contract.melanoma_classes == contract.malignant_classes == ("MEL",)
    assert contract.class_prior == pytest.approx((1 / 3,) * 3)
    assert contract.input_size == 32
    assert 0.05 <= contract.temperature <= 10
    assert contract.operating_point.target_sensitivity == 0.95
    assert not contract.operating_point.certified
    assert contract.provenance.method == "train"
    assert contract.provenance.catalog_sha256 == run.catalog.sha256
    assert contract.provenance.weights_sha256 == contract.provenance.reference_sha256 == run.record.weights_sha256
    assert not contract.provenance.synthetic
    assert contract.name == run.path.name


def test_the_prior_shift_lies_in_the_head_and_nowhere_else(outcome: Outcome, tmp_path: Path) -> None:
    labels = np.array(outcome.splits["train"].labels)
    labels[labels == 1] = 0  # all but a few of one class, so that the shift is visible
    labels[:2] = 1
    run = finished(tmp_path / "run", with_split(outcome, "train", labels=labels))
    weights = load_weights(run.path / "weights" / "model.npz")
    changed = [name for name, array in weights.items() if not np.array_equal(array, outcome.weights[name])]
    assert changed == ["head/bias"]
    shift = weights["head/bias"] - outcome.weights["head/bias"]
    log_prior = np.log(np.bincount(labels) / len(labels))
    np.testing.assert_allclose(shift, run.record.calibration["prior_shift"] * log_prior, atol=1e-5)


def test_probabilities_are_for_the_contracts_mixture(outcome: Outcome, tmp_path: Path) -> None:
    """Freed from their mixture they are those of classes alike; a rare class is held for rarer, not for impossible."""
    rows = outcome.catalog.rows
    fewer = [row for row in rows if row.label != "BKL"] + [row for row in rows if row.label == "BKL"][:6]
    rare = replace(outcome, catalog=replace(outcome.catalog, rows=tuple(fewer)))
    alike, mixed = finished(tmp_path / "a" / "run", outcome), finished(tmp_path / "b" / "run", rare)
    assert mixed.contract.class_prior == mixture([24, 24, 6])
    pixels = outcome.splits["test"].pixels
    one, other = (softmax(colours(r.weights(), pixels).astype(float) / r.contract.temperature) for r in (alike, mixed))
    freed = other / mixed.contract.class_prior
    np.testing.assert_allclose(freed / freed.sum(axis=1, keepdims=True), one, atol=1e-5)
    assert (other[:, 2] <= one[:, 2]).all() and (other[:, 2] < one[:, 2]).any()


def test_every_file_is_hashed(run: Run) -> None:
    assert set(run.record.files) == {
        "contract.json",
        "weights/model.npz",
        "catalog.csv",
        "catalog.json",
        "history.csv",
    }
    assert all(sha256_of(run.path / name) == digest for name, digest in run.record.files.items())


def test_a_leaky_catalog_makes_a_leaky_contract_that_every_picture_names(
    outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []
    draw = plots.draw_confusion
    monkeypatch.setattr(plots, "draw_confusion", lambda *given: titles.append(given[3]) or draw(*given))
    run = finished(tmp_path / "run", replace(outcome, catalog=replace(outcome.catalog, leaky=True)))
    assert run.contract.provenance.leaky
    assert run.catalog.leaky
    assert run.contract.intended_use == LEAKY_USE
    assert not run.contract.operating_point.certified
    assert titles == ["run (LEAKY split): confusion matrix, test images"]


def test_the_intended_use_names_the_images_it_was_trained_on(outcome: Outcome, tmp_path: Path) -> None:
    assert finished(tmp_path / "a" / "run", outcome).contract.intended_use == INTENDED_USE
    clinical = replace(outcome, catalog=replace(outcome.catalog, image_types=("clinical",)))
    assert "looking at a clinical image" in finished(tmp_path / "b" / "run", clinical).contract.intended_use
