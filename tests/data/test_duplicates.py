"""Copies: one row per file, no copy under two labels, and groups that no copy crosses."""

import hashlib
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.duplicates import components, settle, torn
from melanoma_edge.data.reading import Reading
from melanoma_edge.errors import DataError

DROP = Reading(on_conflict="drop")


def row(image_id: str, label: str, content: str, group: str = "", folder: str = "") -> CatalogRow:
    digest = hashlib.sha256(content.encode()).hexdigest()
    return CatalogRow(image_id, f"/{folder or label}/{image_id}.jpg", label, group, "x", digest)


def ids(rows: list[CatalogRow], on_conflict: str = "error") -> list[str]:
    return [found.image_id for found in settle(rows, Reading(on_conflict=on_conflict))[0]]


def test_an_image_under_two_labels_is_refused_with_ids_labels_and_counts() -> None:
    rows = [row("a", "MEL", "one"), row("b", "NV", "one"), row("c", "NV", "two"), row("c", "MEL", "two")]
    with pytest.raises(DataError) as caught:
        settle(rows, Reading())
    assert caught.value.what == "2 images stand under two labels (MEL and NV 2): a MEL and NV, c MEL and NV"
    assert "/MEL/a.jpg" in caught.value.where
    assert "/NV/b.jpg" in caught.value.where
    assert "--on-conflict drop" in caught.value.fix


def test_dropping_leaves_out_every_copy_and_says_how_many() -> None:
    rows = [row("a", "MEL", "one"), row("b", "NV", "one"), row("c", "NV", "one"), row("d", "NV", "two")]
    found, notes = settle(rows, DROP)
    assert [kept.image_id for kept in found] == ["d"]
    assert notes == ("1 images under two labels left out with all 3 files: MEL and NV 1",)


def test_a_changed_copy_with_the_same_isic_number_is_the_same_image() -> None:
    rows = [row("ISIC_0000001", "MEL", "one"), row("ISIC_0000001_small", "NV", "smaller")]
    with pytest.raises(DataError, match="ISIC_0000001 MEL and NV"):
        settle(rows, Reading())
    together, _ = settle([replace(found, label="MEL") for found in rows], Reading())
    assert [found.image_id for found in together] == ["ISIC_0000001", "ISIC_0000001_small"]
    assert len({found.group for found in together}) == 1


def test_equal_bytes_under_one_label_leave_the_first_and_a_note() -> None:
    found, notes = settle([row("b", "NV", "one"), row("a", "NV", "one"), row("c", "NV", "two")], Reading())
    assert [kept.image_id for kept in found] == ["a", "c"]
    assert notes == ("1 byte-identical copies left out, the first of each kept",)


def test_lesions_that_share_a_copy_become_one_group() -> None:
    rows = [
        row("a", "NV", "one", "L1"),
        row("b", "NV", "one", "L2"),
        row("c", "NV", "two", "L2"),
        row("d", "NV", "3", "L3"),
    ]
    found, notes = settle(rows, Reading())
    assert {kept.image_id: kept.group for kept in found} == {"a": "L1", "c": "L1", "d": "L3"}
    assert notes[1] == "1 groups joined others through a patient, a copy or a near-duplicate of one of their images"


def test_equal_names_of_different_images_become_unique() -> None:
    rows = [row("1", "MEL", "one"), row("1", "NV", "two"), row("2", "NV", "three"), row("1", "NV", "four", folder="x")]
    four, two = (hashlib.sha256(text).hexdigest()[:12] for text in (b"four", b"two"))
    assert ids(rows) == sorted(["2", "MEL/1", f"NV/1-{four}", f"NV/1-{two}"])
    assert len({found.group for found in settle(rows, Reading())[0]}) == 4


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
    found, notes = settle(rows, Reading())
    assert (found, notes) == settle(shuffled, Reading())
    assert len({kept.image_id for kept in found}) == len(found)
    assert {kept.sha256 for kept in found} == {given.sha256 for given in rows}
    assert len({kept.sha256 for kept in found}) == len(found)
    home = {kept.sha256: kept.group for kept in found}
    for lesion in {"L1", "L2", "L3"}:
        assert len({home[given.sha256] for given in rows if given.group == lesion}) <= 1


def patient(image_id: str, name: str, content: str, lesion: str) -> CatalogRow:
    return replace(row(image_id, "NV", content, lesion), extra={"patient": name})


def test_a_patients_lesions_and_near_duplicates_are_one_group() -> None:
    rows = [patient("a", "P", "one", "L1"), patient("b", "P", "two", "L2"), patient("c", "Q", "three", "L3")]
    apart = {kept.image_id: kept.group for kept in settle(rows, Reading())[0]}
    assert apart == {"a": "L1", "b": "L1", "c": "L3"}
    alike = {rows[1].sha256: "x", rows[2].sha256: "x"}
    together, notes = settle(rows, Reading(), lambda rows: alike)
    assert {kept.group for kept in together} == {"L1"}
    assert notes == (
        "2 images in 1 clusters of near-duplicates are kept together",
        "2 groups joined others through a patient, a copy or a near-duplicate of one of their images",
    )


def test_copies_can_be_an_error_that_names_them() -> None:
    rows = [row("a", "NV", "one"), row("b", "NV", "one"), row("c", "NV", "two")]
    with pytest.raises(DataError, match=r"1 files are byte-identical copies: /NV/b.jpg of /NV/a.jpg") as caught:
        settle(rows, Reading(on_duplicate="error"))
    assert "--on-duplicate keep-first" in caught.value.fix
    assert len(settle(rows[1:], Reading(on_duplicate="error"))[0]) == 2


def test_what_a_copy_knows_of_the_patient_stays_known() -> None:
    first, second = (replace(row(name, "NV", "one"), extra=extra) for name, extra in (("a", {}), ("b", {"age": "5"})))
    (kept,), _ = settle([first, second], Reading())
    assert (kept.image_id, kept.extra) == ("a", {"age": "5"})


def test_of_copies_in_kept_folders_the_tests_stays() -> None:
    def at(image_id: str, folder: str) -> CatalogRow:
        return replace(row(image_id, "NV", "one"), extra={"folder_split": folder})

    rows = [at("a", "Train"), at("b", "Test"), at("c", "valid")]
    assert [kept.image_id for kept in settle(rows, Reading())[0]] == ["a"]
    assert [kept.image_id for kept in settle(rows, Reading(test_folder="keep"))[0]] == ["b"]
    assert [kept.image_id for kept in settle(rows[::2], Reading(test_folder="keep"))[0]] == ["c"]


def test_other_versions_of_an_image_are_counted() -> None:
    rows = [
        row("ISIC_0000001", "NV", "large"),
        row("ISIC_0000001_small", "NV", "small"),
        row("ISIC_0000002", "NV", "x"),
    ]
    assert settle(rows, Reading())[1][0] == (
        "1 files are other versions (the same ISIC number) of images that are there too"
    )


def test_a_file_listed_twice_is_no_copy() -> None:
    one = row("a", "NV", "one")
    assert settle([one, one], Reading(on_duplicate="error")) == settle([one], Reading())


def test_torn_keeps_every_file_as_its_own_group_and_remembers_the_right_one() -> None:
    rows = [row("a", "MEL", "one", "L1"), row("a", "NV", "one"), row("b", "NV", "two", "L1"), row("c", "NV", "three")]
    found, notes = torn(rows)
    assert [kept.group for kept in found] == [kept.image_id for kept in found]
    assert {kept.image_id: kept.extra["true_group"] for kept in found} == {
        "MEL/a": "L1",
        "NV/a": "L1",
        "b": "L1",
        "c": "c",
    }
    assert notes[0].startswith("LEAKY: ")
    assert torn(rows[::-1]) == (found, notes)
    alike, _ = torn(rows, lambda _: {rows[2].sha256: "x", rows[3].sha256: "x"})
    assert {kept.extra["true_group"] for kept in alike} == {"L1"}


def test_contradictions_are_told_before_anything_is_looked_at() -> None:
    def looking(rows: object) -> dict[str, str]:
        raise AssertionError("looked at images")

    with pytest.raises(DataError, match="stand under two labels"):
        settle([row("a", "MEL", "one"), row("b", "NV", "one")], Reading(), looking)
