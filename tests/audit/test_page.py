"""The page: whole, alone, safe, and readable by everyone."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from melanoma_edge.audit import Audit
from melanoma_edge.audit import page as module
from melanoma_edge.audit.page import render, write_page


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(html)
    assert parser.open == []
    return parser.found


def test_the_page_needs_nothing_else(audited: Audit) -> None:
    html = render(audited)
    addresses = [value for _, attrs in _tags(html) for name, value in attrs.items() if name in ("src", "href")]
    assert all(str(address).startswith(("data:image/jpeg;base64,", "#")) for address in addresses)
    assert not re.search(r"https?:|url\(|@import|<script", html)


def test_every_picture_table_and_heading_can_be_read_aloud(audited: Audit) -> None:
    tags = _tags(render(audited))
    pictures = [attrs for tag, attrs in tags if tag == "img"]
    assert len(pictures) == 2 * len(audited.copies.pairs)
    assert all(attrs["alt"] for attrs in pictures)
    names = [tag for tag, _ in tags]
    assert names.count("caption") == names.count("table")
    assert all(attrs.get("scope") for tag, attrs in tags if tag == "th")
    assert dict(tags)["html"]["lang"] == "en" and names.count("h1") == 1 and "main" in names
    assert ("a", {"class": "skip", "href": "#findings"}) in tags


def test_it_says_what_the_audit_says(audited: Audit) -> None:
    html = render(audited)
    assert "Usable after these steps" in html
    assert audited.verdict.command in html
    assert "Pairs: equal bytes (3)" in html and "Two labels: melanoma, nevus." in html
    assert "prefers-color-scheme: dark" in html and "@media print" in html
    assert "Train/nevus/broken.jpg" in html


def test_names_cannot_smuggle_markup_in(audited: Audit) -> None:
    nasty = replace(audited.copies.pairs[0], first="/x/<b>&.jpg", labels=("<script>x</script>", "b"))
    html = render(replace(audited, copies=replace(audited.copies, pairs=(nasty,))))
    assert "<script>" not in html and "&lt;script&gt;" in html and "/x/&lt;b&gt;&amp;.jpg" in html
    assert "not decodable" in html


def test_of_many_pairs_the_first_are_shown_and_all_are_counted(audited: Audit) -> None:
    pair = next(pair for pair in audited.copies.pairs if pair.kind.value == "equal bytes")
    many = replace(audited.copies, pairs=(pair,) * (module.SHOWN + 5))
    html = render(replace(audited, copies=many))
    assert html.count("<img") == 2 * module.SHOWN
    assert f"Pairs: equal bytes ({module.SHOWN + 5})" in html and f"The first {module.SHOWN};" in html


def test_it_is_written_whole(audited: Audit, tmp_path: Path) -> None:
    write_page(audited, tmp_path / "deep" / "audit.html")
    assert (tmp_path / "deep/audit.html").read_text("utf-8") == render(audited)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["audit.html"]
