"""Fixtures of this room; the toys live one folder up, shared with other rooms."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from toys import toy_artifacts, toy_batch, toy_expected, toy_run

__all__ = ["toy_artifacts", "toy_batch", "toy_expected", "toy_run"]


@pytest.fixture(scope="session")
def toy_material(toy_run: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the toy run's material for int8, with plain rounding, which is there at once."""
    from exporters.material import Material, Recipe

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = Material(toy_run, Recipe(8, rounding="nearest", check_calibration=False))
        assert made.chosen.pixels.any() and made.ranges
    return made
