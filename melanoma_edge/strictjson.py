"""Frozen dataclasses to JSON and back, where an unknown, missing or mistyped key is an error.

A document that decides over melanomas must not be half understood: nothing is coerced, defaulted or ignored. The one
exception is a field that says so: documents written before ``ADDED_LATER`` fields existed have their default, and
``OPTIONAL`` fields are not even written where they have it.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")

ADDED_LATER: dict[str, Any] = {"added_later": True}
"""Metadata of a field with a default that older documents may lack."""

OPTIONAL: dict[str, Any] = {**ADDED_LATER, "optional": True}
"""Metadata of a field that is left out where it has its default, so that older documents keep their bytes."""


class Mismatch(ValueError):
    """Say which key of a document does not fit its dataclass."""


def to_plain(value: Any) -> Any:
    """Return dataclasses as dicts and tuples as lists, recursively, keys in field order."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        written = [field for field in dataclasses.fields(value) if not _left_out(field, value)]
        return {field.name: to_plain(getattr(value, field.name)) for field in written}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return value


def _left_out(field: dataclasses.Field[Any], value: Any) -> bool:
    return "optional" in field.metadata and bool(getattr(value, field.name) == field.default)


def from_plain(kind: type[T], value: Any, where: str = "") -> T:
    """Build a dataclass from parsed JSON.

    Args:
        kind: the dataclass; its fields may be str, int, float, bool, None, tuples, dicts and dataclasses.
        value: what ``json.loads`` returned.
        where: the path of keys so far, for messages.

    Raises:
        Mismatch: for unknown keys, missing keys and values of another type.
    """
    return typing.cast(T, _convert(kind, value, where or "document"))


def _convert(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, where)
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _union(typing.get_args(kind), value, where)
    if origin is tuple:
        return _tuple(typing.get_args(kind), value, where)
    if origin is dict:
        _expect(isinstance(value, dict), "an object", value, where)
        return {key: _convert(typing.get_args(kind)[1], item, f"{where}.{key}") for key, item in value.items()}
    return _scalar(kind, value, where)


def _dataclass(kind: Any, value: Any, where: str) -> Any:
    _expect(isinstance(value, dict), "an object", value, where)
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(value) - set(fields))
    names = [name for name, field in fields.items() if name in value or not field.metadata.get("added_later")]
    missing = [name for name in names if name not in value]
    if unknown:
        raise Mismatch(f"unknown key {', '.join(unknown)} in {where}")
    if missing:
        raise Mismatch(f"missing key {', '.join(missing)} in {where}")
    return kind(**{name: _convert(hints[name], value[name], f"{where}.{name}") for name in names})


def _union(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in choices:
        return None
    (kind,) = [choice for choice in choices if choice is not type(None)]
    return _convert(kind, value, where)


def _tuple(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    _expect(isinstance(value, list), "a list", value, where)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_convert(kinds[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    _expect(len(value) == len(kinds), f"{len(kinds)} items", value, where)
    return tuple(_convert(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True)))


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if kind is float and type(value) is int:
        return float(value)
    _expect(type(value) is kind, f"a {kind.__name__}", value, where)
    return value


def _expect(condition: bool, wanted: str, value: Any, where: str) -> None:
    if not condition:
        raise Mismatch(f"{where} must be {wanted}, not {value!r}")
