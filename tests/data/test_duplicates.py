"""Copies: one row per file, no copy under two labels, and groups that no copy crosses."""

import hashlib
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.duplicates import components, settle
from melanoma_edge.errors import DataError


def row(image_id: str, label: str, content: str, group: str = "", folder: str = "") -> CatalogRow:
    digest = hashlib.sha256(content.encode()).hexdigest()
    return CatalogRow(image_id, f"/{folder or label}/{image_id}.jpg", label, group, "x", digest)


def ids(rows: list[CatalogRow], on_conflict: str = "error") -> list[str]:
    return [found.image_id for found in settle(rows, on_conflict)[0]]


def test_an_image_under_two_labels_is_refused_with_ids_labels_and_counts() -> None:
    rows = [row("a", "MEL", "one"), row("b", "NV", "one"), row("c", "NV", "two"), row("c", "MEL", "two")]
    with pytest.raises(DataError) as caught:
        settle(rows, "error")
    assert caught.value.what == "2 images stand under two labels (MEL and NV 2): a MEL and NV, c MEL and NV"
    assert "/MEL/a.jpg" in caught.value.where
    assert "/NV/b.jpg" in caught.value.where
    assert "--on-conflict drop" in caught.value.fix


def test_dropping_leaves_out_every_copy_and_says_how_many() -> None:
    rows = [row("a", "MEL", "one"), row("b", "NV", "one"), row("c", "NV", "one"), row("d", "NV", "two")]
    found, notes = settle(rows, "drop")
    assert [kept.image_id for kept in found] == ["d"]
    assert notes == ("1 images under two labels left out with all 3 files: MEL and NV 1",)


def test_a_changed_copy_with_the_same_isic_number_is_the_same_image() -> None:
    rows = [row("ISIC_0000001", "MEL", "one"), row("ISIC_0000001_small", "NV", "smaller")]
    with pytest.raises(DataError, match="ISIC_0000001 MEL and NV"):
        settle(rows, "error")
    together, _ = settle([replace(found, label="MEL") for found in rows], "error")
    assert [found.image_id for found in together] == ["ISIC_0000001", "ISIC_0000001_small"]
    assert len({found.group for found in together}) == 1


def test_equal_bytes_under_one_label_leave_the_first_and_a_note() -> None:
    found, notes = settle([row("b", "NV", "one"), row("a", "NV", "one"), row("c", "NV", "two")], "error")
    assert [kept.image_id for kept in found] == ["a", "c"]
    assert notes == ("1 byte-identical copies left out, the first of each kept",)


def test_lesions_that_share_a_copy_become_one_group() -> None:
    rows = [
        row("a", "NV", "one", "L1"),
        row("b", "NV", "one", "L2"),
        row("c", "NV", "two", "L2"),
        row("d", "NV", "3", "L3"),
    ]
    found, notes = settle(rows, "error")
    assert {kept.image_id: kept.group for kept in found} == {"a": "L1", "c": "L1", "d": "L3"}
    assert notes[1] == "1 groups joined others that show a copy of one of their images"


def test_equal_names_of_different_images_become_unique() -> None:
    rows = [row("1", "MEL", "one"), row("1", "NV", "two"), row("2", "NV", "three"), row("1", "NV", "four", folder="x")]
    four, two = (hashlib.sha256(text).hexdigest()[:12] for text in (b"four", b"two"))
    assert ids(rows) == sorted(["2", "MEL/1", f"NV/1-{four}", f"NV/1-{two}"])
    assert len({found.group for found in settle(rows, "error")[0]}) == 4


def test_empty_files_are_nobodys_copy() -> None:
    rows = [row("a", "MEL", ""), row("b", "NV", ""), row("b", "NV", "", folder="x"), row("c", "NV", "one")]
    assert len(set(ids(rows))) == 4


def test_components_hang_together_through_any_chain_of_keys() -> None:
    assert components([["a"], ["b"], ["c", "b"], ["d"], ["a", "d"], []]) == [0, 1, 1, 0, 0, 5]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8), st.sampled_from(["", "L1", "L2", "L3"])), max_size=25),
    st.randoms(use_true_random=False),
)
def test_what_comes_out_is_unique_and_does_not_depend_on_the_order(
    drawn: list[tuple[int, int, str]], chance: random.Random
) -> None:
    rows = [
        row(str(name), "NV", str(content), group, folder=str(number))
        for number, (name, content, group) in enumerate(drawn)
    ]
    shuffled = chance.sample(rows, len(rows))
    found, notes = settle(rows, "error")
    assert (found, notes) == settle(shuffled, "error")
    assert len({kept.image_id for kept in found}) == len(found)
    assert {kept.sha256 for kept in found} == {given.sha256 for given in rows}
    assert len({kept.sha256 for kept in found}) == len(found)
    home = {kept.sha256: kept.group for kept in found}
    for lesion in {"L1", "L2", "L3"}:
        assert len({home[given.sha256] for given in rows if given.group == lesion}) <= 1
