"""Strict JSON."""

from __future__ import annotations

import pytest

from melanoma_edge.bundle.documents import MAX_DEPTH, MAX_JSON, parse, read
from melanoma_edge.bundle.golden import SCHEMA, Golden
from melanoma_edge.errors import TrustError


def test_plain_json_is_read() -> None:
    assert parse('{"é": [1, 2.5, null, true, "x"]}'.encode(), "here") == {"é": [1, 2.5, None, True, "x"]}


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '[{"a": 1, "b": {"c": 1, "c": 1}}]',
        "[NaN]",
        "[Infinity]",
        "[-Infinity]",
        "[1e999]",
        "[9223372036854775808]",
        "[" + "9" * 5000 + "]",
        "{} {}",
        "",
        "{'a': 1}",
        "[1,]",
        "\ufeff{}",
        "[" * 100_000,
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    ],
)
def test_what_two_readers_could_take_differently_is_refused(text: str) -> None:
    with pytest.raises(TrustError) as caught:
        parse(text.encode(), "here")
    assert "here" in str(caught.value)


def test_the_limits_themselves_are_within() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "here") is not None
    assert parse(b"[9223372036854775807, -9223372036854775808]", "here") == [2**63 - 1, -(2**63)]
    assert parse(b"0" + b" " * (MAX_JSON - 1), "here") == 0


def test_too_much_json_is_not_even_parsed() -> None:
    with pytest.raises(TrustError, match="at most"):
        parse(b"0" + b" " * MAX_JSON, "here")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"schema": "melanoma-edge/golden/2"}', "newer schema"),
        ("[]", "schema None"),
        (f'{{"schema": "{SCHEMA}", "input_size": 8, "tolerance": 1, "vectors": [], "x": 1}}', "unknown key x"),
        (f'{{"schema": "{SCHEMA}", "input_size": 8.0, "tolerance": 1, "vectors": []}}', "must be a int"),
    ],
)
def test_a_document_must_fit_its_schema(text: str, says: str) -> None:
    with pytest.raises(TrustError) as caught:
        read(Golden, text.encode(), SCHEMA, "bundle/golden.json")
    assert says in str(caught.value)
