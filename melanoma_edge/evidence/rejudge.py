"""Parity records made again, number by number, of the answers that lie beside the files they judge.

This proves that verdict, checks, metrics with their intervals, and flips follow from those answers, from the catalog's
labels and the contract. It does not prove that the models gave those answers, nor in which runtime: who edits answers
and record alike is found out only by running the models again, which ``parity`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from melanoma_edge.contract import ModelContract
from melanoma_edge.data.catalog import Catalog
from melanoma_edge.errors import TrustError
from melanoma_edge.evidence.differences import first_difference
from melanoma_edge.parity.answers import PairedAnswers, answers_path, judged_anew, read_answers
from melanoma_edge.parity.comparison import judge
from melanoma_edge.parity.gate import Limits
from melanoma_edge.parity.verdict import ArtifactVerdict, together
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.artifact import ArtifactRecord
from melanoma_edge.strictjson import from_plain

_SPLIT = "test"
_ALIKE_ON_AVERAGE, _ALIKE = 1e-3, 1e-2
"""By how much one float model's probabilities may differ from machine to machine, on average and at most.

Processors and versions change them by 1e-5, GPUs that round by up to 1e-3; other weights by a tenth and more."""


class Rejudge:
    """Judge the files of one run again, of the answers to its test split.

    Args:
        contract: of the run.
        catalog: of the run.
        progress: told of files done.
    """

    def __init__(self, contract: ModelContract, catalog: Catalog, progress: Progress = silent) -> None:
        self._contract, self._progress = contract, progress
        self._rows = catalog.part(_SPLIT)
        self._labels = np.array([catalog.classes.index(row.label) for row in self._rows], np.int64)
        self._groups = [row.group for row in self._rows]
        self._known: dict[str, PairedAnswers] = {}

    def images_behind(self, record: Mapping[str, Any], artifact: ArtifactRecord, where: str) -> int | None:
        """Make a record again and compare all that it says of its file.

        Args:
            record: the parity JSON of one file.
            artifact: that file.
            where: names the record.

        Returns:
            How many images were answered; None where no answers were kept.

        Raises:
            TrustError: when a number is not what the answers say, the first of which is named; for answers that are
                damaged, of other images, or of another float model than those beside the run's other files.
        """
        answers = read_answers(artifact.path, [row.image_id for row in self._rows], self._contract.classes)
        if answers is None:
            return None
        self._check_reference(artifact.path, answers)
        self._progress(f"judging {artifact.path.name} again", 0, 1)
        made = self._judged(record, artifact, answers)
        self._progress(f"judging {artifact.path.name} again", 1, 1)
        if found := first_difference(record, made):
            name = found.name.removeprefix("artifacts.1.")
            what = f"{where} is not what the answers to {len(self._rows):,} images say: {name} is {found.said}, "
            what += f"made again {found.made}"
            raise TrustError(what, where=str(answers_path(artifact.path)), fix=judged_anew(artifact.path))
        return len(self._rows)

    def _check_reference(self, artifact: Path, answers: PairedAnswers) -> None:
        for name, other in self._known.items():
            apart = np.abs(answers.reference - other.reference)
            if apart.mean() > _ALIKE_ON_AVERAGE or apart.max() > _ALIKE:
                what = f"the float model's answers differ by up to {apart.max():.2g} from those beside {name}"
                raise TrustError(what, where=str(answers_path(artifact)), fix=judged_anew(artifact))
        self._known[artifact.name] = answers

    def _judged(self, record: Mapping[str, Any], artifact: ArtifactRecord, answers: PairedAnswers) -> dict[str, Any]:
        """Return the parity JSON as ``parity`` writes it; limits, draws, paths and runtime are the record's own."""
        contract, (said,) = self._contract, record["artifacts"]
        limits = from_plain(Limits, record["limits"], "limits")
        rows = (self._groups, self._labels, contract, limits, record["seed"], record["resamples"])
        found = ArtifactVerdict(
            path=said["path"],
            sha256=artifact.sha256,
            bytes=artifact.bytes,
            format=artifact.format,
            precision=artifact.precision,
            runtime=said["runtime"],
            runtime_options=said["runtime_options"],
            judgement=judge(answers.reference, answers.exported, answers.image_ids, *rows),
        )
        verdict = together(record["run"], _SPLIT, contract.provenance.reference_sha256, *rows, (found,))
        return verdict.to_document()
