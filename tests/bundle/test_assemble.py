"""The files of a bundle, always the same."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from melanoma_edge.bundle import verify
from melanoma_edge.bundle.assemble import assemble
from melanoma_edge.bundle.sources import from_bundle, from_run

TOOL = "melanoma-edge 0.test"
"""What the fixture ``files`` says made it."""


def test_the_same_run_at_two_places_gives_the_same_bytes(
    judged_run: Any, files: dict[str, bytes], tmp_path: Path
) -> None:
    copy = replace(judged_run, path=tmp_path / "elsewhere")
    shutil.copytree(judged_run.artifacts, copy.artifacts)
    assert assemble(from_run(copy), TOOL) == files


def test_a_bundle_is_made_again_of_its_own_files(files: dict[str, bytes]) -> None:
    assert assemble(from_bundle(verify(files, "bundle")), TOOL) == files


def test_release_and_key_change_the_manifest_alone(chosen: Any, files: dict[str, bytes], key: Any) -> None:
    other = assemble(chosen, TOOL, 2, key)
    assert other == assemble(chosen, TOOL, 2, key)
    changed = {name for name in other if other[name] != files.get(name)}
    assert changed == {"manifest.json", "manifest.sig"}
    assert verify(other, "bundle", key.public_key()).manifest.release == 2


def test_the_manifest_has_its_keys_in_order(files: dict[str, bytes]) -> None:
    document = json.loads(files["manifest.json"])
    assert list(document) == [
        *("schema", "name", "release", "tool", "synthetic", "target", "verdict", "limits_changed"),
        *("lesions", "melanomas", "artifacts", "safeguards", "chain", "files"),
    ]
    assert list(document["chain"]) == [
        *("catalog", "weights", "reference", "contract", "tflite", "parity_tflite", "onnx", "parity_onnx", "sha256"),
    ]
    assert list(document["files"]) == sorted(set(files) - {"manifest.json"})
    assert document["tool"] == TOOL


def test_without_onnx_nothing_of_it_is_there(judged_run: Any) -> None:
    files = assemble(from_run(judged_run, formats=("tflite",)), TOOL)
    document = json.loads(files["manifest.json"])
    assert "onnx" not in document["artifacts"] and "parity_onnx" not in document["chain"]
    bundle = verify(files, "bundle")
    assert set(bundle.golden.vectors[0].answers) == {"litert", "litert-plain"}
