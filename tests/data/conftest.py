"""Images and a folder that the tests of the pixel cache share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cached import make_rows

from melanoma_edge.data import cache
from melanoma_edge.data.catalog import CatalogRow


@pytest.fixture
def rows(tmp_path: Path) -> tuple[CatalogRow, ...]:
    return make_rows(tmp_path / "images", 40)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def forbidden(*_: object) -> None:
        raise AssertionError("an image was read again")

    return lambda: monkeypatch.setattr(cache, "read_picture", forbidden)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the images read from now on."""
    names: list[str] = []
    read = cache.read_picture
    monkeypatch.setattr(cache, "read_picture", lambda path: names.append(path.stem) or read(path))
    return names
