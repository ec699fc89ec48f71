"""One process of a cluster, trained by the command line with the tiny network; prints the sha256 of what it learned.

Arguments: networks (``plain``, ``folded`` or both, trained one after another; the second has no batch norm), the step
after which it kills itself, or 0, then those of ``melanoma-edge``, in which ``RUN`` stands for ``run-<network>``.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tiny import TINY

from melanoma_edge.cli.main import main
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights, weights_sha256
from melanoma_edge.training import trainer
from melanoma_edge.training.config import PRESETS
from melanoma_edge.training.learner import Learner


def _network(family: str, width: float, image_size: int, classes: int) -> NetworkSpec:
    return replace(TINY, classes=classes, image_size=image_size, folded=folded)


def _dying(learner: Learner, *arguments: object) -> float:
    loss = batch(learner, *arguments)  # type: ignore[arg-type]
    if learner.step == DIES_AFTER:
        os.kill(os.getpid(), signal.SIGKILL)
    return loss


def _heard(learner: Learner) -> Weights:
    weights = averaged(learner)
    learned[:] = [weights_sha256(weights)]
    return weights


networks, DIES_AFTER = sys.argv[1].split(","), int(sys.argv[2])
batch, averaged, learned = Learner.train_batch, Learner.averaged, [""]
Learner.train_batch, Learner.averaged = _dying, _heard  # type: ignore[method-assign, assignment]
PRESETS["tiny"] |= {"image_size": 32, "epochs": 2, "batch_size": 16, "progressive": False}
trainer.network, code = _network, 0
for network in networks:
    folded = network == "folded"
    code = code or main([argument.replace("RUN", f"run-{network}") for argument in sys.argv[3:]])
    print(f"learned {network} {learned[0]}", flush=True)
sys.exit(code)
