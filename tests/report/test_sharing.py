"""What may leave with a report: numbers, hashes, the toolkit's own words, and no word of a user's."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.report.sharing import LEFT_OUT, Sharing


def test_ids_become_hashes_and_texts_are_left_out() -> None:
    sharing = Sharing(b"salt")
    flip = {
        "image_id": "12",
        "group": "p7",
        "label": "MEL",
        "float_score": 0.5,
        "melanoma_lost": True,
        "threshold": None,
    }
    shared = sharing.of({"flips": [flip], "sentence": "own", "notes": ["lost: ISIC_0000001-ISIC_0000001"]})
    assert shared["flips"] == [{**flip, "image_id": sharing.hidden("12"), "group": sharing.hidden("p7")}]
    assert shared["sentence"] == "own" and shared["notes"] == [LEFT_OUT]


@pytest.mark.parametrize(
    "path", ["/home/anna/x/model-int8.tflite", "hospital_smith/artifacts/model-int8.tflite", "model-int8.tflite"]
)
def test_of_paths_the_name_of_an_export_stays(path: str) -> None:
    assert Sharing(b"salt").of({"path": path, "artifact": path}) == dict.fromkeys(
        ("path", "artifact"), "model-int8.tflite"
    )


def test_another_name_of_a_file_becomes_a_hash_and_keeps_its_ending() -> None:
    sharing = Sharing(b"salt")
    found = sharing.file("runs/model-smith.onnx")
    assert found == f"{sharing.hidden('model-smith.onnx')}.onnx"
    assert (
        sharing.without_files("report/model-smith.onnx.layers.json", ["model-smith.onnx"])
        == f"report/{found}.layers.json"
    )


def test_a_check_says_its_number_and_no_name() -> None:
    check = {"name": "melanomas_lost", "value": 1, "status": "PASS", "why": "1 of 6 melanoma lesions: 12"}
    assert Sharing().of({"checks": [check]})["checks"] == [{**check, "why": "found 1"}]


def test_values_of_subgroups_that_users_named_are_hidden() -> None:
    rows = [{"attribute": "sex", "value": "male"}, {"attribute": "collection", "value": "Clinic of Dr Smith"}]
    shared = Sharing(b"salt").of({"subgroups": rows})["subgroups"]
    assert shared == [rows[0], {"attribute": "collection", "value": Sharing(b"salt").hidden("Clinic of Dr Smith")}]


def test_another_salt_gives_another_hash_and_the_salt_is_random() -> None:
    assert Sharing(b"a").hidden("x") != Sharing(b"b").hidden("x")
    assert Sharing().hidden("x") != Sharing().hidden("x")
    assert re.fullmatch("[0-9a-f]{12}", Sharing().hidden("x"))


@given(
    st.recursive(
        st.just("Jane O'Brien"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["why", "value", "name", "notes", "data", "image_id", "path", "error"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_no_text_under_another_key_is_left(content: Any) -> None:
    assert "Jane" not in json.dumps(Sharing(b"salt").of({"content": content}))
