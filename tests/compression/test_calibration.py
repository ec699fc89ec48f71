from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import ToyRun, toy_catalog, toy_contract

from melanoma_edge.compression.calibration import (
    _shares,
    _some,
    calibration_images,
    choose_rows,
    collect_ranges,
    further_images,
    is_calibration,
)
from melanoma_edge.data.catalog import Catalog
from melanoma_edge.errors import DataError, UsageError


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return toy_catalog(tmp_path_factory.mktemp("images") / "all")


def changed(catalog: Catalog, place: int, **fields: Any) -> Catalog:
    rows = list(catalog.rows)
    rows[place] = replace(rows[place], **fields)
    return replace(catalog, rows=tuple(rows))


def test_images_come_from_training_one_of_each_group(catalog: Catalog) -> None:
    chosen = choose_rows(catalog, 100, seed=0)
    assert {row.split for row in chosen} == {"train"}
    assert len({row.group for row in chosen}) == len(chosen) == 16
    assert [row.image_id for row in chosen] == sorted(row.image_id for row in chosen)


def test_the_draw_depends_on_the_seed_alone(catalog: Catalog) -> None:
    assert choose_rows(catalog, 8, seed=1) == choose_rows(catalog, 8, seed=1)
    assert choose_rows(catalog, 8, seed=1) != choose_rows(catalog, 8, seed=2)


def test_classes_keep_their_proportion(catalog: Catalog) -> None:
    labels = [row.label for row in choose_rows(catalog, 8, seed=0)]
    assert (labels.count("MEL"), labels.count("NV"), labels.count("BKL")) == (2, 5, 1)


def test_equal_images_under_two_names_count_once(catalog: Catalog) -> None:
    double = changed(catalog, 2, sha256=catalog.rows[0].sha256)
    double = changed(double, 3, sha256=catalog.rows[1].sha256)
    hashes = [row.sha256 for row in choose_rows(double, 100, seed=0)]
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize("field", ["group", "sha256"])
def test_training_that_leaks_into_test_is_refused(catalog: Catalog, field: str) -> None:
    leaking = changed(catalog, 39, **{field: getattr(catalog.rows[0], field)})
    with pytest.raises(DataError, match="shares groups or images"):
        choose_rows(leaking, 4, seed=0)
    assert len(choose_rows(replace(leaking, leaky=True), 4, seed=0)) == 4


def test_no_images_and_no_count_are_refused(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="0 calibration images"):
        choose_rows(catalog, 0, seed=0)
    tested = replace(catalog, rows=catalog.part("test"))
    with pytest.raises(DataError, match="no training images"):
        choose_rows(tested, 4, seed=0)


def test_pixels_belong_to_the_ids_and_the_hash_to_the_images(catalog: Catalog, tmp_path: Path) -> None:
    from PIL import Image

    run: Any = ToyRun(tmp_path, toy_contract(), catalog)
    found = calibration_images(run, 6, seed=3)
    paths = {row.image_id: row.path for row in catalog.rows}
    for image_id, pixels in zip(found.image_ids, found.pixels, strict=True):
        np.testing.assert_array_equal(pixels, np.asarray(Image.open(paths[image_id])))
    assert sum(found.class_counts.values()) == 6 and list(found.class_counts) == ["MEL", "NV", "BKL"]
    assert found.sha256 == calibration_images(run, 6, seed=3).sha256 != calibration_images(run, 6, seed=4).sha256


@given(st.lists(st.integers(0, 400), min_size=1, max_size=9).filter(any), st.integers(1, 600))
def test_shares_are_whole_and_within_what_there_is(sizes: list[int], count: int) -> None:
    shares = _shares(sizes, count)
    present = sum(size > 0 for size in sizes)
    assert all(0 <= share <= size for share, size in zip(shares, sizes, strict=True))
    assert sum(shares) >= min(count, sum(sizes))
    assert sum(shares) <= max(min(count, sum(sizes)) + present, present)
    assert all(share > 0 for share, size in zip(shares, sizes, strict=True) if size)


def test_extremes_are_those_of_all_images(toy_artifacts: Any, toy_batch: Any) -> None:
    data = toy_artifacts["tflite", "float32"].path.read_bytes()
    told: list[tuple[str, int, int]] = []
    whole = collect_ranges(data, toy_batch[:6], lambda *step: told.append(step)).extremes
    parts = [collect_ranges(data, toy_batch[start : start + 3]).extremes for start in (0, 3)]
    assert told[-1] == ("measuring ranges", 6, 6)
    assert whole["image"] == (float(toy_batch[:6].min()), float(toy_batch[:6].max()))
    assert 0 <= whole["stem"][0] < whole["stem"][1] <= 6
    for name, (low, high) in whole.items():
        assert (low, high) == (min(part[name][0] for part in parts), max(part[name][1] for part in parts))


def test_further_images_are_of_other_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path / "cache"))
    run: Any = ToyRun(tmp_path, toy_contract(), toy_catalog(tmp_path / "images"))
    first = calibration_images(run, 6, seed=3)
    second = further_images(run, first)
    assert second and len(second.image_ids) == 6 and len(second.pixels) == 6
    groups = {row.image_id: row.group for row in run.catalog.rows}
    assert not {groups[name] for name in first.image_ids} & {groups[name] for name in second.image_ids}
    assert all(row.split == "train" for row in run.catalog.rows if row.image_id in second.image_ids)
    assert further_images(run, calibration_images(run, 16, seed=3)) is None


def test_kernels_are_not_measured(toy_artifacts: Any, toy_batch: Any) -> None:
    measured = collect_ranges(toy_artifacts["tflite", "float32"].path.read_bytes(), toy_batch[:2])
    assert {"image", "stem", "block_2_add"} <= measured.histograms.keys()
    assert len(measured.ranges(8)) < 40
    for name, (low, high) in measured.ranges(8).items():
        least, most = measured.extremes[name]
        assert least <= low <= high <= most


@pytest.mark.parametrize("size", [1, 5, 20, 41, 80])
def test_all_places_of_a_tensor_are_counted_in_turn(size: int) -> None:
    values = np.arange(size * size * 2, dtype=np.float32).reshape(1, size, size, 2)
    step = max(1, size // 20)
    seen = [_some(values, turn) for turn in range(step * step)]
    assert max(part.size for part in seen) <= 2 * 1600
    assert sorted(np.concatenate([part.ravel() for part in seen])) == sorted(values.ravel())


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 16, 100])
def test_a_record_of_calibration_is_known_again(catalog: Catalog, count: int) -> None:
    run = ToyRun(Path("run"), toy_contract(), catalog)
    drawn = calibration_images(run, count, seed=3)  # type: ignore[arg-type]
    images = len(drawn.image_ids)
    assert is_calibration(catalog, images, 3, drawn.sha256)
    assert not is_calibration(catalog, images, 3, "0" * 64)
    assert not is_calibration(catalog, images + 9, 3, drawn.sha256)
