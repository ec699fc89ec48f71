"""What tells the class beside the lesion."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_edge.audit.confounding import ALL, check_confounding, origin_of
from melanoma_edge.audit.material import Material
from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.likeness import Look


def _material(count: int, telling: bool, source: str = "folder", camera: str = "") -> Material:
    """Make images of two classes that differ in colour if ``telling``, and in nothing else."""
    random = np.random.default_rng(0)
    rows, looks = [], []
    for number in range(count):
        label = ("MEL", "NV")[number % 2]
        shade = 60.0 * (number % 2) * telling
        colour = tuple(float(value) for value in random.normal(120 + shade, 20, 3))
        corners = tuple(float(value) for value in random.normal(120, 20, 4))
        look = Look(f"/d/{number}.jpg", int(random.integers(900, 999)), 1, f"s{number}", "", "JPEG", 600, 450)
        looks.append(replace(look, camera=camera, pixels=f"p{number}", colour=colour, corners=corners))
        rows.append(CatalogRow(f"i{number}", look.path, label, "", source, f"s{number}"))
    numbers = tuple(range(count))
    return Material(tuple(rows), tuple(looks), numbers, numbers, (), ())


def test_a_colour_that_tells_the_class_is_found_and_nothing_else() -> None:
    found = {one.name: one for one in check_confounding(_material(240, telling=True)).confounders}
    assert found["mean colour"].suspicious and found[ALL].suspicious
    assert found["mean colour"].macro_auc.value > 0.9
    assert not found["dark corners"].suspicious and not found["origin"].suspicious
    assert found["origin"].macro_auc.value == pytest.approx(0.5, abs=0.1)
    assert found["size"].majority == 0.5


def test_what_tells_nothing_is_at_chance() -> None:
    found = check_confounding(_material(240, telling=False)).confounders
    assert all(one.macro_auc.low < 0.6 < 0.75 > one.macro_auc.value for one in found)
    assert not any(one.suspicious for one in found)


def test_images_of_one_group_count_once_and_stand_in_one_fold() -> None:
    plain = _material(240, telling=False)
    pairs = replace(plain, unit=tuple(2 * (number // 4) + number % 2 for number in range(240)))
    assert check_confounding(pairs).groups == 120


def test_classes_with_too_few_groups_are_left_out() -> None:
    few = _material(40, telling=True)
    rows = tuple(replace(row, label="BCC") if place < 4 else row for place, row in enumerate(few.rows))
    assert check_confounding(replace(few, rows=rows)).classes == ("MEL", "NV")
    one = check_confounding(replace(few, rows=tuple(replace(row, label="NV") for row in few.rows)))
    assert one.confounders == () and one.origins == {"NV": {"folder": 40}}


def test_broken_and_contradictory_images_are_left_out() -> None:
    plain = _material(40, telling=True)
    looks = (replace(plain.looks[0], problem="damaged"), *plain.looks[1:])
    image = (*plain.image[:2], 1, *plain.image[3:])
    found = check_confounding(replace(plain, looks=looks, image=image))
    assert sum(sum(row.values()) for row in found.origins.values()) == 37


@pytest.mark.parametrize(
    ("image_id", "source", "camera", "origin"),
    [
        ("ISIC_0024306", "folder", "", "HAM10000"),
        ("ISIC_0000001", "folder", "", "ISIC until 2017"),
        ("ISIC_0060000_x", "folder", "", "BCN20000"),
        ("ISIC_9999999", "folder", "", "ISIC, other numbers"),
        ("ISIC_0024306", "isic-challenge", "", "isic-challenge"),
        ("photo", "folder", "", "folder"),
        ("ISIC_0024306", "folder", "Acme 3", "Acme 3"),
    ],
)
def test_origin_is_camera_then_source_then_number(image_id: str, source: str, camera: str, origin: str) -> None:
    plain = _material(2, False, source, camera)
    rows = (replace(plain.rows[0], image_id=image_id), plain.rows[1])
    assert origin_of(replace(plain, rows=rows), 0) == origin
