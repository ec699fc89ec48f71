"""The command: tables, JSON, page, plan, exit codes."""

from pathlib import Path
from typing import Any

from pictures import two_classes


def test_tables_verdict_and_page(run: Any, tmp_path: Path) -> None:
    two_classes(tmp_path / "data", each=5)
    answer = run("audit", tmp_path / "data", "--html", tmp_path / "audit.html", "--workers", 1)
    assert answer.code == 0, answer.err
    assert "Verdict: usable." in answer.out
    assert f"melanoma-edge train --data {tmp_path / 'data'} --out runs/audited" in answer.out
    for title in ("Files", "Copies", "Where classes", "What a split can prove"):
        assert title in answer.out
    assert "looking at images: 10" in answer.err
    assert (tmp_path / "audit.html").read_text("utf-8").startswith("<!doctype html>")


def test_json_is_one_document_and_agrees_with_the_tables(run: Any, tmp_path: Path) -> None:
    two_classes(tmp_path / "data", each=5)
    answer = run("audit", tmp_path / "data", "--json", "--quiet")
    assert answer.document["schema"] == "melanoma-edge/audit/1"
    assert answer.document["files"]["files"] == 10
    assert answer.err == ""


def test_faults_and_steps_are_shown(run: Any, tmp_path: Path) -> None:
    two_classes(tmp_path / "data", each=5)
    (tmp_path / "data/nevus/broken.jpg").write_bytes(b"text")
    data = (tmp_path / "data/nevus/nevus1.jpg").read_bytes()
    (tmp_path / "data/melanoma/two-labels.jpg").write_bytes(data)
    answer = run("audit", tmp_path / "data", "--quiet")
    assert answer.code == 0
    assert "Step 1: 1 files cannot be decoded." in answer.out
    assert "--on-conflict drop: leave all their files out" in answer.out
    assert "melanoma and nevus" in answer.out and "broken.jpg" in answer.out


def test_what_cannot_be_trained_on_ends_with_code_3(run: Any, tmp_path: Path) -> None:
    two_classes(tmp_path / "data", each=2)
    answer = run("audit", tmp_path / "data", "--quiet")
    assert answer.code == 3
    assert "Verdict: not usable." in answer.out and "In the way: " in answer.out


def test_a_plan_does_nothing(run: Any, tmp_path: Path) -> None:
    two_classes(tmp_path / "data", each=2)
    answer = run("audit", tmp_path / "data", "--dry-run", "--html", tmp_path / "audit.html")
    assert answer.code == 0 and "looked at before" in answer.out
    assert not (tmp_path / "audit.html").exists()
    plan = run("audit", tmp_path / "data", "--dry-run", "--json").document
    assert (plan["files"], plan["known"]) == (4, 0)


def test_a_table_is_read_by_named_columns(run: Any, tmp_path: Path) -> None:
    two_classes(tmp_path / "data", each=4)
    lines = [f"{path.name},{path.parent.name},p{path.stem}" for path in sorted((tmp_path / "data").rglob("*.jpg"))]
    (tmp_path / "data/table.csv").write_text("\n".join(["file,what,who", *lines]))
    columns = ("--source", "csv", "--path-column", "file", "--label-column", "what", "--group-column", "who")
    answer = run("audit", tmp_path / "data", *columns, "--json")
    assert answer.code == 0, answer.err
    assert "--path-column file" in answer.document["verdict"]["command"]
