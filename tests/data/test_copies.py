"""Augmented copies of a legacy split: rows that say what they are, the same for a seed, counted among what leaks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from melanoma_edge.data.cache import cached_pixels
from melanoma_edge.data.catalog import Catalog, CatalogRow, load_catalog, save_catalog
from melanoma_edge.data.copies import drawn, with_copies
from melanoma_edge.data.duplicates import torn
from melanoma_edge.data.split import keep_test_folder, split_catalog
from melanoma_edge.files import sha256_of
from melanoma_edge.pixels import decode, square


def leaky(per_class: int = 12, folder: str = "") -> Catalog:
    """Return a catalog as a legacy reading leaves it: pairs of images of one lesion, each in its own group."""
    rows = [
        CatalogRow(f"{label}{n}", f"/x/{label}{n}.png", label, f"{label}-lesion-{n // 2}", "folder", f"{label}{n}")
        for label in ("MEL", "NV")
        for n in range(per_class)
    ]
    own, notes = torn([replace(row, extra={"folder_split": folder} if folder else {}) for row in rows])
    return Catalog(own, ("MEL", "NV"), ("folder",), (), leaky=True, notes=notes)


def copies_of(catalog: Catalog) -> list[CatalogRow]:
    return [row for row in catalog.rows if "turned" in row.extra]


def test_every_class_gets_as_many_copies_of_its_own_images() -> None:
    catalog = leaky()
    made = with_copies(catalog, 50, 0, keep_test=False)
    copies = copies_of(made)
    assert Counter(row.label for row in copies) == {"MEL": 50, "NV": 50}
    assert [row for row in made.rows if "turned" not in row.extra] == list(catalog.rows)
    assert [row.image_id for row in made.rows] == sorted({row.image_id for row in made.rows})
    originals = {row.image_id: row for row in catalog.rows}
    for row in copies:
        original = originals[row.image_id.partition("+")[0]]
        assert (row.path, row.sha256, row.label) == (original.path, original.sha256, original.label)
        assert (row.group, row.extra["true_group"]) == (row.image_id, original.extra["true_group"])
    assert made.notes[-1] == (
        "LEAKY: 100 augmented copies, 50 of each class, 70 % turned by up to 10 degrees, stand among 24 images as if "
        "they were others"
    )
    assert with_copies(catalog, 0, 0, keep_test=False) is catalog


def test_copies_depend_on_the_seed_alone() -> None:
    catalog = leaky()
    made = with_copies(catalog, 30, 7, keep_test=False)
    assert with_copies(leaky(), 30, 7, keep_test=False) == made
    assert copies_of(with_copies(catalog, 30, 8, keep_test=False)) != copies_of(made)


def test_angles_are_those_of_the_tutorials() -> None:
    angles = [int(row.extra["turned"]) for row in copies_of(with_copies(leaky(), 2000, 0, keep_test=False))]
    assert set(angles) == set(range(-10, 11))
    assert 0.27 < angles.count(0) / len(angles) < 0.33


def test_a_kept_test_folder_is_not_copied_from() -> None:
    train, test = leaky(folder="Train"), leaky(folder="Test")
    moved = tuple(replace(row, image_id=f"t{row.image_id}", group=f"t{row.group}") for row in test.rows)
    catalog = replace(train, rows=(*train.rows, *moved))
    kept = with_copies(catalog, 40, 0, keep_test=True)
    assert {row.extra["folder_split"] for row in copies_of(kept)} == {"Train"}
    assert {row.image_id for row in keep_test_folder(kept, 0).part("test")} == {row.image_id for row in moved}
    pooled = with_copies(catalog, 40, 0, keep_test=False)
    assert {row.extra["folder_split"] for row in copies_of(pooled)} == {"Train", "Test"}


def test_copies_are_counted_among_what_leaks() -> None:
    catalog = leaky(per_class=40)
    split = split_catalog(with_copies(catalog, 200, 0, keep_test=False), 0)
    learned = {row.extra["true_group"] for row in split.part("train")}
    counts = [sum(row.extra["true_group"] in learned for row in split.part(name)) for name in ("validation", "test")]
    assert counts == [len(split.part("validation")), len(split.part("test"))], "of ten copies one is learned from"
    assert split.notes[-1].startswith(f"LEAKY split: at least {counts[0]} of {counts[0]} validation images and ")


def test_the_catalog_keeps_what_a_row_is_and_its_hash_covers_it(tmp_path: Path) -> None:
    made = split_catalog(with_copies(leaky(), 10, 0, keep_test=False), 0)
    save_catalog(made, tmp_path)
    assert load_catalog(tmp_path) == made
    turned = [
        replace(row, extra={**row.extra, "turned": "3"} if "turned" in row.extra else row.extra) for row in made.rows
    ]
    assert replace(made, rows=tuple(turned)).sha256 != made.sha256


@given(st.integers(-10, 10), st.integers(40, 60), st.integers(40, 60))
def test_no_corner_of_a_turned_picture_is_empty(degrees: int, width: int, height: int) -> None:
    white = Image.new("RGB", (width, height), (255, 255, 255))
    made = drawn(white, {"turned": str(degrees)})
    assert np.asarray(made).min() > 250
    assert 0.7 * width < made.width <= width
    assert 0.7 * height < made.height <= height


def test_a_picture_turns_against_the_clock_and_others_stay() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)).resize((80, 80))
    assert drawn(picture, {}) is picture
    assert drawn(picture, {"turned": "0"}) is picture
    middle = (30, 30, 50, 50)
    made = drawn(picture, {"turned": "10"})
    inset = (80 - made.width) // 2
    found = np.asarray(made.crop(tuple(side - inset for side in middle)), np.int16)
    assert np.abs(found - np.asarray(picture.rotate(10, Image.Resampling.BICUBIC).crop(middle))).max() == 0


def test_pixels_of_a_copy_are_the_turned_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (8, 8, 3), np.uint8)).resize((60, 48)).save(path)
    row = CatalogRow("a", str(path), "NV", "a", "folder", sha256_of(path))
    rows = [row, replace(row, image_id="b", extra={"turned": "7"}), replace(row, image_id="c", extra={"turned": "-7"})]
    pixels = np.asarray(cached_pixels(rows, 32).pixels)
    for found, one in zip(pixels, rows, strict=True):
        np.testing.assert_array_equal(found, square(drawn(decode(path), one.extra), 32))
    assert not np.array_equal(pixels[1], pixels[2])
    straight = [row, row, row]
    assert not np.array_equal(np.asarray(cached_pixels(straight, 32).pixels), pixels), "copies have their own cache"
