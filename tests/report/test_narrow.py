"""What a phone shows in front of each cell."""

from __future__ import annotations

from pages import Page

from melanoma_edge.evidence.reporting import write_report
from melanoma_edge.report.narrow import with_labels
from melanoma_edge.training.run import Run

HEAD = '<thead><tr><th>file</th><th scope="col">a &amp; <b>b</b></th><td></td><th>last</th></tr></thead>'


def test_each_cell_bears_the_name_of_its_column() -> None:
    rows = '<tr><th scope="row">x</th><td>1</td><td class="c">2</td><td>3</td></tr>'
    rows += '<tr><td colspan="3">4</td><td>5</td></tr>'
    cells = Page(with_labels(f"<table>{HEAD}<tbody>{rows}</tbody></table>")).named("td")
    assert [cell.get("data-label") for cell in cells] == [None, "a & b", None, "last", "file", "last"]
    assert cells[2] == {"class": "c"}


def test_a_table_without_a_head_and_all_else_stay() -> None:
    html = "<p>1 < 2</p><table><tr><td>1</td></tr></table><td>"
    assert with_labels(html) == html


def test_cells_of_the_page_have_labels_for_phones(full: Run) -> None:
    html = write_report(full).page.read_text()
    labels = {cell.get("data-label") for cell in Page(html).named("td")}
    assert {"verdict", "specificity lost, at most", "specificity", "change of AUC"} <= labels
    assert "@media screen and (max-width: 40rem)" in html and "content: attr(data-label)" in html
