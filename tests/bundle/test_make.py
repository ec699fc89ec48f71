"""A bundle is checked as any reader would before a byte of it is on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.bundle import make, open_bundle
from melanoma_edge.bundle.make import make_bundle
from melanoma_edge.errors import TrustError, UsageError


def test_what_is_made_is_what_is_written(chosen: Any, key: Any, tmp_path: Path) -> None:
    made = make_bundle(chosen, tmp_path / "b", "tool", release=5, key=key)
    read = open_bundle(tmp_path / "b.zip", key.public_key())
    assert made.trusted and made.sha256 == read.sha256
    assert (read.manifest.release, read.manifest.tool) == (5, "tool")


def test_a_place_that_is_taken_is_refused_before_any_work(
    chosen: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "assemble", lambda *_: pytest.fail("worked in vain"))
    (tmp_path / "b.zip").touch()
    with pytest.raises(UsageError, match="refusing to overwrite"):
        make_bundle(chosen, tmp_path / "b", "tool")


@pytest.mark.parametrize("spoiled", ["golden/01.rgb", "model.tflite"])
def test_what_does_not_fit_is_never_written(
    chosen: Any, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoiled: str
) -> None:
    monkeypatch.setattr(make, "assemble", lambda *_: {**files, spoiled: b""})
    with pytest.raises(TrustError):
        make_bundle(chosen, tmp_path / "b", "tool")
    assert list(tmp_path.iterdir()) == []
