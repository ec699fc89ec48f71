"""The quality gate measured on photos of which it is known what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.evidence.photo_quality import faults, refused
from melanoma_edge.quality import QualityMeasures
from melanoma_edge.safeguards import default_safeguards

LIMITS = default_safeguards(64).quality
GOOD = QualityMeasures(1000, 133, 2000, 15000, 0, 5000)


@pytest.fixture
def rows(tmp_path: Path) -> list[CatalogRow]:
    """Return two sharp photos of middle light, and one that is too small."""
    random, made = np.random.default_rng(0), []
    for name, size in (("a", 300), ("b", 280), ("small", 40)):
        path = tmp_path / f"{name}.png"
        pixels = random.integers(60, 200, (size, size, 3), np.uint8)
        pixels[..., 2] //= 2
        Image.fromarray(pixels).save(path)
        made.append(CatalogRow(name, str(path), "NV", name, "toy", ""))
    return made


def test_photos_are_counted_by_what_speaks_against_them() -> None:
    dark, blurred = QualityMeasures(1000, 133, 2000, 10, 0, 5000), QualityMeasures(1000, 133, 0, 10, 0, 5000)
    found = refused("train", [GOOD, GOOD, dark, blurred], LIMITS)
    assert (found.images, found.refused) == (4, 2)
    assert found.share is not None and found.share.value == 0.5
    assert found.findings == {"blurred": 1, "too-dark": 2}
    assert refused("none", [], LIMITS).share is None


def test_faults_are_found_in_photos_that_were_good(rows: list[CatalogRow]) -> None:
    found = {one.name: one for one in faults(rows, LIMITS)}
    assert list(found) == ["blur sigma 2", "blur sigma 4", "blur sigma 8", "exposure x0.25", "exposure x4"]
    assert {one.images for one in found.values()} == {2}
    assert found["blur sigma 8"].found == found["exposure x0.25"].found == found["exposure x4"].found == 2


def test_a_fault_that_breaks_no_limit_is_not_found(rows: list[CatalogRow]) -> None:
    loose = default_safeguards(64).quality.__class__(64, least_sharpness=0, least_brightness=0, most_brightness=25500)
    found = {one.name: one.found for one in faults(rows, loose)}
    assert found["blur sigma 8"] == found["exposure x0.25"] == 0
