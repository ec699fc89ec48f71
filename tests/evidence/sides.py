"""A tiny run with limits of strangeness, and an exported file with every output; fixtures of several test files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny import shrink, tiny_config, write_images

from melanoma_edge.evidence.models import open_models
from melanoma_edge.evidence.side_by_side import SideBySide, side_by_side


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> SideBySide:
    """Return a run of 180 images and its int8 file."""
    from exporters import export
    from melanoma_edge.training.trainer import train

    home = tmp_path_factory.mktemp("sides")
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        patch.setenv("MELANOMA_EDGE_CACHE", str(home / "cache"))
        run = train(tiny_config(write_images(home / "data", per_class=60), uncertain=0.1), home / "run")
        options: dict[str, Any] = {"calibration_images": 16, "check_calibration": False, "rounding": "nearest"}
        file = export(run, "tflite", "int8", extras=("cam",), **options)
        return side_by_side(open_models([run.path, file.path]))


@pytest.fixture
def _cache(both: SideBySide, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let tests find the decoded squares of that run."""
    cache = both.run.path.parent / "cache"
    monkeypatch.setenv("MELANOMA_EDGE_CACHE", str(cache))
    return cache
