"""The way from artifacts on disk to the JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benches import Bench, Canned, Drawn, Run, with_lost

from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import MachineError, TrustError, UsageError
from melanoma_edge.parity import Limits, Status
from melanoma_edge.runtime.base import WrongLabels, WrongShape
from melanoma_edge.runtime.worker import RuntimeCrash
from melanoma_edge.safeguards import default_safeguards
from melanoma_edge.strictjson import to_plain

PASS, FAIL, INCONCLUSIVE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE
ARTIFACT_KEYS = [
    *("path", "sha256", "bytes", "format", "precision", "runtime", "runtime_options", "verdict"),
    *("checks", "float", "exported", "flips"),
]
METRIC_KEYS = [
    *("accuracy", "balanced_accuracy", "macro_auc", "melanoma_auc"),
    *("sensitivity", "specificity", "brier", "ece"),
]
FLIP_KEYS = [
    *("image_id", "group", "label", "float_class", "exported_class"),
    *("float_score", "exported_score", "melanoma_lost"),
]


@pytest.fixture
def bench(tmp_path: Path, drawn: Drawn, contract: ModelContract) -> Bench:
    run = Run(tmp_path, contract, drawn)
    return Bench(run, {tmp_path: Canned(drawn.probabilities.astype(np.float32), contract)})


def test_several_artifacts_share_one_pass_of_the_reference(bench: Bench, drawn: Drawn) -> None:
    good = bench.add("good.tflite", drawn.probabilities.astype(np.float32))
    bad = bench.add("bad.onnx", with_lost(drawn, 12))
    told: list[tuple[str, int, int]] = []
    verdict = bench.compare(good, bad, progress=lambda *step: told.append(step))
    assert [artifact.verdict for artifact in verdict.artifacts] == [PASS, FAIL]
    assert not verdict and verdict.verdict is FAIL
    assert bench.compare(good)
    assert bench.runners[bench.run.path].opened == 2
    assert told[-1] == ("comparing bad.onnx", 334, 334)


def test_the_json_has_the_promised_keys_and_no_nan(bench: Bench, drawn: Drawn, contract: ModelContract) -> None:
    path = bench.add("m.tflite", with_lost(drawn, 2))
    document = json.loads(json.dumps(bench.compare(path, seed=5).to_document(), allow_nan=False))
    assert list(document)[:3] == ["schema", "run", "verdict"]
    assert document["schema"] == "melanoma-edge/parity/1"
    assert (document["split"], document["images"], document["groups"], document["melanomas"]) == ("test", 334, 334, 74)
    assert (document["reference"], document["threshold"], document["seed"]) == ("1" * 64, 0.3, 5)
    assert document["limits"] == to_plain(Limits())
    (artifact,) = document["artifacts"]
    assert list(artifact) == ARTIFACT_KEYS
    assert (artifact["format"], artifact["precision"], artifact["runtime"]) == ("tflite", "int8", "canned")
    assert artifact["runtime_options"] == {"session.fast": "1"}
    assert (document["synthetic"], "leaky" in document) == (True, False)
    assert artifact["bytes"] == path.stat().st_size
    assert list(artifact["float"]) == list(artifact["exported"]) == METRIC_KEYS
    assert set(artifact["float"]["ece"]) == {"value", "low", "high"}
    assert set(artifact["checks"][0]) == {"name", "value", "limit", "status", "would_pass_at", "why"}
    assert artifact["checks"][7]["name"] == "melanomas_lost" and artifact["checks"][7]["value"] == 2
    assert list(artifact["flips"][0]) == FLIP_KEYS
    assert artifact["verdict"] == document["verdict"] in ("FAIL", "INCONCLUSIVE")


def test_a_verdict_on_a_leaky_split_says_so(tmp_path: Path, drawn: Drawn, contract: ModelContract) -> None:
    leaky = replace(contract, provenance=replace(contract.provenance, leaky=True))
    bench = Bench(Run(tmp_path, leaky, drawn), {tmp_path: Canned(drawn.probabilities.astype(np.float32), leaky)})
    path = bench.add("m.tflite", drawn.probabilities.astype(np.float32))
    assert bench.compare(path).to_document()["leaky"] is True


def test_broken_outputs_of_a_runtime_reach_the_json_without_numbers(bench: Bench, drawn: Drawn) -> None:
    document = bench.compare(bench.add("nan.onnx", drawn.probabilities * np.nan)).to_document()
    json.dumps(document, allow_nan=False)
    assert document["artifacts"][0]["exported"] is None
    assert document["verdict"] == "FAIL"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"classes": ("NV", "MEL", "BCC", "DF")}, "classes"),
        ({"input_size": 16}, "input_size"),
        ({"target": "malignant"}, "target"),
        ({"target_classes": ("MEL", "BCC")}, "target_classes"),
        ({"melanoma_classes": ("NV",)}, "melanoma_classes"),
        ({"malignant_classes": ("NV",)}, "malignant_classes"),
        ({"intended_use": "Diagnoses melanoma for everybody."}, "intended_use"),
        ({"temperature": 9.0}, "temperature"),
        ({"image_types": ("clinical",)}, "image_types"),
        ({"class_prior": (0.4, 0.2, 0.2, 0.2)}, "class_prior"),
        ({"name": "other"}, "name"),
        ({"safeguards": default_safeguards(16)}, "safeguards"),
    ],
)
def test_an_artifact_of_another_model_is_refused(
    bench: Bench, drawn: Drawn, contract: ModelContract, change: dict[str, Any], named: str
) -> None:
    path = bench.add("other.tflite", drawn.probabilities, replace(contract, **change))
    with pytest.raises(TrustError, match=f"another model: {named}"):
        bench.compare(path)


def test_another_threshold_or_reference_is_another_model(bench: Bench, drawn: Drawn, contract: ModelContract) -> None:
    point = replace(contract.operating_point, threshold=0.31)
    moved = bench.add("moved.tflite", drawn.probabilities, replace(contract, operating_point=point))
    origin = replace(contract.provenance, reference_sha256="2" * 64)
    stranger = bench.add("stranger.tflite", drawn.probabilities, replace(contract, provenance=origin))
    with pytest.raises(TrustError, match="threshold"):
        bench.compare(moved)
    with pytest.raises(TrustError, match=r"provenance\.reference_sha256"):
        bench.compare(stranger)


def test_a_changed_byte_is_refused_before_anything_runs(bench: Bench, drawn: Drawn) -> None:
    path = bench.add("m.tflite", drawn.probabilities)
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(TrustError, match="seal"):
        bench.compare(path)
    assert bench.runners[bench.run.path].opened == 0


def test_another_reference_may_be_named_and_must_fit(bench: Bench, drawn: Drawn, contract: ModelContract) -> None:
    path = bench.add("m.tflite", drawn.probabilities)
    origin = replace(contract.provenance, weights_sha256="3" * 64)
    other = Run(bench.run.path / "other", replace(contract, provenance=origin), drawn)
    bench.runners[other.path] = Canned(drawn.probabilities, contract)
    assert bench.compare(path, reference=other).reference == "3" * 64
    small = Run(other.path, replace(contract, input_size=4), drawn)
    with pytest.raises(TrustError, match="input_size"):
        bench.compare(path, reference=small)


def test_a_reference_without_numbers_proves_nothing(bench: Bench, drawn: Drawn) -> None:
    path = bench.add("m.tflite", drawn.probabilities)
    bench.runners[bench.run.path].outputs[0, 0] = np.nan
    with pytest.raises(TrustError, match="the reference gives no probabilities"):
        bench.compare(path)


def test_a_reference_that_answers_every_image_alike_proves_nothing(bench: Bench, drawn: Drawn) -> None:
    constant = np.tile(np.float32([0.1, 0.2, 0.3, 0.4]), (len(drawn.ids), 1))
    path = bench.add("m.tflite", constant)
    bench.runners[bench.run.path].outputs = constant
    found = bench.compare(path)
    assert not found and found.verdict is INCONCLUSIVE
    (check,) = (check for check in found.artifacts[0].judgement.checks if check.name == "constant_output")
    assert check.status is INCONCLUSIVE and "answers every image alike" in check.why


def test_a_reference_of_other_weights_than_the_contract_names_is_refused(
    bench: Bench, drawn: Drawn, contract: ModelContract
) -> None:
    bench.run.contract = replace(contract, provenance=replace(contract.provenance, weights_sha256="4" * 64))
    path = bench.add("m.tflite", drawn.probabilities)
    with pytest.raises(TrustError, match="reference_sha256"):
        bench.compare(path)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (WrongLabels("6 labels", fix="export", where="m"), "labels_match"),
        (WrongShape("64 pixels", fix="export", where="m"), "shape_match"),
        (TrustError("cannot run", fix="export", where="m"), "finite_outputs"),
        (RuntimeCrash("died with SIGSEGV", fix="other", where="m"), "finite_outputs"),
    ],
)
def test_a_file_that_cannot_run_fails_with_the_reason_and_the_others_are_judged(
    bench: Bench, drawn: Drawn, error: Any, name: str
) -> None:
    broken, good = bench.add("broken.onnx", drawn.probabilities), bench.add("good.tflite", drawn.probabilities)
    bench.runners[broken].error = error
    found = bench.compare(broken, good)
    assert [artifact.verdict for artifact in found.artifacts] == [FAIL, PASS]
    (check,) = found.artifacts[0].judgement.checks
    assert (check.name, check.status) == (name, FAIL) and error.what in check.why
    assert found.artifacts[0].judgement.exported_metrics is None
    assert found.artifacts[0].judgement.float_metrics == found.artifacts[1].judgement.float_metrics
    json.dumps(found.to_document(), allow_nan=False)


@pytest.mark.parametrize("error", [MachineError("no onnxruntime", fix="pip"), MemoryError()])
def test_what_the_machine_lacks_is_no_verdict(bench: Bench, drawn: Drawn, error: Exception) -> None:
    path = bench.add("m.onnx", drawn.probabilities)
    bench.runners[path].error = error
    with pytest.raises(type(error)):
        bench.compare(path)


def test_a_failing_reference_is_no_verdict_on_its_files(bench: Bench, drawn: Drawn) -> None:
    path = bench.add("m.onnx", drawn.probabilities)
    bench.runners[bench.run.path].error = TrustError("weights damaged", fix="train")
    with pytest.raises(TrustError, match="weights damaged"):
        bench.compare(path)


def test_nothing_to_compare_is_a_usage_error(bench: Bench) -> None:
    with pytest.raises(UsageError, match="no artifact"):
        bench.compare()
