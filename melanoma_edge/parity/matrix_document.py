"""The JSON of a matrix, which the report draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.parity.gate import Check
from melanoma_edge.parity.matrix import Cell, Matrix
from melanoma_edge.parity.statistics import kind_of
from melanoma_edge.parity.verdict import Flip
from melanoma_edge.strictjson import to_plain

SCHEMA = "melanoma-edge/parity-matrix/1"


def matrix_path(run: Path, split: str) -> Path:
    """Return where the matrix of a run stands."""
    return run / "report" / f"matrix-{split}.json"


def matrix_document(matrix: Matrix) -> dict[str, Any]:
    """Return a matrix as JSON has it; ``threshold`` is null where folds have their own, which their flips then bear."""
    contract = matrix.run.contract
    told = contract.provenance
    return {
        "schema": SCHEMA,
        "run": str(matrix.run.path),
        "runs": to_plain(matrix.folds) or None,
        "split": matrix.split,
        "verdict": matrix.verdict.value,
        "images": matrix.images,
        "groups": matrix.groups,
        "melanomas": matrix.melanomas,
        "target": contract.target,
        "synthetic": told.synthetic,
        "leaky": told.leaky,
        "weights_sha256": told.weights_sha256,
        "catalog_sha256": told.catalog_sha256,
        "reference": matrix.reference,
        "threshold": None if matrix.folds else contract.threshold,
        "limits": to_plain(matrix.limits),
        "resamples": matrix.resamples,
        "seed": matrix.seed,
        "float": to_plain(matrix.float_metrics.headline()),
        "runtimes": list(matrix.runtimes),
        "absent": to_plain(matrix.absent),
        "cells": [_cell(cell, matrix) for cell in matrix.cells],
        "between": to_plain(matrix.between),
    }


def _cell(cell: Cell, matrix: Matrix) -> dict[str, Any]:
    record, found = cell.record, cell.judgement
    empty = dict.fromkeys(("sensitivity", "specificity", "class_agreement", "decision_agreement", "score", "kl"))
    return {
        "path": str(record.path),
        "sha256": record.sha256,
        "bytes": record.bytes,
        "format": record.format,
        "precision": record.precision,
        "runtime": cell.runtime,
        "version": cell.version,
        "verdict": found.verdict.value,
        "checks": [_check(check, cell, matrix) for check in found.checks],
        "exported": to_plain(found.exported_metrics.headline()) if found.exported_metrics else None,
        **(to_plain(cell.statistics) if cell.statistics else empty),
        "flips": [_flip(flip, matrix.run.contract) for flip in found.flips],
        "subgroups": to_plain(cell.subgroups),
        "seconds": cell.seconds,
        "start_seconds": cell.start_seconds,
        "reused": cell.reused,
    }


def _flip(flip: Flip, contract: ModelContract) -> dict[str, Any]:
    """Return a flip with the direction of its change and how far its score now is from the lesion's threshold."""
    threshold = contract.threshold if flip.threshold is None else flip.threshold
    kind = kind_of(flip, contract.target_classes, threshold)
    return {**to_plain(flip), "kind": kind, "margin": flip.exported_score - threshold}


def _check(check: Check, cell: Cell, matrix: Matrix) -> dict[str, Any]:
    wanted = cell.deciding.get(check.name)
    has = {"sensitivity_loss": matrix.melanomas, "specificity_loss": matrix.groups - matrix.melanomas}
    more = None if wanted is None else wanted - has.get(check.name, matrix.groups)
    return {**to_plain(check), "status": check.status.value, "deciding": wanted, "more": more}
