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
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.losses import class_prior
from melanoma_edge.training.material import Origin, divided, gather, planned_data, priors, read_data
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


def test_an_unreadable_file_is_named_once_whatever_copies_were_made_of_it(tmp_path: Path) -> None:
    data = write_images(tmp_path / "data", 6)
    for name in ("one", "two"):
        (data / "NV" / f"{name}.png").write_bytes(name.encode())
    config = tiny_config(data, split_policy="legacy", legacy_copies=20)
    with pytest.raises(DataError, match="2 of 20 images cannot be decoded") as caught:
        gather(config, tmp_path / "run", None)
    assert caught.value.what.count("one.png") == 1
    found = gather(replace(config, skip_bad_images=True), tmp_path / "run", None)
    assert [Path(text.split(": ")[0]).name for text in found.left_out] == ["one.png", "two.png"]
    copies = 18 + 3 * 20 - len(found.catalog.rows)
    assert copies > 2, "some were made of them"
    (note,) = (note for note in found.catalog.notes if note.startswith("2 unreadable images"))
    assert note.startswith(f"2 unreadable images left out, and {copies} augmented copies of them: ")
    assert note.count("one.png") == 1


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
    found = gather(tiny_config(data, split_policy="legacy", legacy_copies=0), tmp_path / "run", None)
    assert len(found.catalog.rows) == 37
    assert found.source.shape[1] == 40, "the margin that augmentation needs"
    assert load_catalog(tmp_path / "run").leaky
    assert load_catalog(tmp_path / "run").policies["split_policy"] == "legacy"


def test_copies_before_a_legacy_split_are_all_the_augmentation(tmp_path: Path) -> None:
    config = tiny_config(write_images(tmp_path / "data", 6), split_policy="legacy", legacy_copies=10)
    found = gather(config, tmp_path / "run", None)
    assert len(found.catalog.rows) == 3 * (6 + 10)
    assert found.source.shape == (len(found.catalog.part("train")), 32, 32, 3)
    assert found.catalog.policies["legacy_copies"] == "10"
    assert gather(config, tmp_path / "again", None).catalog == found.catalog
    assert divided(planned_data(config), config) == found.catalog


def test_a_legacy_plan_of_the_synthetic_set_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read = object()
    monkeypatch.setattr(material, "read_data", lambda config, progress: read)
    assert planned_data(TrainConfig(split_policy="legacy")) is read
    assert planned_data(TrainConfig()) is not read


def test_a_test_folder_is_kept_when_asked(tmp_path: Path) -> None:
    write_images(tmp_path / "data" / "Train", 6, seed=1)
    write_images(tmp_path / "data" / "Test", 2, seed=2)
    config = tiny_config(tmp_path / "data", test_folder="keep")
    split = divided(read_data(config), config)
    assert {row.extra["folder_split"] for row in split.part("test")} == {"Test"}
    assert len(split.part("test")) == 6


def test_what_a_kept_test_folder_leaves_out_shifts_no_pixels(tmp_path: Path) -> None:
    train, test = write_images(tmp_path / "data" / "Train", 8, seed=1), tmp_path / "data" / "Test"
    write_images(test, 2, seed=2)
    for name in CLASSES:
        # Another version of an image that Train has: the ISIC number says so, and Train's is then left out.
        (train / name / f"{name}_00.png").rename(train / name / f"ISIC_000000{CLASSES.index(name)}_a.png")
        (test / name / f"{name}_00.png").rename(test / name / f"ISIC_000000{CLASSES.index(name)}_b.png")
    found = gather(tiny_config(tmp_path / "data", test_folder="keep"), tmp_path / "run", None)
    assert len(found.catalog.rows) == 3 * (8 + 2) - 3
    assert any("3 images that share a group" in note for note in found.catalog.notes)
    for split in found.splits.values():
        for row, pixels in zip(split.rows, split.pixels, strict=True):
            np.testing.assert_array_equal(pixels, load_pixels(Path(row.path), 32))


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


def test_two_class_folders_are_balanced_and_split_each_for_itself(tmp_path: Path) -> None:
    for name, seed, few in (("one", 1, "MEL"), ("two", 2, "NV")):
        write_images(tmp_path / name, 20, seed)
        for file in sorted((tmp_path / name / few).iterdir())[6:]:
            file.unlink()
    config = replace(tiny_config(tmp_path / "one"), data=(str(tmp_path / "one"), str(tmp_path / "two")))
    found = gather(config, tmp_path / "run", None)
    shares, of_image = priors(found, config)
    assert shares.shape == (2, len(CLASSES))
    folder = [Path(row.path).parts[-3] for row in found.splits["train"].rows]
    first = shares[of_image[folder.index("one")]]
    second = shares[of_image[folder.index("two")]]
    assert first[0] < first[1] / 2 and second[1] < second[0] / 2, "each under the mixture of its own folder"
    rows = found.catalog.part("test")
    assert {(Path(row.path).parts[-3], row.label) for row in rows} == {(f, n) for f in ("one", "two") for n in CLASSES}
    together, _ = priors(found, replace(config, source_balance=False))
    assert len(together) == 1


def test_each_image_is_learned_under_the_shares_of_its_source(images: Path, tmp_path: Path) -> None:
    config = tiny_config(images)
    found = gather(config, tmp_path, None)
    train = found.splits["train"]
    rows = tuple(replace(row, source="b" if row.label == "MEL" else "a") for row in train.rows)
    two = replace(found, splits={**found.splits, "train": replace(train, rows=rows)})
    shares, of_image = priors(two, config)
    assert shares.shape == (2, len(CLASSES))
    melanoma = train.labels == CLASSES.index("MEL")
    assert (shares[of_image, train.labels][melanoma] > 0.9).all() and (shares[of_image, 0][~melanoma] < 0.1).all()
    together, of_image = priors(two, replace(config, source_balance=False))
    np.testing.assert_allclose(together, [class_prior(train.labels, len(CLASSES))])
    assert not of_image.any()
