"""Out-of-fold evaluation: every lesion once, by the run that did not learn from it; nothing else is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import tiny_config, tiny_home

from melanoma_edge.errors import UsageError
from melanoma_edge.evidence.documents import Evaluation
from melanoma_edge.evidence.folds import check_folds, evaluate_folds
from melanoma_edge.evidence.models import Model, open_models
from melanoma_edge.runtime.keras import KerasRunner
from melanoma_edge.training.run import Run
from melanoma_edge.training.trainer import train

COUNT = 2


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    with tiny_home(tmp_path_factory.mktemp("folds")) as home:
        config = tiny_config(home / "data", epochs=1, folds=COUNT, fold=1)
        for number in range(1, COUNT + 1):
            train(replace(config, fold=number), home / f"fold-{number}")
        yield [home / f"fold-{number}" for number in range(1, COUNT + 1)]


@pytest.fixture(scope="module")
def found(runs: list[Path]) -> Evaluation:
    return evaluate_folds(open_models(runs[::-1]), resamples=20, runner_of=KerasRunner)


def test_every_lesion_is_judged_once_by_the_run_that_did_not_learn_from_it(runs: list[Path], found: Evaluation) -> None:
    opened = [Run.open(path) for path in runs]
    assert found.images == len(opened[0].catalog.rows) == sum(len(run.catalog.part("test")) for run in opened)
    hits = others = 0
    for run in opened:
        images = run.images("test")
        with KerasRunner(run.path) as runner:
            scores = runner.infer(np.asarray(images.pixels[:]))[:, run.contract.classes.index("MEL")]
        referred, melanoma = scores >= run.contract.threshold, images.labels == run.contract.classes.index("MEL")
        hits += int((referred & melanoma).sum())
        others += int((~referred & ~melanoma).sum())
    assert found.metrics["sensitivity"] and found.metrics["specificity"]
    assert found.metrics["sensitivity"].value * found.targets == pytest.approx(hits)
    assert found.metrics["specificity"].value * (found.groups - found.targets) == pytest.approx(others)


def test_the_document_names_every_fold_and_no_single_threshold(runs: list[Path], found: Evaluation) -> None:
    assert (found.split, found.run, found.threshold, found.weights_sha256) == ("out-of-fold", None, None, None)
    assert found.folds and [(one.fold, one.count) for one in found.folds] == [(1, 2), (2, 2)]
    opened = [Run.open(path) for path in runs]
    assert [one.threshold for one in found.folds] == [run.contract.threshold for run in opened]
    assert [one.weights_sha256 for one in found.folds] == [run.record.weights_sha256 for run in opened]
    assert "own threshold" in found.operating_point.sentence and not found.operating_point.certified
    assert found.operating_point.positives == sum(run.contract.operating_point.positives for run in opened)
    assert found.mixture == pytest.approx({"MEL": 1 / 3, "NV": 1 / 3, "BKL": 1 / 3}, abs=0.05)


def changed(model: Model, **configuration: Any) -> Model:
    """Return a model whose run says that it was trained in another way."""
    assert model.run
    record = model.run.record
    other = replace(model.run, record=replace(record, configuration=replace(record.configuration, **configuration)))
    return replace(model, run=other)


def test_a_missing_a_doubled_and_no_fold_are_all_named(runs: list[Path]) -> None:
    first, second = open_models(runs)
    with pytest.raises(UsageError, match="fold 2 of 2 is missing"):
        check_folds([first])
    with pytest.raises(UsageError, match="fold 1 of 2 is given twice; fold 2 of 2 is missing"):
        check_folds([first, first])
    with pytest.raises(UsageError, match="is no fold: trained without --folds; fold 2 of 2 is missing"):
        check_folds([changed(second, fold=None, folds=None), first])


@pytest.mark.parametrize("change", ["seed", "epochs", "width", "folds"])
def test_runs_trained_in_another_way_are_no_part_of_it(runs: list[Path], change: str) -> None:
    first, second = open_models(runs)
    assert second.run
    other = changed(second, **{change: getattr(second.run.record.configuration, change) + 1})
    says = "folds of 2, 3 parts are mixed" if change == "folds" else f"differs from .*fold-1 in {change}"
    with pytest.raises(UsageError, match=says):
        check_folds([first, other])


def test_folds_of_other_images_are_no_part_of_it(runs: list[Path]) -> None:
    first, second = open_models(runs)
    assert second.run
    row, *rest = second.run.catalog.rows
    other = replace(second.run)
    other.__dict__["catalog"] = replace(second.run.catalog, rows=(replace(row, group="elsewhere"), *rest))
    with pytest.raises(UsageError, match="in images, labels or groups"):
        check_folds([first, replace(second, run=other)])
