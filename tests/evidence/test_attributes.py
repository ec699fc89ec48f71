"""What data sets say of patients becomes values of lesions."""

from __future__ import annotations

import numpy as np
import pytest

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evidence.attributes import attributes_of
from melanoma_edge.evidence.photos import Photos


def row(number: int, group: str, **extra: str) -> CatalogRow:
    return CatalogRow(f"i{number}", "", "NV", group, "csv", "", extra=extra)


def of_one(**extra: str) -> dict[str, str]:
    found = attributes_of([row(0, "a", **extra)], lesions(["a"], [0]))
    return {name: values[0] for name, values in found.items()}


@pytest.mark.parametrize(
    ("age", "band"),
    [
        ("0", "0-29"),
        ("29.0", "0-29"),
        ("30", "30-49"),
        ("49.9", "30-49"),
        ("50.0", "50-69"),
        ("70", "70+"),
        ("85.0", "70+"),
    ],
)
def test_ages_come_in_four_bands(age: str, band: str) -> None:
    assert of_one(age=age)["age"] == band


@pytest.mark.parametrize("age", ["", "old", "-5", "400", "nan"])
def test_no_age_is_unknown(age: str) -> None:
    assert of_one(age=age)["age"] == "unknown"


def test_names_of_data_sets_and_of_older_catalogs_mean_the_same() -> None:
    found = of_one(localization="back", dx_type="histo", Gender="F", fitspatrick="III", attribution="Clinic X")
    expected = {
        "site": "back",
        "dx_type": "histopathology",
        "sex": "female",
        "fitzpatrick": "3",
        "collection": "Clinic X",
    }
    assert {name: found[name] for name in expected} == expected
    assert found["source"] == "csv"


def test_a_lesion_has_what_any_of_its_images_knows() -> None:
    rows = [row(0, "a", sex="unknown"), row(1, "b", sex="male"), row(2, "a", sex="female", age="40")]
    photos = Photos(np.array([False, False, True]), np.zeros(3, bool), np.zeros(3, bool), np.array([10.0, 100, 30]))
    found = attributes_of(rows, lesions(["a", "b", "a"], [0, 0, 0]), photos)
    assert found["sex"] == ("female", "male")
    assert found["age"] == ("30-49", "unknown")
    assert found["dark_corners"] == ("yes", "no")
    assert found["hair"] == ("no", "no")


def test_thirds_of_luminance_are_of_the_lesions_at_hand() -> None:
    rows = [row(number, str(number)) for number in range(9)]
    none = np.zeros(9, bool)
    light = np.array([5.0, 1, 9, 2, 8, 3, 7, 4, 6])
    found = attributes_of(rows, lesions([r.group for r in rows], [0] * 9), Photos(none, none, none, light))["luminance"]
    assert sorted(found) == ["1 darkest"] * 3 + ["2"] * 3 + ["3 brightest"] * 3
    assert found[1] == "1 darkest" and found[2] == "3 brightest"
    assert "luminance" not in attributes_of(rows, lesions([r.group for r in rows], [0] * 9))
