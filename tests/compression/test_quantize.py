from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma_edge.compression import quantize as module
from melanoma_edge.compression.quantize import quantize
from melanoma_edge.errors import UsageError
from melanoma_edge.training.run import Run


@pytest.fixture(scope="module")
def parent(trained: Any) -> Run:
    return Run.open(trained.run)


@pytest.fixture(scope="module")
def made(parent: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return quantize(parent, tmp_path_factory.mktemp("quantized") / "int8", images=24)


def test_the_run_names_its_parent_and_what_was_done(parent: Run, made: Run) -> None:
    record = made.record
    assert record.method == "quantize" and record.name == "int8"
    assert parent.record.lowest_targets and not record.lowest_targets, "its threshold is its parent's choice"
    assert record.parent and record.parent.weights_sha256 == parent.record.weights_sha256
    assert made.reference().record.weights_sha256 == parent.record.weights_sha256
    assert made.network == replace(parent.network, folded=True)
    assert record.compression and record.compression["images"] == 24
    assert set(record.metrics) == {"train", "validation", "test"}
    assert set(record.plots) == {"confusion.png", "samples.png", "mistakes.png"}


def test_the_contract_changes_in_name_and_provenance_only(parent: Run, made: Run) -> None:
    changed = made.contract.provenance
    assert made.contract == replace(parent.contract, name="int8", provenance=changed)
    assert (changed.method, changed.weights_sha256) == ("quantize", made.record.weights_sha256)
    assert changed == replace(
        parent.contract.provenance, method="quantize", weights_sha256=changed.weights_sha256, tool=changed.tool
    )


def test_the_catalog_is_the_parents(parent: Run, made: Run) -> None:
    assert made.catalog == parent.catalog


def test_metrics_are_those_of_the_rounded_weights(parent: Run, made: Run) -> None:
    from melanoma_edge.evaluation.lesions import lesions
    from melanoma_edge.runtime import open_model

    images = made.images("validation")
    with open_model(made.path) as runner:
        answers = runner.infer(images.pixels[:]).astype(np.float64)
    unit = lesions(images.groups, images.labels)
    accuracy = float((unit.mean(answers).argmax(axis=1) == unit.labels).mean())
    assert made.record.metrics["validation"]["accuracy"]["value"] == pytest.approx(accuracy)
    assert made.record.metrics["validation"]["brier"] != parent.record.metrics["validation"]["brier"]


def test_exported_integers_are_the_runs(made: Run) -> None:
    from exporters import export_many

    artifacts = export_many(made, [("tflite", "int8"), ("onnx", "int8")], calibration_images=16)
    wanted = {name.split("/")[0]: integers(values) for name, values in made.weights().items() if is_body(name)}
    for artifact in artifacts:
        found = stored(artifact.path)
        assert set(found) == set(wanted)
        for layer, values in wanted.items():
            np.testing.assert_array_equal(np.sort(found[layer].ravel()), np.sort(values.ravel()))


def test_exported_integers_stand_where_the_runs_do(made: Run) -> None:
    found = stored(made.artifacts / "model-int8.tflite")
    for name, values in made.weights().items():
        if is_body(name):
            np.testing.assert_array_equal(found[name.split("/")[0]], integers(values).transpose(3, 0, 1, 2))


def is_body(name: str) -> bool:
    return name.endswith("kernel") and not name.startswith("head")


def integers(kernel: Any) -> Any:
    axes = (0, 1, 3) if kernel.shape[3] == 1 else (0, 1, 2)
    return np.rint(kernel.astype(np.float64) * 127 / np.abs(kernel).max(axis=axes, keepdims=True)).astype(int)


def stored(path: Path) -> dict[str, Any]:
    if path.suffix == ".onnx":
        import onnx

        model = onnx.load(str(path))
        arrays = {constant.name: onnx.numpy_helper.to_array(constant) for constant in model.graph.initializer}
    else:
        from exporters import flatbuffer

        lite = flatbuffer.load(path.read_bytes())
        tensors = lite.subgraphs[0].tensors
        arrays = {flatbuffer.tensor_name(tensor): flatbuffer.constant(lite, tensor) for tensor in tensors}
    named = {re.sub("/weights$", "", name): values for name, values in arrays.items() if name.endswith("/weights")}
    return {name: values.astype(int) for name, values in named.items() if name != "head"}


def test_plain_rounding_is_there_to_compare_with(parent: Run, made: Run, tmp_path: Path) -> None:
    nearest = quantize(parent, tmp_path / "nearest", method="nearest", images=24)
    changes = [run.record.compression["weights_against_float"]["mean_score_change"] for run in (made, nearest)]  # type: ignore[index]
    assert 0 < changes[0] < changes[1]


def test_the_same_seed_gives_the_same_weights(parent: Run, made: Run, tmp_path: Path) -> None:
    assert quantize(parent, tmp_path / "again", images=24).record.weights_sha256 == made.record.weights_sha256


def test_a_quantized_parent_is_refused(made: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="already quantized"):
        quantize(made, tmp_path / "twice")


def test_what_is_there_stays_unless_forced(parent: Run, made: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="refusing to overwrite"):
        quantize(parent, made.path)
    with pytest.raises(UsageError, match="replace its parent"):
        quantize(parent, parent.path, force=True)
    with pytest.raises(UsageError, match="unknown method"):
        quantize(parent, tmp_path / "new", method="magic")
    assert not (tmp_path / "new").exists()


def test_a_failure_leaves_the_old_run(parent: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = quantize(parent, tmp_path / "kept", method="nearest", images=8)

    def broken(*_: object) -> None:
        raise OSError("no plots today")

    monkeypatch.setattr(module, "run_plots", broken)
    with pytest.raises(OSError, match="no plots today"):
        quantize(parent, kept.path, method="nearest", images=8, force=True)
    assert Run.open(kept.path).record == kept.record
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_the_command_prints_the_record(parent: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from melanoma_edge.cli.main import main

    arguments = ["quantize", str(parent.path), "--out", str(tmp_path / "new"), "--images", "16", "--json"]
    assert main([*arguments, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 16 and not (tmp_path / "new").exists()
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["method"] == "quantize"
    assert main(arguments) == 2
    assert "refusing to overwrite" in capsys.readouterr().err
