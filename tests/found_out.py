"""What commands find out about a run, as documents that a report is made of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from pages import drawn
from verdicts import drawn_outputs

from exporters.bisect import Bisection, Trial
from melanoma_edge.errors import TrustError
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evaluation.metrics import cases_of
from melanoma_edge.evidence.explanations import Explanations
from melanoma_edge.evidence.rejection_document import Rejection
from melanoma_edge.evidence.robustness import Robustness
from melanoma_edge.files import sha256_of, to_json
from melanoma_edge.parity.comparison import judge
from melanoma_edge.parity.faults import Diagnosis
from melanoma_edge.parity.gate import Limits
from melanoma_edge.parity.layers import LayerReport
from melanoma_edge.parity.layers import to_document as layers_document
from melanoma_edge.parity.matrix import Between, Cell, Matrix
from melanoma_edge.parity.matrix_document import matrix_document
from melanoma_edge.parity.outputs import failed_outputs
from melanoma_edge.parity.paired import pair
from melanoma_edge.parity.record import verdict_path
from melanoma_edge.parity.runtimes import Absent
from melanoma_edge.parity.statistics import Statistics, SubgroupChange, describe
from melanoma_edge.parity.verdict import Judgement
from melanoma_edge.runtime.artifact import read_record
from melanoma_edge.strictjson import from_plain, to_plain
from melanoma_edge.training.run import Run


def estimate(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.0511, "high": value + 0.0322}


def evaluation(run: Run) -> dict[str, Any]:
    """Return an evaluation whose numbers occur nowhere else."""
    part = {
        "positives": 31,
        "others": 217,
        **{name: estimate(0.6123 + place / 97) for place, name in enumerate(("sensitivity", "specificity", "auc"))},
        "pr_auc": estimate(0.5017),
        "partial_auc": 0.1173,
        "ppv_npv": [{"prevalence": 0.02, "ppv": 0.0431, "npv": 0.9917}],
        "decision_curve": [{"threshold": 0.05, "model": 0.0313, "operating_point": 0.0297, "refer_all": 0.0171}],
        "calibration": {
            **{"nll": 0.4151, "brier": 0.1319, "ece_mass": 0.0717, "ece_width": 0.0637, "slope": 1.131},
            "intercept": -0.271,
            "bins": [{"mean": 0.2137, "share": 0.2511, "n": 57, "low": 0.1539, "high": 0.3743}],
        },
        "calibration_shifted": None,
        "roc": [[0, 0], [0.31, 0.87], [1, 1]],
    }
    row = {"n": 83, "targets": 9, "auc": None, "few": True, "estimated": False}
    named = ("accuracy", "balanced_accuracy", "macro_auc", "melanoma_auc", "sensitivity", "specificity", "macro_f1")
    return {
        "schema": "melanoma-edge/evaluation/1",
        "weights_sha256": run.contract.provenance.weights_sha256,
        "catalog_sha256": run.contract.provenance.catalog_sha256,
        "target": "melanoma",
        "operating_point": {"sentence": "No 59 melanomas, no claim."},
        "notes": ["Skin types are not known."],
        "metrics": {name: estimate(0.7117 + place / 83) for place, name in enumerate(named)},
        "binary": {"melanoma": part, "malignant": None},
        "melanoma_vs_nevus": None,
        "subgroups": [
            {"attribute": "sex", "value": "male", **row, "sensitivity": estimate(0.8713), "specificity": None},
            {"attribute": "sex", "value": "female", **row, "sensitivity": None, "specificity": estimate(0.4417)},
        ],
        "refitted": None,
    }


def found_out(run: Run) -> dict[str, Any]:
    """Return what else commands find out about a run, by file, each as its dataclass has it now."""
    random = Random(0)
    kinds = {"robustness": Robustness, "rejection": Rejection, "explanations": Explanations}
    own = run.contract.provenance
    parents = {"weights_sha256": own.weights_sha256, "catalog_sha256": own.catalog_sha256}
    made = {name: drawn(kind, random) | {"schema": f"melanoma-edge/{name}/1"} | parents for name, kind in kinds.items()}
    file = run.path / "artifacts/model-int8.onnx"
    named = {"artifact": str(file), "sha256": sha256_of(file), **parents}
    layers = from_plain(LayerReport, drawn(LayerReport, random) | named)
    made["model-int8.onnx.layers"] = layers_document(layers, drawn(Diagnosis, random))
    trials = (Trial((), False, ("sensitivity_loss",)), Trial(("stem",), True, ()))
    found = Bisection("melanoma-edge/bisect/1", "run", **named, split="test", layers=("stem",), tried=trials)
    made["model-int8.onnx.bisect"] = to_plain(found)
    made["matrix-test"] = matrix(run, file)
    return made


def matrix(run: Run, file: Path) -> dict[str, Any]:
    """Return the matrix of a file that decides well in one runtime, badly in the next, and not at all in the last."""
    random = Random(1)
    record = read_record(file)
    good, bad = (judgement(run, worse) for worse in (False, True))
    none = replace(bad, checks=failed_outputs(TrustError("it died", fix="-")), flips=(), exported_metrics=None)
    subgroups = (from_plain(SubgroupChange, drawn(SubgroupChange, random)),)
    cells = [Cell(record, "onnxruntime-untuned", "1.2.3", good, statistics(run, False), {}, subgroups, 1.37, 0.11, 12)]
    cells += [Cell(record, "litert-plain", "1.2.3", bad, statistics(run, True), {}, (), 1.39, 0.12, 13)]
    cells += [Cell(record, "emulated", "1.2.3", none, None, {}, (), 1.41, 0.13, 14)]
    return matrix_document(
        Matrix(
            run=run,
            folds=(),
            reference=run.contract.provenance.reference_sha256,
            split="test",
            images=880,
            groups=880,
            melanomas=80,
            limits=Limits(),
            resamples=50,
            seed=0,
            float_metrics=good.float_metrics,
            runtimes=tuple({"name": name} for name in ("onnxruntime-untuned", "litert-plain", "emulated", "none")),
            absent=(Absent("none", "not prepared"),),
            cells=tuple(cells),
            between=(from_plain(Between, drawn(Between, random)),),
        )
    )


def judgement(run: Run, worse: bool) -> Judgement:
    """Judge drawn outputs against themselves, or against others."""
    outputs, exported, names, labels = sides(run, worse)
    return judge(outputs, exported, names, names, labels, run.contract, Limits(), 0, 50)


def statistics(run: Run, worse: bool) -> Statistics:
    """Describe what ``judgement`` judges."""
    outputs, exported, names, labels = sides(run, worse)
    unit, contract = lesions(names, labels), run.contract
    before, after = (cases_of(one, unit, contract.target_columns, contract.threshold) for one in (outputs, exported))
    return describe(before, after, pair(before, after, 50, 0), Limits())


def sides(run: Run, worse: bool) -> tuple[Any, Any, list[str], list[int]]:
    """Return drawn outputs, the same or others, names of images that are lesions, and labels."""
    outputs, labels = drawn_outputs(run.contract, 80)
    exported = np.roll(outputs, 7, axis=0) if worse else outputs
    return outputs, exported, [f"image_{place:04}" for place in range(len(labels))], labels


def name_images(folder: Path) -> list[tuple[str, str, str]]:
    """Let the flips of the failed file be images of the run, and return these, each with group and label."""
    path = verdict_path(folder / "artifacts/model-int8.onnx")
    document = json.loads(path.read_text())
    rows = Run.open(folder).catalog.part("test")
    for flip, row in zip(document["artifacts"][0]["flips"], rows, strict=False):
        flip |= {"image_id": row.image_id, "group": row.group}
    path.write_text(to_json(document))
    return [(flip["image_id"], flip["group"], flip["label"]) for flip in document["artifacts"][0]["flips"]]
