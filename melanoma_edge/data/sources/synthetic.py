"""The built-in synthetic set: made by this package, marked as such, and laid out like HAM10000."""

from __future__ import annotations

import json
from pathlib import Path

from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources.base import Listing
from melanoma_edge.data.sources.ham10000 import read_lesion_table
from melanoma_edge.errors import DataError

MARKER = "synthetic.json"
SCHEMA = "melanoma-edge/synthetic/1"
TABLE = "metadata.csv"


class SyntheticSource:
    """Read a folder that carries the marker of the synthetic set."""

    name = "synthetic"
    looks_for = f"{MARKER}, the marker of the built-in synthetic set"

    def recognise(self, path: Path) -> str | None:
        """Name the marker, or return None where it is missing."""
        return MARKER if (path / MARKER).is_file() else None

    def read(self, path: Path, reading: Reading) -> Listing:
        """List the synthetic images.

        Raises:
            DataError: when marker, table or images are missing or not what they should be.
        """
        _check_marker(path / MARKER)
        if not (path / TABLE).is_file():
            raise DataError(f"synthetic set lacks {TABLE}", where=str(path), fix=_REMAKE)
        rows, notes = read_lesion_table(path / TABLE, self.name, reading)
        return Listing("synthetic set", rows, ("none needed (generated)",), synthetic=True, notes=notes)


_REMAKE = "delete the folder and let it be made again"


def _check_marker(marker: Path) -> None:
    try:
        document = json.loads(marker.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError("marker of the synthetic set is missing or broken", where=str(marker), fix=_REMAKE) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise DataError(f"synthetic set of schema {schema!r}, expected {SCHEMA!r}", where=str(marker), fix=_REMAKE)
