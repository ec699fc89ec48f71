"""Reading a page as a program: its numbers, its headings, what it refers to."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterator
from html.parser import HTMLParser
from random import Random
from typing import Any

NUMBER = re.compile(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?:\N{NO-BREAK SPACE}%)?(?![\w.]*\w)")


class Page(HTMLParser):
    """Hold the text of a page, its tags with their attributes, and what is open where."""

    VOID = frozenset({"meta", "img", "br", "path", "rect", "circle", "link", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """Everything that is read: text, and what stands in its place for those who do not see."""
        spoken = [value for _, found in self.tags for key, value in found.items() if key in ("alt", "aria-label")]
        return " ".join([*self.words, *filter(None, spoken)])

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every such tag."""
        return [found for name, found in self.tags if name == tag]


def leaves(value: Any) -> Iterator[Any]:
    """Yield every number and text of a JSON document, keys too."""
    if isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif not isinstance(value, bool) and value is not None:
        yield value


def unfounded(text: str, documents: list[Any], said: set[str]) -> set[str]:
    """Return the numbers of a text that are no rounding of a number in the documents, and stand in none of their texts.

    A share may be written as per cent, and a loss as the change that it is, with the other sign. ``said`` are the
    constants of the toolkit.
    """
    found = [leaf for document in documents for leaf in leaves(document)]
    numbers = [leaf for leaf in found if not isinstance(leaf, str)]
    words = " ".join(leaf for leaf in found if isinstance(leaf, str))
    known = set(NUMBER.findall(words)) | said
    return {one for one in set(NUMBER.findall(text)) - known if not _is_rounding(one, numbers)}


def _is_rounding(text: str, numbers: list[float]) -> bool:
    plain = text.replace(",", "").removesuffix("\N{NO-BREAK SPACE}%")
    scale = 100 if text.endswith("%") else 1
    digits = len(plain.partition(".")[2])
    return any(f"{abs(scale * number):.{digits}f}" == plain.lstrip("+-") for number in numbers)


def drawn(kind: Any, random: Random) -> Any:
    """Return a plain JSON value of a dataclass's shape, full of numbers that occur nowhere else."""
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return {field.name: drawn(hints[field.name], random) for field in dataclasses.fields(kind)}
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return drawn(next(one for one in arguments if one is not type(None)), random)
    if origin is tuple:
        parts = (arguments[0],) * 2 if arguments[-1] is Ellipsis else arguments
        return [drawn(one, random) for one in parts]
    if origin is dict:
        return {f"key_{letter}": drawn(arguments[1], random) for letter in "ab"}
    made = {float: random.random, int: lambda: random.randrange(100, 10_000), bool: lambda: False, str: lambda: "text"}
    return made[kind]()
