"""Strict JSON: nothing is coerced, defaulted or ignored."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.strictjson import ADDED_LATER, OPTIONAL, Mismatch, from_plain, to_plain


@dataclass(frozen=True)
class Inner:
    flag: bool
    pair: tuple[int, str]


@dataclass(frozen=True)
class Outer:
    text: str
    whole: int
    real: float
    maybe: str | None
    many: tuple[float, ...]
    inner: Inner
    several: tuple[Inner, ...]
    table: dict[str, Inner]
    anything: dict[str, Any]


numbers = st.floats(allow_nan=False, allow_infinity=False)
inners = st.builds(Inner, st.booleans(), st.tuples(st.integers(), st.text()))
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=5,
)
outers = st.builds(
    Outer,
    text=st.text(),
    whole=st.integers(),
    real=numbers,
    maybe=st.none() | st.text(),
    many=st.lists(numbers, max_size=3).map(tuple),
    inner=inners,
    several=st.lists(inners, max_size=2).map(tuple),
    table=st.dictionaries(st.text(), inners, max_size=2),
    anything=st.dictionaries(st.text(), plain, max_size=2),
)

GOOD: dict[str, Any] = {
    "text": "t",
    "whole": 1,
    "real": 0.5,
    "maybe": None,
    "many": [1.0, 2.0],
    "inner": {"flag": True, "pair": [1, "a"]},
    "several": [],
    "table": {"a": {"flag": False, "pair": [2, "b"]}},
    "anything": {"x": [1, None]},
}


@given(outers)
def test_what_is_written_is_read_back_as_the_same_value(value: Outer) -> None:
    text = json.dumps(to_plain(value), allow_nan=False)
    back = from_plain(Outer, json.loads(text))
    assert back == value
    assert json.dumps(to_plain(back), allow_nan=False) == text


@given(outers)
def test_keys_keep_the_order_of_the_fields(value: Outer) -> None:
    assert list(to_plain(value)) == list(asdict(value))


@given(outers, st.text().filter(lambda name: name not in GOOD))
def test_an_unknown_key_is_refused_by_name(value: Outer, name: str) -> None:
    with pytest.raises(Mismatch) as caught:
        from_plain(Outer, {**to_plain(value), name: 1})
    assert f"unknown key {name} in document" in str(caught.value)


@given(outers, st.sampled_from(sorted(GOOD)))
def test_a_missing_key_is_refused_by_name(value: Outer, name: str) -> None:
    document = to_plain(value)
    del document[name]
    with pytest.raises(Mismatch, match=f"missing key {name} in document"):
        from_plain(Outer, document)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("text", 1, "document.text must be a str"),
        ("text", None, "document.text must be a str"),
        ("whole", 1.0, "document.whole must be a int"),
        ("whole", True, "document.whole must be a int"),
        ("whole", "1", "document.whole must be a int"),
        ("real", "0.5", "document.real must be a float"),
        ("real", True, "document.real must be a float"),
        ("maybe", 3, "document.maybe must be a str"),
        ("many", [1.0, "2"], r"document.many\[1\] must be a float"),
        ("many", "12", "document.many must be a list"),
        ("inner", [], "document.inner must be an object"),
        ("inner", {"flag": 1, "pair": [1, "a"]}, "document.inner.flag must be a bool"),
        ("inner", {"flag": True, "pair": [1]}, "document.inner.pair must be 2 items"),
        ("inner", {"flag": True, "pair": [1, "a", 2]}, "document.inner.pair must be 2 items"),
        ("several", [GOOD["inner"], {}], r"missing key flag, pair in document.several\[1\]"),
        ("table", {"a": 1}, "document.table.a must be an object"),
        ("table", [], "document.table must be an object"),
        ("anything", [], "document.anything must be an object"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_place(key: str, value: Any, words: str) -> None:
    with pytest.raises(Mismatch, match=words):
        from_plain(Outer, {**GOOD, key: value})


def test_a_whole_number_is_a_real_one() -> None:
    real = from_plain(Outer, {**GOOD, "real": 2}).real
    assert (real, type(real)) == (2.0, float)


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_a_document_that_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(Mismatch, match="document must be an object"):
        from_plain(Outer, document)


def test_the_place_begins_with_the_name_given() -> None:
    with pytest.raises(Mismatch, match=r"run\.whole must be"):
        from_plain(Outer, {**GOOD, "whole": "1"}, "run")


@dataclass(frozen=True)
class Grown:
    old: int
    new: str = field(default="as before", metadata=ADDED_LATER)
    other: int = 3


def test_only_a_field_that_was_added_later_may_be_missing() -> None:
    assert from_plain(Grown, {"old": 1, "other": 2}) == Grown(1, "as before", 2)
    assert from_plain(Grown, {"old": 1, "new": "x", "other": 2}) == Grown(1, "x", 2)
    with pytest.raises(Mismatch, match="missing key other"):
        from_plain(Grown, {"old": 1})
    with pytest.raises(Mismatch, match=r"document\.new must be a str"):
        from_plain(Grown, {"old": 1, "new": 2, "other": 2})


@dataclass(frozen=True)
class Extended:
    old: int
    extra: int | None = field(default=None, metadata=OPTIONAL)


@pytest.mark.parametrize("value", [Extended(1), Extended(1, 0), Extended(1, 2)])
def test_an_optional_field_is_left_out_where_it_has_its_default(value: Extended) -> None:
    document = to_plain(value)
    assert document == {"old": 1} | ({} if value.extra is None else {"extra": value.extra})
    assert from_plain(Extended, document) == value


def test_a_field_that_was_added_later_is_written_even_with_its_default() -> None:
    assert to_plain(Grown(1)) == {"old": 1, "new": "as before", "other": 3}
