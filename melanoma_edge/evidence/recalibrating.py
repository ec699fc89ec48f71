"""The threshold of a model re-chosen on a site's own labelled images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import UsageError
from melanoma_edge.evaluation.intervals import Estimate, positives_needed, wilson
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evaluation.operating_point import choose_threshold
from melanoma_edge.evidence.evaluation import RunnerOf, answers_on
from melanoma_edge.evidence.material import Material, material_of_data
from melanoma_edge.evidence.models import Model
from melanoma_edge.progress import Progress, silent
from melanoma_edge.recalibration import SCHEMA, PointAtSite, Recalibration, Site, in_words
from melanoma_edge.runtime.worker import IsolatedRunner


def recalibrate(
    model: Model,
    data: Sequence[Path],
    layout: Mapping[str, Any],
    *,
    sensitivity: float | None = None,
    date: str | None = None,
    skip_bad: bool = False,
    allow_uncertified: bool = False,
    runner_of: RunnerOf = IsolatedRunner,
    progress: Progress = silent,
) -> Recalibration:
    """Choose a model's threshold anew on a site's labelled images, by the rule that chose the contract's.

    Args:
        model: a run or an exported file, whose own scores count.
        data: folders of the site's images; what the model learned from or was tuned on is left out, counted.
        layout: options on how to read them.
        sensitivity: wanted; that of the contract when left out.
        date: to be recorded, as text; nothing when left out, so that the same images give the same bytes.
        skip_bad: whether images that cannot be decoded are left out, counted.
        allow_uncertified: take a threshold above the contract's that too few lesions certify.
        runner_of: opens a model.
        progress: told of images done.

    Raises:
        UsageError: for a model of a leaky split, a sensitivity outside 0 to 1, or a threshold above the contract's
            that is not certified, unless allowed.
        DataError: for images that cannot be used, or none of the target among them.
        TrustError: when the model gives no probabilities.
    """
    contract = model.contract
    wanted = contract.operating_point.target_sensitivity if sensitivity is None else sensitivity
    if contract.provenance.leaky:
        fix = "train again without --split-policy legacy"
        raise UsageError("a model of a leaky split gets no threshold for a site", where=str(model.path), fix=fix)
    if not 0 < wanted < 1:
        raise UsageError(f"sensitivity {wanted:g} is not between 0 and 1", fix="give for instance --sensitivity 0.95")
    material = material_of_data(data, contract, model.run, layout, skip_bad=skip_bad, progress=progress)
    answered = answers_on(model, material, runner_of, progress)
    unit = lesions(material.groups, material.labels)
    columns = list(contract.target_columns)
    scores = unit.mean(answered.probabilities)[:, columns].sum(axis=1)
    targets = np.isin(unit.labels, columns)
    point = choose_threshold(scores, targets, wanted)
    found = Recalibration(
        schema=SCHEMA,
        name=contract.name,
        contract_sha256=contract.sha256,
        weights_sha256=contract.provenance.weights_sha256,
        artifact_sha256=model.record.sha256 if model.record else None,
        runtime=answered.runtime,
        target=contract.target,
        target_sensitivity=wanted,
        date=date,
        site=_site(material, len(unit), int(targets.sum())),
        before=_at(contract.threshold, scores, targets),
        after=_at(point.threshold, scores, targets),
        misses=point.misses,
        certified=point.certified,
        sentence=in_words(point, contract.target),
    )
    if found.raised and not found.certified and not allow_uncertified:
        what = (
            f"the site's threshold {point.threshold:.6f} is higher than the contract's {contract.threshold:.6f}, so it "
            f"would refer fewer lesions, and {point.positives} {contract.target} lesions cannot certify it"
        )
        fix = f"give {positives_needed(wanted)} {contract.target} lesions at least, or add --allow-uncertified"
        raise UsageError(what, where=str(model.path), fix=fix)
    return found


def _site(material: Material, count: int, positives: int) -> Site:
    assert material.data is not None
    return Site(
        sha256=material.data.sha256,
        sources=material.data.sources,
        images=len(material.rows),
        lesions=count,
        positives=positives,
        left_out={one.why: one.images for one in material.left_out},
    )


def _at(threshold: float, scores: NDArray[np.float64], targets: NDArray[np.bool_]) -> PointAtSite:
    referred = scores >= threshold
    return PointAtSite(threshold, _share(referred[targets]), _share(~referred[~targets]))


def _share(right: NDArray[np.bool_]) -> Estimate | None:
    return wilson(int(right.sum()), len(right)) if len(right) else None
