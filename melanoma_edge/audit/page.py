"""One page for people: the whole audit with pictures of the pairs, in one file that needs no network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from melanoma_edge.audit import Audit
from melanoma_edge.audit.pairs import Kind, Pair
from melanoma_edge.files import write_text
from melanoma_edge.thumbnail import thumbnail

SHOWN = 60
"""Pairs of each kind that a page shows; the others are in the JSON document."""

_SIDE = 144


@dataclass(frozen=True)
class Section:
    """Hold the pairs of one kind: how many there are, and those shown."""

    kind: Kind
    count: int
    pairs: tuple[Pair, ...]


def write_page(audit: Audit, path: Path) -> str:
    """Write the page of an audit and return its sha256.

    Raises:
        MachineError: when it cannot be written.
    """
    return write_text(path, render(audit))


def render(audit: Audit) -> str:
    """Return the page of an audit as HTML; the pictures of the pairs are read anew and small."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"thousands": "{:,}".format, "percent": _percent, "two": "{:.2f}".format}
    environment.globals |= {"picture": lambda path: thumbnail(Path(path), _SIDE), "short": _shortener(audit.paths)}
    template = files("melanoma_edge.audit").joinpath("page.html").read_text("utf-8")
    origins = sorted({origin for row in audit.confounding.origins.values() for origin in row})
    return environment.from_string(template).render(
        audit=audit, sections=_sections(audit.copies.pairs), origins=origins
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def _sections(pairs: Sequence[Pair]) -> list[Section]:
    found = [(kind, [pair for pair in pairs if pair.kind is kind]) for kind in Kind]
    return [Section(kind, len(inside), tuple(inside[:SHOWN])) for kind, inside in found if inside]


def _shortener(folders: Sequence[str]) -> object:
    """Return a function that says where a file lies below the folder that was named."""
    roots = [os.path.abspath(folder) for folder in folders]

    def short(path: str) -> str:
        inside = [os.path.relpath(path, root) for root in roots if Path(path).is_relative_to(root)]
        return min(inside, key=len, default=path)

    return short
