"""JSON that came from elsewhere, read so that two readers cannot understand it differently."""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any, TypeVar

from melanoma_edge.contract import check_schema
from melanoma_edge.errors import TrustError, UsageError
from melanoma_edge.strictjson import Mismatch, from_plain

MAX_JSON = 1 << 20
MAX_DEPTH = 16
REMAKE = "get the bundle again from where it came, or make it again with `melanoma-edge bundle`"

T = TypeVar("T")


def parse(data: bytes, where: str) -> Any:
    """Return strict JSON: UTF-8, one value, no key twice, no NaN, no number beyond 64 bits, not nested deeply.

    Text holds no control characters and no halves of characters, which would change what a screen shows.

    Raises:
        TrustError: for anything else.
    """
    if len(data) > MAX_JSON:
        raise TrustError(f"JSON of {len(data):,} bytes; at most {MAX_JSON:,} are read", where=where, fix=REMAKE)
    try:
        document = json.loads(
            data.decode(),
            object_pairs_hook=_once,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
        depth = _depth(document)
    except (ValueError, RecursionError) as error:
        raise TrustError(f"not strict JSON: {error}", where=where, fix=REMAKE) from error
    if depth > MAX_DEPTH:
        raise TrustError(f"JSON nested deeper than {MAX_DEPTH}", where=where, fix=REMAKE)
    if not _is_plain(document):
        raise TrustError("control characters or halves of characters in text", where=where, fix=REMAKE)
    return document


def read(kind: type[T], data: bytes, schema: str, where: str) -> T:
    """Return strict JSON of a schema as its dataclass.

    Raises:
        TrustError: for another schema, keys that are unknown, missing or of another type, and as ``parse``.
    """
    return fitted(kind, parse(data, where), schema, where, where.rpartition("/")[2])


def fitted(kind: type[T], document: Any, schema: str, where: str, name: str) -> T:
    """Return parsed JSON of a schema as its dataclass, called ``name`` in messages; raises as ``read``."""
    check_schema(document, schema, where)
    try:
        return from_plain(kind, document, name)
    except (Mismatch, UsageError) as error:  # a dataclass that is also an option refuses values as an option does
        raise TrustError(f"document does not fit its schema: {error}", where=where, fix=REMAKE) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large")
    return value


def _bounded(text: str) -> int:
    value = int(text) if len(text) <= 20 else 2**63
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{text[:20]} does not fit 64 bits")
    return value


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return not any(unicodedata.category(character) in ("Cc", "Cs") for character in value)
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    return all(map(_is_plain, value)) if isinstance(value, list) else True


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)
