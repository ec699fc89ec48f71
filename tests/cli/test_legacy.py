"""The field's protocol from end to end: its network on its split, resumed, exported, and LEAKY wherever it shows."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import write_images

from exporters import export_many
from exporters.inventory import take
from melanoma_edge.bundle.sources import from_run
from melanoma_edge.compression import prune, quantize, thin
from melanoma_edge.compression.thin import Thinning, thin_config
from melanoma_edge.contract import LEAKY_USE
from melanoma_edge.errors import Interrupted, MelanomaEdgeError, TrustError, UsageError
from melanoma_edge.parity.comparison import compare
from melanoma_edge.prediction import predict
from melanoma_edge.runtime import open_model
from melanoma_edge.training.config import TrainConfig, configured
from melanoma_edge.training.run import Run
from melanoma_edge.training.trainer import train

COPIES = 20
PARTS = [(form, "int8") for form in ("tflite", "onnx", "ort")] + [("tflite", "int8-full"), ("tflite", "float32")]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    data = write_images(tmp_path_factory.mktemp("legacy") / "data", 16)
    return configured(
        "tutorial",
        data=(str(data),),
        width=0.25,
        image_size=36,
        epochs=3,
        learning_rate=3e-3,
        split_policy="legacy",
        legacy_copies=COPIES,
        device="cpu",
    )


@pytest.fixture(scope="module")
def run(config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = train(config, tmp_path_factory.mktemp("runs") / "legacy")
        export_many(made, PARTS, rounding="nearest", check_calibration=False)
        yield made


def test_copies_stand_in_the_catalog_and_in_what_is_said(run: Run) -> None:
    with open(run.path / "catalog.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3 * (16 + COPIES)
    assert sum(row["turned"] != "" for row in rows) == 3 * COPIES
    learned = {row["true_group"] for row in rows if row["split"] == "train"}
    judged = [row["true_group"] in learned for row in rows if row["split"] == "validation"]
    assert any(note.startswith(f"LEAKY split: at least {sum(judged)} of {len(judged)} ") for note in run.catalog.notes)
    assert sum(judged) > len(judged) / 2


def test_it_learns_colours_and_is_stamped_wherever_it_shows(run: Run) -> None:
    assert run.record.metrics["test"]["macro_auc"]["value"] > 0.7
    assert run.network.family == "tutorial-cnn"
    assert run.contract.provenance.leaky
    assert run.contract.intended_use == LEAKY_USE
    assert not run.contract.operating_point.certified
    with pytest.raises(TrustError, match="tested on what it was trained on"):
        from_run(run)


def test_a_stopped_training_resumes_to_the_same_weights(run: Run, config: TrainConfig, tmp_path: Path) -> None:
    def stop(task: str, done: int, total: int) -> None:
        if task == "epoch 2/3":
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="--resume"):
        train(config, tmp_path / "run", progress=stop)
    assert train(config, tmp_path / "run", resume=True).record.weights_sha256 == run.record.weights_sha256


@pytest.mark.parametrize(("form", "precision"), PARTS)
def test_exported_files_answer_as_the_run_does(run: Run, form: str, precision: str) -> None:
    path = run.artifacts / f"model-{precision}.{form}"
    images = np.asarray(run.images("test").pixels[:6])
    with open_model(run.path) as reference, open_model(path) as runner:
        assert runner.contract.provenance.leaky
        tolerance = 1e-5 if precision == "float32" else 0.05
        np.testing.assert_allclose(runner.infer(images), reference.infer(images), atol=tolerance)
    answer = next(iter(predict(path, [Path(run.catalog.rows[0].path)], threads=1)))
    assert any(warning.startswith("LEAKY: ") for warning in answer.warnings)


@pytest.mark.parametrize("form", ["tflite", "onnx", "ort"])
def test_an_int8_file_pools_in_int8(run: Run, form: str) -> None:
    steps = take((run.artifacts / f"model-int8.{form}").read_bytes(), form).steps
    pools = [step.activation for step in steps if step.op in ("MAX_POOL_2D", "MaxPool")]
    assert pools == ["int8"] * 3


def test_the_verdict_is_of_a_leaky_split(run: Run) -> None:
    verdict = compare(run, [run.artifacts / "model-float32.tflite"], "test", resamples=20)
    assert verdict.leaky
    assert verdict.to_document()["leaky"] is True


REFUSED: dict[str, Callable[[Run, Path], Any]] = {
    "pruning is for MobileNets": lambda run, out: prune.prune_config(run, 0.5),
    "thinning is for MobileNets": lambda run, out: thin.check(run, out, Thinning(keep=0.5), thin_config(run)),
    "quantizing a run is for MobileNets": lambda run, out: quantize.check(run, out, "rounding", force=False),
    "learned rounding is for MobileNets": lambda run, out: export_many(run, [("tflite", "int8")], force=True),
    "no ImageNet weights for tutorial-cnn": lambda run, out: train(configured("tutorial", init="imagenet"), out),
    "progressive must be off": lambda run, out: configured("phone", backbone="tutorial-cnn"),
    "prune knows MobileNets only": lambda run, out: configured("tutorial", prune=0.5),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_knows_mobilenets_only_says_so(run: Run, what: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        REFUSED[what](run, tmp_path / "out")
    assert isinstance(caught.value, MelanomaEdgeError) and caught.value.fix
    assert not (tmp_path / "out").exists()
