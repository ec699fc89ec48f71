"""Other images: labels fall into the model's classes, what it learned from is left out, and all is counted."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated_stubs import contract_of
from PIL import Image

from melanoma_edge.errors import DataError
from melanoma_edge.evidence.material import class_of, material_of_data, material_of_run
from melanoma_edge.training.run import Run

LAYOUT: dict[str, Any] = {"source": "auto"}


def folders(home: Path, **counts: int) -> Path:
    generator = np.random.default_rng(7)
    for name, count in counts.items():
        (home / name).mkdir(parents=True)
        for number in range(count):
            pixels = generator.integers(0, 256, (40, 40, 3), np.uint8)
            Image.fromarray(pixels).save(home / name / f"{name}{number}.png")
    return home


@pytest.mark.parametrize(
    ("label", "classes", "falls"),
    [
        ("MEL", ("MEL", "NV"), "MEL"),
        ("SK", ("MEL", "BKL"), "BKL"),
        ("SK", ("MEL", "SK", "BKL"), "SK"),
        ("BCC", ("malignant", "benign"), "malignant"),
        ("NV", ("malignant", "benign"), "benign"),
        ("AK", ("malignant", "benign"), None),
        ("malignant", ("MEL", "NV"), None),
        ("VASC", ("MEL", "NV"), None),
    ],
)
def test_labels_fall_into_classes_or_nowhere(label: str, classes: tuple[str, ...], falls: str | None) -> None:
    assert class_of(label, classes) == falls


def test_images_come_in_the_models_classes_and_size(tmp_path: Path) -> None:
    data = folders(tmp_path / "data", mel=3, nv=4, bcc=2)
    found = material_of_data([data], contract_of(), None, LAYOUT)
    assert (found.split, found.received, found.left_out) == ("data", 9, ())
    assert found.pixels[:9].shape == (9, 16, 16, 3)
    assert [contract_of().classes[label] for label in found.labels] == [row.label for row in found.rows]
    assert found.data and found.data.paths == (str(data),)
    assert any("nobody checked that it did not learn from these" in text for text in found.notes)


def test_unknown_labels_are_named_or_left_out_when_asked(tmp_path: Path) -> None:
    data = folders(tmp_path / "data", mel=3, nv=4, vasc=2)
    with pytest.raises(DataError, match=r"no class of the model: VASC \(2 images\); it knows MEL, NV, BCC"):
        material_of_data([data], contract_of(), None, LAYOUT)
    found = material_of_data([data], contract_of(), None, {**LAYOUT, "skip_unknown_labels": True})
    assert [(one.why, one.images) for one in found.left_out] == [("labels that are no class of the model", 2)]
    assert (found.received, len(found.rows)) == (9, 7)


def test_copies_and_broken_images_are_counted(tmp_path: Path) -> None:
    data = folders(tmp_path / "data", mel=3, nv=4)
    shutil.copy(data / "nv/nv0.png", data / "nv/again.png")
    whole = (data / "nv/nv1.png").read_bytes()
    (data / "nv/nv1.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be decoded"):
        material_of_data([data], contract_of(), None, LAYOUT)
    found = material_of_data([data], contract_of(), None, LAYOUT, skip_bad=True)
    assert {one.why: one.images for one in found.left_out} == {"copies": 1, "cannot be decoded": 1}
    assert found.received == 8 and len(found.rows) == 6 == len(found.labels) == len(found.pixels)


@pytest.mark.parametrize(("counts", "says"), [({"bcc": 3, "nv": 3}, "no melanoma image")])
def test_without_a_target_nothing_is_evaluated(tmp_path: Path, counts: dict[str, int], says: str) -> None:
    data = folders(tmp_path / "data", **counts)
    with pytest.raises(DataError, match=says):
        material_of_data([data], contract_of(), None, LAYOUT)


def test_what_the_run_learned_from_is_left_out_and_counted(trained: Any, tmp_path: Path) -> None:
    run = Run.open(trained.run)
    found = material_of_data([trained.data], run.contract, run, LAYOUT)
    learned = [row for row in run.catalog.rows if row.split != "test"]
    assert [(one.why, one.images) for one in found.left_out] == [("learned from or tuned on", len(learned))]
    assert {row.image_id for row in found.rows} == {row.image_id for row in run.catalog.part("test")}
    assert (np.asarray(found.pixels[:]) == np.asarray(run.images("test").pixels[:])).all()


def test_another_view_of_a_lesion_learned_from_is_left_out_by_its_name(trained: Any, tmp_path: Path) -> None:
    """The bytes are new; the table says that the lesion is the same."""
    run = Run.open(trained.run)
    known = next(row for row in run.catalog.rows if row.split == "train")
    data = tmp_path / "data"
    images = folders(data / "images", x=8)
    with open(data / "metadata.csv", "w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("lesion_id", "image_id", "dx"))
        for number in range(8):
            lesion = known.group if number == 0 else f"HAM_{number:07d}"
            label = known.label.lower() if number == 0 else ("mel", "nv")[number % 2]
            table.writerow((lesion, f"x{number}", {"ak": "akiec"}.get(label, label)))
    found = material_of_data([data], run.contract, run, LAYOUT)
    assert images.exists() and len(found.rows) == 7
    assert [(one.why, one.images) for one in found.left_out] == [("learned from or tuned on", 1)]


def test_images_of_another_kind_are_said(trained: Any, tmp_path: Path) -> None:
    data = folders(tmp_path / "data", mel=3, nv=4)
    found = material_of_data([data], contract_of(), None, {**LAYOUT, "image_type": "clinical"})
    assert any("images are clinical; the model is made for dermoscopic" in text for text in found.notes)


def test_a_split_of_a_run_is_taken_as_it_is(trained: Any) -> None:
    run = Run.open(trained.run)
    found = material_of_run(run, "validation")
    assert (found.split, found.received, found.synthetic) == ("validation", len(run.catalog.part("validation")), True)
    assert found.ids == tuple(row.image_id for row in run.catalog.part("validation"))
