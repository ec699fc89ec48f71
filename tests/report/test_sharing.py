"""Names for sharing: the same name has the same hash, another salt another one, and no name is left."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.report.sharing import Names

KNOWN = {"ISIC_0024306", "HAM_0000118", "HAM_00001189", "x", "Meyer, Anna"}


def test_names_alone_and_in_sentences_are_hidden_and_nothing_else() -> None:
    names = Names(KNOWN, b"salt")
    long, short = names.hidden("HAM_00001189"), names.hidden("HAM_0000118")
    assert names.without("ISIC_0024306") == names.hidden("ISIC_0024306")
    assert names.without("lost: ISIC_0024306, HAM_00001189") == f"lost: {names.hidden('ISIC_0024306')}, {long}"
    assert names.without("HAM_0000118;HAM_00001189") == f"{short};{long}"
    assert names.without(["x", {"x": "six boxes", "n": 0.5, "none": None, "yes": True}]) == [
        names.hidden("x"),
        {names.hidden("x"): "six boxes", "n": 0.5, "none": None, "yes": True},
    ]
    assert names.without("HAMburg, ISIC and melanoma") == "HAMburg, ISIC and melanoma"
    assert names.without("Meyer, Anna") == names.hidden("Meyer, Anna")
    folder = Names(["/home/Anna Meyer/skin (2)"], b"salt")
    assert "Meyer" not in folder.without("2 images in /home/Anna Meyer/skin (2), recognised by a.csv")
    assert names.without("of Meyer, Anna: lost") == f"of {names.hidden('Meyer, Anna')}: lost"


@pytest.mark.parametrize("path", ["/home/anna/images/a.jpg", "~/pictures/set", "../clinic/ward", "./runs/ham"])
def test_folders_are_left_out(path: str) -> None:
    said = Names([], b"salt").without(f"5,984 images in {path}, recognised by metadata.csv")
    assert "(folder left out)" in said and path.split("/")[1] not in said
    assert said.startswith("5,984 images in ") and "metadata.csv" in said


def test_what_is_no_folder_stays() -> None:
    names = Names([], b"salt")
    for text in ("melanoma-edge/parity/1", "70/15/15", "and/or"):
        assert names.without(text) == text


def test_another_salt_gives_another_hash_and_the_salt_is_random() -> None:
    assert Names(KNOWN, b"a").hidden("x") != Names(KNOWN, b"b").hidden("x")
    assert Names(KNOWN).hidden("x") != Names(KNOWN).hidden("x")
    assert re.fullmatch("[0-9a-f]{12}", Names(KNOWN).hidden("x"))


@given(st.lists(st.from_regex(r"[A-Z]{2}_[0-9]{3,6}", fullmatch=True), min_size=1, max_size=8, unique=True), st.data())
def test_no_known_name_is_left_in_a_sentence(known: list[str], data: st.DataObject) -> None:
    told = data.draw(st.lists(st.sampled_from([*known, "lost", "and", "0.123"]), max_size=12))
    said = Names(known, b"salt").without(", ".join(told))
    words = set(re.split(r", ", said))
    assert not words & set(known)
    assert words - {"", "lost", "and", "0.123"} == {Names(known, b"salt").hidden(one) for one in told if one in known}
