"""Splits: no group torn, every row placed, shares kept, and nothing but groups, labels and seed decides."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melanoma_edge.data.catalog import SPLITS, Catalog, CatalogRow
from melanoma_edge.data.split import FRACTIONS, Fold, keep_test_folder, split_catalog
from melanoma_edge.errors import DataError, UsageError

LABELS = ("MEL", "NV", "BCC")


def catalog_of(groups: dict[str, list[int]], sources: tuple[str, ...] = ("x",)) -> Catalog:
    """Make a catalog from the sizes of each label's groups; groups take the sources in turn."""
    rows = [
        CatalogRow(
            f"{label}-{number}-{image}", f"/data/{label}/{number}/{image}.jpg", label, f"{label}-{number}", source, "0"
        )
        for label, sizes in groups.items()
        for number, size in enumerate(sizes)
        for source in [sources[number % len(sources)]]
        for image in range(size)
    ]
    return Catalog(tuple(rows), tuple(groups), sources, ("none",))


def placed(catalog: Catalog) -> dict[str, str]:
    return {row.image_id: row.split for row in catalog.rows}


SIZES = st.fixed_dictionaries({label: st.lists(st.integers(1, 8), min_size=3, max_size=60) for label in LABELS})


@settings(max_examples=60, deadline=None)
@given(SIZES, st.integers(-(2**40), 2**40))
def test_groups_stay_whole_and_shares_are_near(sizes: dict[str, list[int]], seed: int) -> None:
    split = split_catalog(catalog_of(sizes), seed)
    homes: dict[str, set[str]] = {}
    for row in split.rows:
        homes.setdefault(row.group, set()).add(row.split)
    assert all(len(found) == 1 and found <= set(SPLITS) for found in homes.values())
    assert len(split.rows) == sum(map(sum, sizes.values()))
    for label, groups in sizes.items():
        for name, share in zip(SPLITS, FRACTIONS, strict=True):
            images = sum(row.label == label for row in split.part(name))
            assert images > 0
            assert abs(images - share * sum(groups)) <= 2 * max(groups)


@settings(max_examples=40, deadline=None)
@given(SIZES, st.integers(0, 9), st.randoms(use_true_random=False))
def test_neither_order_of_rows_nor_paths_matter(sizes: dict[str, list[int]], seed: int, chance: random.Random) -> None:
    catalog = catalog_of(sizes, ("a", "b"))
    rows = [replace(row, path=f"/elsewhere{row.path}") for row in catalog.rows]
    chance.shuffle(rows)
    assert placed(split_catalog(replace(catalog, rows=tuple(rows)), seed)) == placed(split_catalog(catalog, seed))


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 400), st.integers(0, 99))
def test_single_image_groups_come_within_one_of_the_shares(count: int, seed: int) -> None:
    split = split_catalog(catalog_of({"MEL": [1] * count, "NV": [1] * 20}), seed)
    found = Counter(row.split for row in split.rows if row.label == "MEL")
    assert all(abs(found[name] - share * count) <= 1 for name, share in zip(SPLITS, FRACTIONS, strict=True))


def test_counts_of_ham10000_give_a_test_split_of_897_lesions() -> None:
    counts = {"MEL": 491, "NV": 4323, "BCC": 264, "AK": 183, "BKL": 583, "DF": 60, "VASC": 80}
    split = split_catalog(catalog_of({label: [1] * count for label, count in counts.items()}), 0)
    assert abs(len(split.part("test")) - 897) <= 2
    assert sum(row.label == "MEL" for row in split.part("test")) == 74


def test_another_seed_gives_another_split_and_the_same_seed_the_same() -> None:
    catalog = catalog_of({"MEL": [1] * 50, "NV": [2] * 50})
    assert placed(split_catalog(catalog, 1)) == placed(split_catalog(catalog, 1))
    assert placed(split_catalog(catalog, 1)) != placed(split_catalog(catalog, 2))


def test_splitting_again_forgets_the_old_split() -> None:
    catalog = catalog_of({"MEL": [1] * 50, "NV": [2] * 50})
    assert split_catalog(split_catalog(catalog, 1), 2) == split_catalog(catalog, 2)


def test_three_groups_suffice_and_each_split_gets_one() -> None:
    split = split_catalog(catalog_of({"MEL": [1, 1, 1], "NV": [9, 1, 1]}), 0)
    for name in SPLITS:
        assert Counter(row.label for row in split.part(name)).keys() == {"MEL", "NV"}


def test_each_source_is_shared_out_as_well() -> None:
    split = split_catalog(catalog_of({"MEL": [1] * 200, "NV": [1] * 400}, ("a", "b")), 0)
    test = Counter((row.label, row.source) for row in split.part("test"))
    assert all(
        abs(test[label, source] - 0.15 * count) <= 1 for label, count in (("MEL", 100), ("NV", 200)) for source in "ab"
    )


def test_a_group_with_two_labels_stays_whole() -> None:
    catalog = catalog_of({"MEL": [1] * 10, "NV": [1] * 30})
    rows = tuple(replace(row, group="both") if row.image_id in ("MEL-0-0", "NV-0-0") else row for row in catalog.rows)
    split = split_catalog(replace(catalog, rows=rows), 0)
    assert len({row.split for row in split.rows if row.group == "both"}) == 1


def test_a_class_that_is_found_in_mixed_groups_only_is_split_with_them() -> None:
    rows = [CatalogRow(f"{n}{label}", "", label, f"patient {n}", "x", "0") for n in range(9) for label in ("MEL", "NV")]
    split = split_catalog(Catalog(tuple(rows), ("MEL", "NV"), ("x",), ()), 0, fold=Fold(1, 3))
    counts = Counter((row.split, row.label) for row in split.rows)
    assert {counts[name, "MEL"] - counts[name, "NV"] for name in SPLITS} == {0}
    assert counts["test", "MEL"] == 3


def test_other_fractions_are_kept() -> None:
    split = split_catalog(catalog_of({"MEL": [1] * 100, "NV": [1] * 100}), 0, (0.5, 0.2, 0.3))
    assert [len(split.part(name)) for name in SPLITS] == [100, 40, 60]


def test_a_class_with_two_groups_is_refused_by_name_and_count() -> None:
    with pytest.raises(DataError, match=r"at least 3 groups .* but MEL has 2, BCC has 1"):
        split_catalog(catalog_of({"MEL": [5, 5], "NV": [1] * 9, "BCC": [7]}), 0)


@pytest.mark.parametrize("fractions", [(0.7, 0.3), (0.7, 0.3, 0.0), (0.7, 0.2, 0.2), (1.2, -0.1, -0.1)])
def test_shares_that_are_no_shares_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="not three positive shares"):
        split_catalog(catalog_of({"MEL": [1] * 9, "NV": [1] * 9}), 0, fractions)


@settings(max_examples=30, deadline=None)
@given(SIZES, st.integers(0, 9), st.integers(2, 3))
def test_every_image_is_tested_on_in_exactly_one_fold(sizes: dict[str, list[int]], seed: int, count: int) -> None:
    catalog = catalog_of({label: [*groups, 1, 1, 1] for label, groups in sizes.items()}, ("a", "b"))
    tested: Counter[str] = Counter()
    for number in range(1, count + 1):
        split = split_catalog(catalog, seed, fold=Fold(number, count))
        tested.update(row.image_id for row in split.part("test"))
        assert {(row.split, row.label) for row in split.rows} == {(name, label) for name in SPLITS for label in LABELS}
    assert tested == Counter(row.image_id for row in catalog.rows)


def test_folds_are_stratified_by_class_and_source_and_validation_lies_inside() -> None:
    catalog = catalog_of({"MEL": [1] * 100, "NV": [1] * 400}, ("a", "b"))
    split = split_catalog(catalog, 0, fold=Fold(2, 5))
    found = Counter((row.split, row.label, row.source) for row in split.rows)
    for source in "ab":
        assert (found["test", "MEL", source], found["test", "NV", source]) == (10, 40)
        assert abs(found["validation", "MEL", source] - 40 * 0.15 / 0.85) <= 1
    assert split == split_catalog(catalog, 0, fold=Fold(2, 5))


@pytest.mark.parametrize(("number", "count"), [(0, 5), (6, 5), (1, 1), (1, 101)])
def test_a_fold_that_does_not_exist_is_refused(number: int, count: int) -> None:
    with pytest.raises(UsageError, match=f"fold {number} of {count} does not exist"):
        Fold(number, count)


def test_too_few_groups_for_the_folds_are_named() -> None:
    with pytest.raises(DataError, match=r"at least 5 groups .* but MEL has 4"):
        split_catalog(catalog_of({"MEL": [1] * 4, "NV": [1] * 9}), 0, fold=Fold(1, 5))


def lying(catalog: Catalog, folders: dict[str, str]) -> Catalog:
    """Say of some images in which folder they lie; the others lie in Train."""
    rows = (replace(row, extra={"folder_split": folders.get(row.image_id, "Train")}) for row in catalog.rows)
    return replace(catalog, rows=tuple(rows))


def test_a_kept_test_folder_is_the_test_split_and_nothing_of_its_groups_is_learned() -> None:
    catalog = catalog_of({"MEL": [2] * 10, "NV": [1] * 20})
    split = keep_test_folder(lying(catalog, {"MEL-0-0": "Test", "NV-0-0": "Test", "NV-1-0": "Test"}), 0)
    assert {row.image_id for row in split.part("test")} == {"MEL-0-0", "NV-0-0", "NV-1-0"}
    assert "MEL-0-1" not in placed(split)
    assert len(split.rows) == 39
    assert split.notes == ("Test folder kept; 1 images that share a group with a later split left out",)
    assert Counter(row.label for row in split.part("validation")) == {"MEL": 4, "NV": 3}


def test_a_validation_folder_is_kept_too() -> None:
    catalog = lying(
        catalog_of({"MEL": [2] * 5, "NV": [2] * 5}),
        {"MEL-0-0": "Test", "NV-0-0": "Test", "MEL-1-0": "val", "NV-1-0": "val", "NV-0-1": "val"},
    )
    split = keep_test_folder(catalog, 0)
    assert {row.image_id for row in split.part("validation")} == {"MEL-1-0", "NV-1-0"}
    assert len(split.part("train")) == 12


def test_no_test_folder_cannot_be_kept() -> None:
    with pytest.raises(DataError, match="no Test folder to keep"):
        keep_test_folder(lying(catalog_of({"MEL": [1] * 5, "NV": [1] * 5}), {}), 0)


def test_a_leaky_split_counts_what_leaks() -> None:
    rows = [
        CatalogRow(f"{label}{n}", "", label, f"{label}{n}", "x", "0", extra={"true_group": f"{label}{n // 2}"})
        for label in ("MEL", "NV")
        for n in range(40)
    ]
    catalog = Catalog(tuple(rows), ("MEL", "NV"), ("x",), (), leaky=True)
    (note,) = split_catalog(catalog, 0).notes
    seen = {row.extra["true_group"] for row in split_catalog(catalog, 0).part("train")}
    parts = [split_catalog(catalog, 0).part(name) for name in ("validation", "test")]
    counts = [sum(row.extra["true_group"] in seen for row in part) for part in parts]
    assert min(counts) > 0
    assert note == (
        f"LEAKY split: at least {counts[0]} of {len(parts[0])} validation images and {counts[1]} of {len(parts[1])} "
        "test images show an image or a lesion that training shows too"
    )
