"""The catalog: written and read back, and refused when it is not what was written."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melanoma_edge.data.catalog import Catalog, CatalogRow, check_groups, load_catalog, save_catalog
from melanoma_edge.errors import DataError, TrustError
from melanoma_edge.files import sha256_of

ROWS = tuple(
    CatalogRow(f"image_{n}", f"/d/{n}.jpg", label, f"lesion_{n // 2}", "toy", f"{n:064x}", split, {"age": str(40 + n)})
    for n, (label, split) in enumerate([("MEL", "train")] * 2 + [("NV", "train")] * 2 + [("NV", "test")] * 2)
)
CATALOG = Catalog(ROWS, ("MEL", "NV"), ("toy",), ("CC0",), notes=("6 images",))

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
rows = st.lists(
    st.builds(
        CatalogRow,
        *(words,) * 7,
        extra=st.dictionaries(st.sampled_from(["age", "sex"]), words.filter(bool)),
    ),
    max_size=5,
)
catalogs = st.builds(
    Catalog,
    rows=rows.map(tuple),
    classes=st.just(("MEL", "NV")),
    sources=st.lists(words).map(tuple),
    licences=st.lists(words).map(tuple),
    image_types=st.lists(words).map(tuple),
    synthetic=st.booleans(),
    notes=st.lists(words).map(tuple),
    leaky=st.booleans(),
    policies=st.dictionaries(words, words),
)


@settings(max_examples=40)
@given(catalogs)
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> None:
    folder = tmp_path_factory.getbasetemp() / "catalog"
    save_catalog(catalog, folder)
    assert load_catalog(folder) == catalog


def test_the_same_catalog_gives_the_same_bytes_and_says_their_hash(tmp_path: Path) -> None:
    first, second = save_catalog(CATALOG, tmp_path / "a"), save_catalog(CATALOG, tmp_path / "b")
    assert first == second
    assert first == {name: sha256_of(tmp_path / "a" / name) for name in ("catalog.csv", "catalog.json")}


def test_the_table_is_plain_csv_and_the_header_counts(tmp_path: Path) -> None:
    save_catalog(CATALOG, tmp_path)
    lines = (tmp_path / "catalog.csv").read_text().splitlines()
    assert lines[0] == "image_id,path,label,group,source,sha256,split,age"
    assert len(lines) == 7
    header = json.loads((tmp_path / "catalog.json").read_text())
    assert header["schema"] == "melanoma-edge/catalog/1"
    assert (header["images"], header["counts"], header["sha256"]) == (6, {"MEL": 2, "NV": 4}, CATALOG.sha256)


@pytest.mark.parametrize("name", ["image_id", "label", "group", "source", "sha256", "split"])
def test_the_hash_changes_with_all_that_decides_what_is_learned(name: str) -> None:
    changed = (replace(ROWS[0], **{name: "other"}), *ROWS[1:])
    assert replace(CATALOG, rows=changed).sha256 != CATALOG.sha256


def test_the_hash_changes_with_the_order_of_classes_and_rows() -> None:
    assert replace(CATALOG, classes=("NV", "MEL")).sha256 != CATALOG.sha256
    assert replace(CATALOG, rows=ROWS[::-1]).sha256 != CATALOG.sha256


def test_the_hash_does_not_change_when_the_images_are_moved() -> None:
    moved = tuple(replace(row, path=row.path.replace("/d/", "/elsewhere/")) for row in ROWS)
    assert replace(CATALOG, rows=moved).sha256 == CATALOG.sha256


def test_parts_and_counts() -> None:
    assert [row.image_id for row in CATALOG.part("test")] == ["image_4", "image_5"]
    assert CATALOG.part("validation") == ()
    assert CATALOG.counts() == {"MEL": 2, "NV": 4}


def test_images_left_out_are_noted() -> None:
    less = CATALOG.without({"image_0", "image_9"}, "one left out")
    assert [row.image_id for row in less.rows] == [f"image_{n}" for n in range(1, 6)]
    assert less.notes == ("6 images", "one left out")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("image_0,", "image_9,"),
        (",MEL,", ",NV,"),
        (",train,", ",test,"),
        ("image_id,path", "image_id,place"),
        ("image_5,/d/5.jpg", "image_5"),
        ("40\n", '"' + "4" * 200_000 + '"\n'),
    ],
)
def test_a_changed_table_is_refused(tmp_path: Path, old: str, new: str) -> None:
    save_catalog(CATALOG, tmp_path)
    table = tmp_path / "catalog.csv"
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new, 1))
    with pytest.raises(TrustError, match=r"catalog (was changed|missing or damaged)") as caught:
        load_catalog(tmp_path)
    assert caught.value.where == str(table)


def test_a_lost_row_is_refused(tmp_path: Path) -> None:
    save_catalog(CATALOG, tmp_path)
    table = tmp_path / "catalog.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(TrustError, match="was changed after training"):
        load_catalog(tmp_path)


@pytest.mark.parametrize("name", ["catalog.csv", "catalog.json"])
@pytest.mark.parametrize("data", [None, b"", b"\xff\xfe", b"[]", b"{}"])
def test_a_missing_or_broken_file_is_refused(tmp_path: Path, name: str, data: bytes | None) -> None:
    save_catalog(CATALOG, tmp_path)
    (tmp_path / name).unlink() if data is None else (tmp_path / name).write_bytes(data)
    with pytest.raises(TrustError):
        load_catalog(tmp_path)


@pytest.mark.parametrize("key", ["sha256", "classes", "sources", "licences", "image_types", "notes", "synthetic"])
def test_a_header_without_a_key_is_refused(tmp_path: Path, key: str) -> None:
    save_catalog(CATALOG, tmp_path)
    header = json.loads((tmp_path / "catalog.json").read_text())
    del header[key]
    (tmp_path / "catalog.json").write_text(json.dumps(header))
    with pytest.raises(TrustError, match=f"missing or damaged: '{key}'"):
        load_catalog(tmp_path)


def test_a_newer_header_asks_for_an_upgrade(tmp_path: Path) -> None:
    save_catalog(CATALOG, tmp_path)
    header = json.loads((tmp_path / "catalog.json").read_text())
    (tmp_path / "catalog.json").write_text(json.dumps({**header, "schema": "melanoma-edge/catalog/2"}))
    with pytest.raises(TrustError, match="upgrade melanoma-edge"):
        load_catalog(tmp_path)


def test_groups_within_one_split_are_fine() -> None:
    check_groups(CATALOG)


def test_a_group_in_two_splits_is_an_error_that_names_it() -> None:
    torn = replace(CATALOG, rows=(replace(ROWS[0], split="test"), *ROWS[1:]))
    with pytest.raises(DataError, match=re.escape("1 groups stand in two splits: lesion_0")):
        check_groups(torn)


def test_many_torn_groups_are_counted() -> None:
    many = tuple(replace(ROWS[0], group=f"g{n:02}", split=split) for n in range(12) for split in ("train", "test"))
    with pytest.raises(DataError, match=r"12 groups .* and 2 more"):
        check_groups(replace(CATALOG, rows=many))


def test_an_unknown_split_is_an_error() -> None:
    strange = replace(CATALOG, rows=tuple(replace(row, split="holdout") for row in ROWS))
    with pytest.raises(DataError, match="unknown split names: holdout"):
        check_groups(strange)


def test_a_leaky_catalog_says_so_in_header_and_hash(tmp_path: Path) -> None:
    leaky = replace(CATALOG, leaky=True)
    save_catalog(leaky, tmp_path)
    header = json.loads((tmp_path / "catalog.json").read_text())
    assert header["leaky"] is True
    assert leaky.sha256 != CATALOG.sha256
    del header["leaky"]
    (tmp_path / "catalog.json").write_text(json.dumps(header))
    with pytest.raises(TrustError, match="changed after training"):
        load_catalog(tmp_path)


def test_a_catalog_from_before_policies_is_understood(tmp_path: Path) -> None:
    save_catalog(CATALOG, tmp_path)
    header = json.loads((tmp_path / "catalog.json").read_text())
    del header["policies"]
    (tmp_path / "catalog.json").write_text(json.dumps(header))
    assert load_catalog(tmp_path) == CATALOG
