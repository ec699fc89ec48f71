"""Reading a bundle that is as it should be; what is not is in ``test_tampered.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.bundle import open_bundle, verify
from melanoma_edge.bundle.writing import write
from melanoma_edge.errors import TrustError


def test_a_bundle_holds_what_its_run_has(files: dict[str, bytes], judged_run: Any) -> None:
    bundle = verify(files, "bundle")
    assert bundle.contract == judged_run.contract
    assert files["model.tflite"] == (judged_run.artifacts / "model-int8.tflite").read_bytes()
    assert (bundle.manifest.verdict, bundle.manifest.lesions, bundle.manifest.melanomas) == ("PASS", 880, 80)
    assert not bundle.signed and not bundle.trusted
    bundle.rehearse()


def test_folder_and_zip_are_one_bundle(files: dict[str, bytes], tmp_path: Path) -> None:
    write(files, tmp_path / "b")
    folder, archive = open_bundle(tmp_path / "b"), open_bundle(tmp_path / "b.zip")
    assert folder.files == archive.files == files
    assert folder.sha256 == archive.sha256


def test_a_signature_is_trusted_only_with_its_key(signed: dict[str, bytes], key: Any) -> None:
    bundle = verify(signed, "bundle")
    assert bundle.signed and not bundle.trusted
    assert verify(signed, "bundle", key.public_key()).trusted


def test_its_runner_bears_the_safeguards_of_the_manifest(files: dict[str, bytes]) -> None:
    bundle = verify(files, "bundle")
    assert bundle.contract.safeguards is None
    with bundle.runner() as runner:
        assert runner.contract.safeguards == bundle.manifest.safeguards
        assert runner.name == "litert"


@pytest.mark.parametrize("name", ["missing", "missing.zip", "file/inside"])
def test_a_missing_bundle_is_said_to_be_missing(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(TrustError, match="bundle missing"):
        open_bundle(tmp_path / name)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(TrustError, match="not a bundle"):
        open_bundle(tmp_path)
