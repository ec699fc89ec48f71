"""Whether a written file answers what the model does, before it gets its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from exporters.material import Material
from exporters.precision import Precision
from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import ExportError
from melanoma_edge.runtime import Answers, Probabilities, open_artifact
from melanoma_edge.runtime.base import CAM, OUTPUT
from melanoma_edge.runtime.worker import IsolatedRunner

_FLOAT_TOLERANCE = 1e-5
_SUM_TOLERANCE = 1e-3


def prove(path: Path, material: Material, precision: Precision) -> float:
    """Run the file in a process of its own and return the largest difference of a probability from Keras.

    Raises:
        ExportError: for answers that cannot be right; for float32, for a difference.
    """
    contract, expected = material.run.contract, material.expected
    with IsolatedRunner(path, opener=open_artifact) as runner:
        name, found = runner.name, runner.contract
        answers = runner.infer_all(material.probe)
    problems = _implausible(contract, found, expected, answers)
    difference = float(np.abs(answers[OUTPUT] - expected).max()) if not problems else 0.0
    if precision is Precision.FLOAT32 and difference > _FLOAT_TOLERANCE:
        problems.append(f"probabilities differ from Keras by {difference:.2g}, more than {_FLOAT_TOLERANCE:g}")
    if problems:
        raise ExportError(f"{name} runs the file, but {'; '.join(problems)}", fix="report this with the log (--debug)")
    return difference


def _implausible(contract: ModelContract, found: ModelContract, expected: Probabilities, answers: Answers) -> list[str]:
    probabilities = answers[OUTPUT]
    checks = {
        "its contract is not the run's": found == contract,
        f"answers have the shape {list(probabilities.shape)}": probabilities.shape == expected.shape,
        "answers are not finite": all(bool(np.isfinite(values).all()) for values in answers.values()),
        "probabilities do not sum to 1": bool(np.allclose(probabilities.sum(axis=-1), 1, atol=_SUM_TOLERANCE)),
        "the class activation map does not explain the probabilities": CAM not in answers or _explains(answers),
    }
    return [message for message, holds in checks.items() if not holds]


def _explains(answers: Answers) -> bool:
    """Tell whether the softmax of the map's mean is the probabilities."""
    powers = np.exp(answers[CAM].mean(axis=(1, 2), dtype=np.float64))
    shares = powers / powers.sum(axis=-1, keepdims=True)
    return bool(np.allclose(shares, answers[OUTPUT], atol=_FLOAT_TOLERANCE))
