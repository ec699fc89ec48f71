"""The bundle that the demo app carries, and the script that makes it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma_edge import __version__
from melanoma_edge.bundle import choice, open_bundle
from melanoma_edge.bundle.assemble import assemble
from melanoma_edge.bundle.container import zip_bytes
from melanoma_edge.bundle.photos import SHOTS
from melanoma_edge.bundle.sources import from_bundle

ANDROID = Path(__file__).parents[2] / "android_demo"
DEMO = ANDROID / "app/src/main/assets/bundle.zip"
OTHERWISE = "the tool writes another bundle now: run android_demo/refresh_bundle.sh --same-model"
OTHER_PROCESSORS = 2e-5
"""How far float sums may be apart on different processors, which round otherwise."""


def test_it_is_sound_and_says_what_it_is() -> None:
    bundle = open_bundle(DEMO)
    bundle.rehearse()
    manifest = bundle.manifest
    assert manifest.synthetic and not bundle.signed
    assert (manifest.verdict, manifest.limits_changed, manifest.release) == ("PASS", False, 1)
    assert list(manifest.artifacts) == ["tflite", "onnx"]
    assert bundle.records["tflite"].extras == ("embedding", "cam")
    assert manifest.safeguards.outlier is not None
    assert {vector.decision for vector in bundle.golden.vectors} == {"refer", "no-sign"}
    assert DEMO.stat().st_size < 4_500_000


def test_it_is_what_the_tool_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "SHOTS", SHOTS)
    bundle = open_bundle(DEMO)
    again = assemble(from_bundle(bundle), f"melanoma-edge {__version__}", bundle.manifest.release)
    different = {name for name in again.keys() | bundle.files.keys() if again.get(name) != bundle.files.get(name)}
    if not different:
        assert zip_bytes(again) == DEMO.read_bytes(), OTHERWISE
        return
    assert different == {"golden/golden.json", "manifest.json"}, OTHERWISE
    _assert_alike(json.loads(again["golden/golden.json"]), json.loads(bundle.files["golden/golden.json"]))
    manifests = [json.loads(files["manifest.json"]) for files in (again, bundle.files)]
    for manifest in manifests:
        del manifest["files"]["golden/golden.json"]
    assert manifests[0] == manifests[1], OTHERWISE


def _assert_alike(now: Any, then: Any) -> None:
    """Compare golden vectors, whose answers may differ by what float sums do between processors."""
    for one, other in zip(now["vectors"], then["vectors"], strict=True):
        found, expected = one.pop("answers"), other.pop("answers")
        assert list(found) == list(expected), OTHERWISE
        for name in found:
            assert np.abs(np.subtract(found[name], expected[name])).max() <= OTHER_PROCESSORS, OTHERWISE
    assert now == then, OTHERWISE


FAKE = """#!/bin/sh
echo "$*" >> "$LOG"
while [ $# -gt 1 ]; do [ "$1" = --out ] && out=$2; shift; done
echo "$out" | grep -q bundle && echo new > "$out.zip" || true
"""


@pytest.fixture
def script(tmp_path: Path) -> Any:
    """Run a copy of the script with a stand-in for the tool; return its exit code and the commands it gave."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/melanoma-edge").write_text(FAKE)
    (tmp_path / "bin/melanoma-edge").chmod(0o755)
    copy = tmp_path / "refresh_bundle.sh"
    copy.write_bytes((ANDROID / "refresh_bundle.sh").read_bytes())

    def run(*options: str) -> tuple[int, list[str]]:
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(["sh", copy, *options], env={"PATH": path, "LOG": str(tmp_path / "log")})
        log = tmp_path / "log"
        return done.returncode, log.read_text().splitlines() if log.exists() else []

    return run


def test_the_script_trains_exports_and_bundles(script: Any, tmp_path: Path) -> None:
    code, commands = script()
    assert code == 0
    assert [command.split()[0] for command in commands] == ["train", "export", "bundle"]
    assert (tmp_path / "app/src/main/assets/bundle.zip").read_text() == "new\n"


def test_the_script_bundles_the_same_model_again(script: Any, tmp_path: Path) -> None:
    code, commands = script("--same-model")
    assert code == 0
    assert commands[0].startswith(f"bundle {tmp_path}/app/src/main/assets/bundle.zip --out ")


def test_the_script_knows_no_other_option(script: Any) -> None:
    assert script("--new-model") == (2, [])


def test_the_script_names_options_that_are_there() -> None:
    from click import Context

    from melanoma_edge.cli.main import cli

    lines = [line.split() for line in (ANDROID / "refresh_bundle.sh").read_text().splitlines()]
    commands = [line[1:] for line in lines if line and line[0] == "melanoma-edge"]
    assert len(commands) == 3
    for name, *arguments in commands:
        command = cli.get_command(Context(cli), name)  # type: ignore[attr-defined]
        command.make_context(name, [part.strip('"') for part in arguments])
