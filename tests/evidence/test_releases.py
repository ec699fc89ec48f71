"""Two releases on the same lesions: each at its own threshold, and never on lesions that one of them learned from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from melanoma_edge.contract import OperatingPoint
from melanoma_edge.data.catalog import Catalog
from melanoma_edge.errors import DataError, UsageError
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evidence.models import Model, open_models
from melanoma_edge.evidence.releases import compare_releases
from melanoma_edge.parity.gate import Limits, Status
from melanoma_edge.training.run import Run


class Answers:
    """Answer drawn probabilities, batch after batch."""

    def __init__(self, found: Any) -> None:
        self.found, self.place = found, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def infer(self, batch: Any) -> Any:
        self.place += len(batch)
        return self.found[self.place - len(batch) : self.place]


@pytest.fixture
def models(trained: Any, tmp_path: Path) -> tuple[Model, Model]:
    """Give yesterday's run and today's, the same but for the folder."""
    for name in ("yesterday", "today"):
        shutil.copytree(trained.run, tmp_path / name)
    first, second = open_models([tmp_path / "yesterday", tmp_path / "today/artifacts/model-int8.tflite"])
    return first, second


def drawn(model: Model, seed: int = 0) -> Any:
    assert model.run is not None
    images = model.run.images("test")
    raised = np.exp(np.random.default_rng(seed).normal(size=(len(images.ids), len(model.contract.classes))))
    return raised / raised.sum(1, keepdims=True)


def answering(**found: Any) -> Callable[[Path], Any]:
    return lambda path: Answers(found["before" if "yesterday" in str(path) else "after"])


def with_threshold(model: Model, threshold: float) -> Model:
    point = OperatingPoint(threshold, 0.95, 80, 0, True)
    return replace(model, contract=replace(model.contract, operating_point=point))


def test_each_decides_at_its_own_threshold(models: tuple[Model, Model]) -> None:
    outputs = drawn(models[0])
    run = models[0].run
    assert run is not None
    images = run.images("test")
    scores = models[0].contract.target_score(lesions(images.groups, images.labels).mean(outputs))
    before, after = with_threshold(models[0], 0.1), with_threshold(models[1], 0.3)
    found = compare_releases(before, after, resamples=20, runner_of=answering(before=outputs, after=outputs))
    checks = {check.name: check for check in found.judgement.checks}
    same = ((scores >= 0.1) == (scores >= 0.3)).mean()
    assert same < 1
    assert checks["decision_agreement"].value == pytest.approx(same)
    assert checks["class_agreement"].value == 1
    assert checks["melanoma_auc_change"].value == 0
    metrics = found.judgement.float_metrics, found.judgement.exported_metrics
    assert [one.threshold for one in metrics if one] == [0.1, 0.3]
    assert found.to_document()["before"]["threshold"] == 0.1


def test_a_worse_release_fails_and_says_what_was_lost(models: tuple[Model, Model]) -> None:
    outputs = drawn(models[0])
    worse = np.roll(outputs, 1, axis=0)
    found = compare_releases(*models, resamples=50, runner_of=answering(before=outputs, after=worse))
    document = found.to_document()
    assert (found.verdict, document["verdict"]) == (Status.FAIL, "FAIL")
    assert {"class_before", "class_after", "score_before", "score_after"} <= set(document["flips"][0])
    assert document["synthetic"] is True


def test_limits_are_taken(models: tuple[Model, Model]) -> None:
    outputs = drawn(models[0])
    worse = np.roll(outputs, 1, axis=0)
    for limit, status in ((0.0, Status.PASS), (1.0, Status.FAIL)):
        limits = Limits(class_agreement=limit)
        found = compare_releases(*models, limits=limits, resamples=20, runner_of=answering(before=outputs, after=worse))
        checks = {check.name: check for check in found.judgement.checks}
        assert (checks["class_agreement"].limit, checks["class_agreement"].status) == (limit, status)


def _swapped(run: Run, change: Callable[[Any], Any]) -> Run:
    """Return a run whose catalog has rows changed, as another split of the data would."""
    catalog = run.catalog
    other = Run(run.path, run.record, run.contract)
    rows = tuple(change(row) for row in catalog.rows)
    vars(other)["catalog"] = Catalog(rows, catalog.classes, catalog.sources, catalog.licences, synthetic=True)
    return other


def test_lesions_that_one_learned_from_are_refused(models: tuple[Model, Model]) -> None:
    first, second = models
    assert first.run and second.run
    row = first.run.catalog.part("test")[0]

    def learned(one: Any) -> Any:
        return replace(one, split="train") if one.image_id == row.image_id else one

    leaky = replace(second, run=_swapped(second.run, learned))
    with pytest.raises(DataError, match=r"a leak: 1 of .* test images .*yesterday") as caught:
        compare_releases(first, leaky)
    assert row.image_id in str(caught.value)
    with pytest.raises(DataError, match="a leak"):
        compare_releases(leaky, first)


@pytest.mark.parametrize("key", ["sha256", "label", "group"])
def test_a_split_of_other_images_is_refused(models: tuple[Model, Model], key: str) -> None:
    first, second = models
    assert first.run and second.run
    row = first.run.catalog.part("test")[0]
    value = next(name for name in first.contract.classes if name != row.label) if key == "label" else "0" * 64

    def changed(one: Any) -> Any:
        return replace(one, **{key: value}) if one.image_id == row.image_id else one

    with pytest.raises(UsageError, match="1 not the same file, label or lesion"):
        compare_releases(first, replace(second, run=_swapped(second.run, changed)))


def test_an_image_that_only_one_has_is_refused(models: tuple[Model, Model]) -> None:
    first, second = models
    assert second.run
    row = second.run.catalog.part("test")[0]

    def renamed(one: Any) -> Any:
        return replace(one, image_id="new") if one.image_id == row.image_id else one

    with pytest.raises(UsageError, match=r"1 only in the first .*; 1 only in the second"):
        compare_releases(first, replace(second, run=_swapped(second.run, renamed)))


def test_other_questions_and_files_without_a_run_are_refused(models: tuple[Model, Model], tmp_path: Path) -> None:
    first, second = models
    other = replace(second, contract=replace(second.contract, target="malignant"))
    with pytest.raises(UsageError, match="target differ"):
        compare_releases(first, other)
    with pytest.raises(UsageError, match="no run beside"):
        compare_releases(first, replace(second, run=None))
    with pytest.raises(UsageError, match="not compared on 'train'"):
        compare_releases(first, second, "train")
