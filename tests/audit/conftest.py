"""What several tests of the audit look at."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made import faulty, material

from melanoma_edge.audit import Audit, audit
from melanoma_edge.audit.material import Material


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything wrong."""
    return faulty(tmp_path_factory.mktemp("audit") / "images")


@pytest.fixture(scope="session")
def gathered(folder: Path) -> Material:
    """What is in that folder."""
    return material(folder)


@pytest.fixture(scope="session")
def audited(folder: Path) -> Audit:
    """The audit of that folder."""
    return audit([folder], folder=folder.parent / "index", workers=1)
