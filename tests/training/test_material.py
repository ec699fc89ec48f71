"""What a training learns from: gathered once, unchanged on resume, complete in every split."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import CLASSES, tiny_config, write_images

from melanoma_edge.data.catalog import CatalogRow, load_catalog
from melanoma_edge.data.synthetic import SyntheticSpec, write_synthetic
from melanoma_edge.errors import DataError
from melanoma_edge.pixels import load_pixels
from melanoma_edge.training import material
from melanoma_edge.training.material import Origin, divided, gather, read_data
from melanoma_edge.training.run import Run


def test_squares_for_learning_are_larger_and_those_for_evaluation_exact(images: Path, tmp_path: Path) -> None:
    found = gather(tiny_config(images), tmp_path, None)
    assert found.catalog.classes == CLASSES
    assert {split: len(part.ids) for split, part in found.splits.items()} == {
        split: len(found.catalog.part(split)) for split in ("train", "validation", "test")
    }
    train = found.splits["train"]
    assert found.source.shape == (len(train.ids), 40, 40, 3)
    for part in found.splits.values():
        assert part.pixels.shape[1:] == (32, 32, 3)
        np.testing.assert_array_equal(part.pixels[-1], load_pixels(Path(part.rows[-1].path), 32))
        assert [CLASSES[label] for label in part.labels] == [row.label for row in part.rows]
    np.testing.assert_array_equal(found.source[0], load_pixels(Path(train.rows[0].path), 40))
    assert load_catalog(tmp_path).sha256 == found.catalog.sha256


def test_data_that_changed_since_the_run_began_are_refused(tmp_path: Path) -> None:
    data = write_images(tmp_path / "data", 6)
    config = tiny_config(data)
    gather(config, tmp_path / "run", None)
    gather(config, tmp_path / "run", None)
    Image.new("RGB", (48, 48), "red").save(data / "MEL" / "MEL_00.png")
    with pytest.raises(DataError, match="changed since this run began"):
        gather(config, tmp_path / "run", None)


def test_unreadable_images_stop_or_are_left_out_by_name(tmp_path: Path) -> None:
    data = write_images(tmp_path / "data", 6)
    (data / "NV" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"broken\.png"):
        gather(tiny_config(data), tmp_path / "run", None)
    found = gather(tiny_config(data, skip_bad_images=True), tmp_path / "run", None)
    assert len(found.catalog.rows) == 18
    assert [text.split(": ")[0] for text in found.left_out] == [str(data / "NV" / "broken.png")]
    assert any("broken.png" in note for note in found.catalog.notes)


def test_a_run_hands_its_catalog_and_split_on(run: Run, tmp_path: Path) -> None:
    config = replace(run.record.configuration, data=("/nowhere",), seed=99)
    assert gather(config, tmp_path, Origin(run, "prune")).catalog == run.catalog


def test_a_split_without_some_class_is_refused(run: Run, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run.path, tmp_path / "copy"))
    parent = Run.open(copy)
    left = {row.image_id for row in run.catalog.rows if row.split == "train" and row.label == "BKL"}
    parent.__dict__["catalog"] = run.catalog.without(left, "left out")
    with pytest.raises(DataError, match="no image of BKL in train"):
        gather(run.record.configuration, tmp_path / "out", Origin(parent, "prune"))


def test_a_fold_is_kept_in_the_catalog(run: Run) -> None:
    config = replace(run.record.configuration, folds=3, fold=2)
    split = divided(run.catalog, config)
    assert split.policies["fold"] == "2 of 3"
    assert len(split.part("test")) == len(run.catalog.rows) // 3


def test_a_legacy_split_is_made_of_single_files_and_known_as_leaky(tmp_path: Path) -> None:
    data = write_images(tmp_path / "data", 12)
    (data / "NV" / "MEL_00.png").write_bytes((data / "MEL" / "MEL_00.png").read_bytes())
    with pytest.raises(DataError, match="1 images stand under two labels"):
        gather(tiny_config(data), tmp_path / "run", None)
    found = gather(tiny_config(data, split_policy="legacy"), tmp_path / "run", None)
    assert len(found.catalog.rows) == 37
    assert load_catalog(tmp_path / "run").leaky
    assert load_catalog(tmp_path / "run").policies["split_policy"] == "legacy"


def test_a_test_folder_is_kept_when_asked(tmp_path: Path) -> None:
    write_images(tmp_path / "data" / "Train", 6, seed=1)
    write_images(tmp_path / "data" / "Test", 2, seed=2)
    config = tiny_config(tmp_path / "data", test_folder="keep")
    split = divided(read_data(config), config)
    assert {row.extra["folder_split"] for row in split.part("test")} == {"Test"}
    assert len(split.part("test")) == 6


def test_near_duplicates_are_looked_for_but_not_in_a_synthetic_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def looking(rows: Sequence[CatalogRow]) -> dict[str, str]:
        asked.extend(row.source for row in rows)
        return {}

    monkeypatch.setattr(material, "Lookalikes", lambda progress: looking)
    write_synthetic(tmp_path / "drawn", SyntheticSpec(lesions=28, image_size=32), workers=1)
    read_data(tiny_config(tmp_path / "drawn"))
    assert asked == []
    read_data(tiny_config(write_images(tmp_path / "data", 4)))
    assert asked == ["folder"] * 12
