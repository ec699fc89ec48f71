"""Fixtures of this room; the tiny network and its images live one folder up, shared with other rooms."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from tiny import shrink, tiny_config, write_images

from melanoma_edge.training.run import Run
from melanoma_edge.training.trainer import train


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return class folders of tiny images."""
    return write_images(tmp_path_factory.mktemp("lesions") / "data")


@pytest.fixture(scope="session")
def run(images: Path) -> Run:
    """Return a run trained without interruption; tests copy what they mean to change."""
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        patch.setenv("MELANOMA_EDGE_CACHE", str(images.parent / "cache"))
        return train(tiny_config(images), images.parent / "run")
