"""The demo's own tests, which Maven runs, and the APK, which Maven packs and inspects."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("module", ["core", "engine", "app", "checks"])
def test_every_module_is_tested_and_leaves_nothing_out(built_demo: Path, module: str) -> None:
    suites = [ElementTree.parse(path).getroot() for path in built_demo.glob(f"{module}/target/surefire-reports/*.xml")]
    counts = {name: sum(int(suite.get(name, "0")) for suite in suites) for name in ("tests", "failures", "errors")}
    assert counts["tests"] > 0
    assert counts["failures"] == counts["errors"] == 0


def test_there_is_an_apk(built_demo: Path) -> None:
    apk = built_demo / "app" / "target" / "melanoma-edge.apk"
    assert apk.stat().st_size < 30_000_000
    assert apk.read_bytes()[:2] == b"PK"


def test_the_engine_runs_without_maven(built_demo: Path) -> None:
    jars = (built_demo / "engine" / "target" / "classpath.txt").read_text("utf-8").strip().split(":")
    assert [jar for jar in jars if not Path(jar).is_file()] == []
    assert any("linux-x86_64" in jar for jar in jars)
