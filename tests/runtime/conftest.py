"""Fixtures of this room; the toys live one folder up, shared with other rooms."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from toys import toy_artifacts, toy_batch, toy_expected, toy_run

__all__ = ["toy_artifacts", "toy_batch", "toy_expected", "toy_run"]

sys.path.insert(0, str(Path(__file__).parent))
