"""The quality gate, measured: what it refuses of good photos, and what it finds of bad ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.evaluation.intervals import Estimate, wilson
from melanoma_edge.pixels import decode, quietly, square
from melanoma_edge.progress import Progress, silent
from melanoma_edge.quality import MEASURED_AT, Finding, QualityMeasures, findings, measure
from melanoma_edge.safeguards import QualityLimits

BLURS = (2, 4, 8)
"""Sigmas of Gaussian blur in pixels of a square of ``MEASURED_AT``."""
EXPOSURES = (0.25, 4.0)
"""Factors of all values, of which those beyond 255 are cut off."""


@dataclass(frozen=True)
class Refused:
    """Hold what the gate refuses of photos; ``findings`` counts photos by what speaks against them."""

    name: str
    images: int
    refused: int
    share: Estimate | None
    findings: dict[str, int]


@dataclass(frozen=True)
class Fault:
    """Hold how many photos, good before, the gate refuses once a fault is added."""

    name: str
    images: int
    found: int
    share: Estimate | None


def refused(name: str, measures: Sequence[QualityMeasures], limits: QualityLimits) -> Refused:
    """Count what limits refuse of photos."""
    found = [findings(one, limits) for one in measures]
    counts = Counter(finding.value for one in found for finding in one)
    total, bad = len(found), sum(map(bool, found))
    ordered = {finding.value: counts[finding.value] for finding in Finding if counts[finding.value]}
    return Refused(name, total, bad, wilson(bad, total) if total else None, ordered)


def faults(rows: Sequence[CatalogRow], limits: QualityLimits, progress: Progress = silent) -> tuple[Fault, ...]:
    """Blur, darken and brighten photos that the gate accepts, and count what it finds.

    Raises:
        DataError: when a photo cannot be read.
    """
    names = list(_spoilers())
    with quietly(), ThreadPoolExecutor() as pool:
        results = []
        for done, one in enumerate(pool.map(lambda row: _found(Path(row.path), limits), rows), 1):
            results.append(one)
            progress("spoiling photos", done, len(rows))
    good = [one for one in results if one is not None]
    totals = np.array(good, bool).reshape(-1, len(names)).sum(axis=0)
    return tuple(
        Fault(name, len(good), int(total), wilson(int(total), len(good)) if good else None)
        for name, total in zip(names, totals, strict=True)
    )


def _found(path: Path, limits: QualityLimits) -> list[bool] | None:
    """Return which faults are found in a photo, or None of one that is refused without any."""
    photo = decode(path)
    if findings(measure(photo), limits):
        return None
    side = min(MEASURED_AT, *photo.size)
    picture = Image.fromarray(square(photo, side))
    before = measure(picture)
    spoiled = (measure(spoil(picture)) for spoil in _spoilers().values())
    # Of the smaller picture the size is no fault.
    return [_worse(findings(one, limits), findings(before, limits)) for one in spoiled]


def _worse(after: Sequence[Finding], before: Sequence[Finding]) -> bool:
    return bool(set(after) - set(before))


def _spoilers() -> dict[str, Callable[[Image.Image], Image.Image]]:
    def blur(sigma: float) -> Callable[[Image.Image], Image.Image]:
        return lambda image: image.filter(ImageFilter.GaussianBlur(sigma * image.width / MEASURED_AT))

    def expose(factor: float) -> Callable[[Image.Image], Image.Image]:
        return lambda image: image.point([min(255, round(factor * value)) for value in range(256)] * 3)

    blurred = {f"blur sigma {sigma}": blur(sigma) for sigma in BLURS}
    return {**blurred, **{f"exposure x{factor:g}": expose(factor) for factor in EXPOSURES}}
