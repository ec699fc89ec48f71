"""From answers to the document: every number is that of the part of the evaluation it is said to be of."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluated_stubs import StubRunner, contract_of, material_of, model_of
from sklearn import metrics as theirs

from melanoma_edge.contract import OperatingPoint
from melanoma_edge.errors import TrustError
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evidence.documents import Evaluation, LeftOut, read_evaluation
from melanoma_edge.evidence.evaluation import answers_on, describe, evaluate_model
from melanoma_edge.evidence.material import looked_at
from melanoma_edge.files import to_json
from melanoma_edge.progress import silent
from melanoma_edge.strictjson import from_plain

MIXTURE = {"MEL": 0.1, "NV": 0.7, "BCC": 0.2}


@pytest.fixture(scope="module")
def found() -> Evaluation:
    material = looked_at(material_of(received=93, left_out=(LeftOut("copies", 3),)))
    answers = answers_on(model_of(), material, StubRunner, silent)
    return describe(contract_of(), material, answers, MIXTURE, 0, 100)


def expected() -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and labels by lesion."""
    material = material_of()
    unit = lesions(material.groups, material.labels)
    return unit.mean(StubRunner(model_of().path).infer(material.pixels)), unit.labels


def test_numbers_are_of_the_target_and_the_frozen_threshold(found: Evaluation) -> None:
    probabilities, labels = expected()
    melanoma, referred = labels == 0, probabilities[:, 0] >= 0.3
    assert (found.images, found.groups, found.targets) == (90, len(labels), melanoma.sum())
    values = {name: one.value for name, one in found.metrics.items() if one}
    assert values["sensitivity"] == pytest.approx(referred[melanoma].mean())
    assert values["specificity"] == pytest.approx((~referred[~melanoma]).mean())
    assert values["macro_f1"] == pytest.approx(theirs.f1_score(labels, probabilities.argmax(1), average="macro"))
    assert values["nll"] == pytest.approx(-np.log(probabilities[np.arange(len(labels)), labels]).mean())
    assert set(values) == {
        *("accuracy", "balanced_accuracy", "macro_auc", "melanoma_auc", "sensitivity", "specificity"),
        *("brier", "ece", "macro_f1", "nll"),
    }
    assert found.confusion["NV"]["BCC"] == int(((labels == 1) & (probabilities.argmax(1) == 2)).sum())
    assert (found.flow.referred, found.flow.not_referred) == (referred.sum(), (~referred).sum())
    assert (found.flow.received, found.flow.images) == (93, 90)


def test_malignant_has_its_own_score_and_truth_but_the_one_decision(found: Evaluation) -> None:
    probabilities, labels = expected()
    melanoma, malignant = found.binary["melanoma"], found.binary["malignant"]
    assert melanoma and malignant and melanoma.auc and malignant.auc and malignant.sensitivity
    truth = np.isin(labels, (0, 2))
    assert melanoma.auc.value == pytest.approx(theirs.roc_auc_score(labels == 0, probabilities[:, 0]))
    assert malignant.auc.value == pytest.approx(theirs.roc_auc_score(truth, probabilities[:, [0, 2]].sum(1)))
    assert malignant.sensitivity.value == pytest.approx((probabilities[truth, 0] >= 0.3).mean())
    assert (malignant.positives, malignant.others) == (truth.sum(), (~truth).sum())


def test_calibration_is_also_given_at_the_mixture_of_validation(found: Evaluation) -> None:
    probabilities, labels = expected()
    moved = probabilities * [0.1 * 3, 0.7 * 3, 0.2 * 3]
    shifted = (moved / moved.sum(1, keepdims=True))[:, 0]
    melanoma = found.binary["melanoma"]
    assert melanoma and melanoma.calibration_shifted
    assert melanoma.calibration_shifted.brier.value == pytest.approx(theirs.brier_score_loss(labels == 0, shifted))
    assert found.mixture == MIXTURE


def test_melanoma_against_nevus_leaves_basal_cells_aside(found: Evaluation) -> None:
    probabilities, labels = expected()
    both = labels != 2
    versus = found.melanoma_vs_nevus
    assert versus and versus.auc
    assert versus.auc.value == pytest.approx(theirs.roc_auc_score(labels[both] == 0, probabilities[both, 0]))


def test_subgroups_say_what_is_estimated(found: Evaluation) -> None:
    kinds = {(one.attribute, one.estimated) for one in found.subgroups}
    assert {("age", False), ("sex", False), ("luminance", True)} <= kinds
    assert all(estimated == (name in ("luminance", "hair", "ruler", "dark_corners")) for name, estimated in kinds)
    for name in ("age", "sex", "luminance"):
        assert sum(one.n for one in found.subgroups if one.attribute == name) == found.groups
    assert any("skin type" in text for text in found.notes)


def test_the_document_is_strict_json_and_comes_back_the_same(found: Evaluation, tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "evaluation.json"
    file.write_text(to_json(found.to_document()))
    assert next(iter(json.loads(file.read_text()))) == "schema"
    assert read_evaluation(file) == found
    file.write_text(file.read_text().replace('"groups"', '"lots"'))
    with pytest.raises(TrustError, match="damaged"):
        read_evaluation(file)
    with pytest.raises(TrustError, match="missing"):
        read_evaluation(tmp_path / "none.json")


def test_a_file_without_a_run_is_measured_but_not_fitted_again() -> None:
    found = evaluate_model(model_of(), looked_at(material_of()), resamples=20, runner_of=StubRunner)
    assert (found.run, found.artifact, found.refitted, found.mixture) == (None, None, None, None)
    assert found.binary["melanoma"] and found.binary["melanoma"].calibration_shifted is None
    assert (found.weights_sha256, found.threshold) == ("1" * 64, 0.3)


def test_images_go_through_the_model_some_at_a_time() -> None:
    runner = StubRunner(model_of().path)
    answers = answers_on(model_of(), material_of(100), lambda path: runner, silent)
    assert max(runner.seen) <= 32 and sum(runner.seen) == 100
    assert answers.probabilities == pytest.approx(StubRunner(runner.path).infer(material_of(100).pixels))


@pytest.mark.parametrize("broken", ["nan", "columns"])
def test_what_are_no_probabilities_is_refused(broken: str) -> None:
    with pytest.raises(TrustError, match="no probabilities"):
        answers_on(model_of(), material_of(), lambda path: StubRunner(path, broken), silent)


def test_the_seed_moves_bootstrapped_ends_only() -> None:
    material = looked_at(material_of())
    one, again, other = (evaluate_model(model_of(), material, seed, 40, runner_of=StubRunner) for seed in (1, 1, 2))
    assert one == again
    assert one.metrics["macro_auc"] != other.metrics["macro_auc"]
    assert one.metrics["sensitivity"] == other.metrics["sensitivity"]


def test_stamps_and_too_few_melanomas_are_said() -> None:
    base = contract_of()
    leaky = replace(base.provenance, leaky=True, synthetic=True)
    point = OperatingPoint(0.3, 0.95, 20, 1, False)
    model = model_of(provenance=leaky, operating_point=point)
    found = evaluate_model(model, looked_at(material_of()), resamples=20, runner_of=StubRunner)
    assert found.leaky and found.synthetic and "certifies nothing" in found.operating_point.sentence
    assert sum("Synthetic" in text or "LEAKY" in text for text in found.notes) == 2
    plain = evaluate_model(
        model_of(operating_point=point), looked_at(material_of()), resamples=20, runner_of=StubRunner
    )
    assert "fewer than 59 cannot certify" in plain.operating_point.sentence


def test_classes_without_melanoma_answer_for_malignancy_alone() -> None:
    names = ("malignant", "benign")
    contract = contract_of(
        classes=names,
        target="malignant",
        target_classes=("malignant",),
        melanoma_classes=(),
        malignant_classes=("malignant",),
        class_prior=(0.5, 0.5),
    )
    material = material_of(60)
    rows = tuple(replace(row, label=names[n % 2], group=f"m{n}") for n, row in enumerate(material.rows))
    material = replace(material, rows=rows, labels=np.arange(60) % 2)
    answers = answers_on(
        replace(model_of(), contract=contract), material, lambda path: StubRunner(path, "columns"), silent
    )
    found = describe(contract, material, answers, None, 0, 20)
    assert found.binary["melanoma"] is None and found.binary["malignant"]
    assert found.melanoma_vs_nevus is None and found.targets == 30
    assert from_plain(Evaluation, found.to_document()) == found
