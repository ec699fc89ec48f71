"""Tables that stay readable on a phone: each cell bears the name of its column, which the style shows before it."""

from __future__ import annotations

import re

_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
_HEAD = re.compile(r"<thead>.*?</thead>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<(t[hd])\b([^>]*)>")
_WHOLE = re.compile(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_SPAN = re.compile(r'colspan="(\d+)"')


def with_labels(html: str) -> str:
    """Return a page, as the templates make it, whose tables name the column in each cell; one without a head stays."""
    return _TABLE.sub(lambda found: _labelled(found[0]), html)


def _labelled(table: str) -> str:
    head = _HEAD.search(table)
    if head is None:
        return table
    names = [_TAG.sub("", name).strip() for name in _WHOLE.findall(head[0])]
    return table[: head.end()] + _ROW.sub(lambda row: _row(row[0], names), table[head.end() :])


def _row(row: str, names: list[str]) -> str:
    place = 0

    def cell(found: re.Match[str]) -> str:
        nonlocal place
        kind, attributes = found.groups()
        name = names[place] if kind == "td" and place < len(names) else ""
        span = _SPAN.search(attributes)
        place += int(span[1]) if span else 1
        return f'<{kind}{attributes} data-label="{name}">' if name else found[0]

    return _CELL.sub(cell, row)
