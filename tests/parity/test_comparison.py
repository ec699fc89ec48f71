"""The whole judgement on drawn splits, and the way from artifacts on disk to the JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import MachineError, TrustError, UsageError
from melanoma_edge.parity import Judgement, Limits, Status, compare, judge
from melanoma_edge.runtime.artifact import seal, unsealed_document
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
STRUCTURE = {"finite_outputs", "constant_output", "labels_match", "shape_match"}


class Drawn(Protocol):
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    ids: list[str]
    groups: list[str]


def judged(
    drawn: Drawn, exported: NDArray[Any], contract: ModelContract, limits: Limits | None = None, resamples: int = 200
) -> Judgement:
    reference = drawn.probabilities
    rows = (drawn.ids, drawn.groups, drawn.labels)
    return judge(reference, exported, *rows, contract, limits or Limits(), resamples=resamples)


def statuses(found: Judgement) -> dict[str, Status]:
    return {check.name: check.status for check in found.checks}


def with_lost(drawn: Drawn, count: int) -> NDArray[np.float64]:
    """Return outputs in which the first ``count`` referred melanomas are no longer referred."""
    exported = drawn.probabilities.copy()
    referred = np.flatnonzero((drawn.labels == 0) & (exported[:, 0] >= 0.3))[:count]
    exported[referred] = [0.05, 0.85, 0.05, 0.05]
    return exported


def test_identical_outputs_pass_with_enough_cases(drawn: Drawn, contract: ModelContract) -> None:
    found = judged(drawn, drawn.probabilities, contract)
    assert found and found.verdict is PASS
    assert set(statuses(found).values()) == {PASS}
    assert len(found.checks) == 14
    assert found.flips == ()
    assert found.float_metrics == found.exported_metrics


def test_identical_outputs_of_few_melanomas_are_inconclusive(drawn: Drawn, contract: ModelContract) -> None:
    kept = np.r_[0:40, 74:334]
    rows = ([drawn.ids[i] for i in kept], [drawn.groups[i] for i in kept], drawn.labels[kept])
    same = drawn.probabilities[kept]
    found = judge(same, same, *rows, contract, Limits(), resamples=50)
    assert not found and found.verdict is INCONCLUSIVE
    assert [name for name, status in statuses(found).items() if status is INCONCLUSIVE] == ["sensitivity_loss"]


def test_one_lost_melanoma_is_named_and_doubted(drawn: Drawn, contract: ModelContract) -> None:
    found = judged(drawn, with_lost(drawn, 1), contract)
    assert (statuses(found)["sensitivity_loss"], statuses(found)["melanomas_lost"]) == (INCONCLUSIVE, PASS)
    (flip,) = found.flips
    assert flip.melanoma_lost and flip.label == "MEL" and flip.exported_class == "NV"
    assert flip.float_score >= 0.3 and flip.exported_score == pytest.approx(0.05)
    assert flip.image_id in next(check.why for check in found.checks if check.name == "melanomas_lost")


def test_a_melanoma_that_the_reference_missed_is_not_lost(contract: ModelContract) -> None:
    before = np.array([[0.2, 0.8, 0, 0], [0.1, 0.9, 0, 0]])
    after = np.array([[0.2, 0.1, 0.7, 0], [0.1, 0.9, 0, 0]])
    (flip,) = judge(before, after, ["a", "b"], ["a", "b"], [0, 1], contract, Limits(), resamples=20).flips
    assert (flip.label, flip.float_class, flip.exported_class, flip.melanoma_lost) == ("MEL", "NV", "BCC", False)


def test_many_lost_melanomas_fail_and_come_first(drawn: Drawn, contract: ModelContract) -> None:
    exported = with_lost(drawn, 12)
    exported[-30:] = exported[-30:][:, [1, 0, 2, 3]]
    rows = (drawn.ids[::-1], drawn.groups, drawn.labels)
    found = judge(drawn.probabilities, exported, *rows, contract, Limits(), resamples=50)
    assert found.verdict is FAIL
    assert statuses(found)["sensitivity_loss"] is FAIL and statuses(found)["melanomas_lost"] is FAIL
    lost = [flip.melanoma_lost for flip in found.flips]
    assert lost == sorted(lost, reverse=True) and sum(lost) == 12 < len(lost)


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        (lambda x: np.where(np.arange(4) == 1, np.nan, x), "finite_outputs"),
        (lambda x: np.full_like(x, 0.25), "constant_output"),
        (lambda x: x[:, [1, 0, 2, 3]], "labels_match"),
        (lambda x: x[:, :3], "labels_match"),
        (lambda x: x[:-2], "shape_match"),
    ],
)
def test_broken_outputs_fail_by_name_and_give_no_number(
    drawn: Drawn, contract: ModelContract, broken: Callable[[Any], Any], name: str
) -> None:
    found = judged(drawn, broken(drawn.probabilities), contract)
    assert found.verdict is FAIL
    assert statuses(found)[name] is FAIL
    assert set(statuses(found)) <= STRUCTURE
    assert found.exported_metrics is None and found.flips == ()
    json.dumps(to_plain(found), allow_nan=False)


def test_several_images_are_one_lesion_and_its_flip_is_named_by_the_first(contract: ModelContract) -> None:
    before = np.array([[0.4, 0.6, 0, 0], [0.3, 0.7, 0, 0], [0.1, 0.9, 0, 0]])
    after = np.array([[0.2, 0.8, 0, 0], [0.44, 0.56, 0, 0], [0.1, 0.9, 0, 0]])
    rows = (["z", "y", "x"], ["g", "g", "h"], [0, 0, 1])
    assert judge(before, after, *rows, contract, Limits(), resamples=20).flips == ()
    after[0] = [0.1, 0.9, 0, 0]
    (flip,) = judge(before, after, *rows, contract, Limits(), resamples=20).flips
    assert (flip.image_id, flip.group, flip.melanoma_lost) == ("y", "g", True)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), noise=st.floats(0, 0.3))
def test_the_order_of_images_does_not_matter(drawn: Drawn, contract: ModelContract, seed: int, noise: float) -> None:
    generator = np.random.default_rng(seed)
    n = len(drawn.ids)
    exported = (1 - noise) * drawn.probabilities + noise * generator.dirichlet(np.ones(4), n)
    order = generator.permutation(n)
    rows = ([drawn.ids[i] for i in order], [drawn.groups[i] for i in order], drawn.labels[order])
    one = judged(drawn, exported, contract, resamples=20)
    other = judge(drawn.probabilities[order], exported[order], *rows, contract, Limits(), resamples=20)
    assert (one.verdict, one.flips) == (other.verdict, other.flips)
    assert one.exported_metrics == other.exported_metrics


def test_the_seed_repeats_the_judgement(drawn: Drawn, contract: ModelContract) -> None:
    exported = 0.8 * drawn.probabilities + 0.05
    assert judged(drawn, exported, contract) == judged(drawn, exported, contract)


@dataclass
class Canned:
    """Give outputs made before, batch by batch, and count how often it was opened."""

    outputs: NDArray[Any]
    contract: ModelContract
    name: str = "canned"
    options: dict[str, str] = field(default_factory=lambda: {"session.fast": "1"})
    opened: int = 0
    error: Exception | None = None

    def __enter__(self) -> Self:
        self.opened += 1
        if self.error:
            raise self.error
        self.place = 0
        return self

    def __exit__(self, *rest: object) -> None: ...

    def infer(self, batch: NDArray[np.uint8]) -> NDArray[Any]:
        assert batch.dtype == np.uint8 and batch.shape[1:] == (8, 8, 3)
        start, self.place = self.place, self.place + len(batch)
        return self.outputs[start : self.place]


@dataclass
class Images:
    ids: Sequence[str]
    groups: Sequence[str]
    labels: NDArray[np.int64]
    pixels: NDArray[np.uint8]


@dataclass
class Run:
    path: Path
    contract: ModelContract
    drawn: Drawn

    def images(self, split: str) -> Images:
        assert split == "test"
        pixels = np.zeros((len(self.drawn.ids), 8, 8, 3), np.uint8)
        return Images(self.drawn.ids, self.drawn.groups, self.drawn.labels, pixels)

    def reference(self) -> Run:
        return self


@dataclass
class Bench:
    """Hold a run, its files and what each gives."""

    run: Run
    runners: dict[Path, Canned]

    def add(self, name: str, outputs: NDArray[Any], contract: ModelContract | None = None) -> Path:
        path = self.run.path / name
        document = unsealed_document(path.suffix[1:], "int8", contract or self.run.contract, None)
        path.write_bytes(seal(b"model" + document.encode() + b"end"))
        self.runners[path] = Canned(outputs, self.run.contract)
        return path

    def compare(self, *paths: Path, **options: Any) -> Any:
        return compare(self.run, paths, resamples=50, runner_of=self.runners.__getitem__, **options)


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
