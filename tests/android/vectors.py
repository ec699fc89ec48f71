"""Write the vectors that Kotlin's tests compare themselves with: ``python tests/android/vectors.py``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from android.vector_decisions import decisions, outliers
from android.vector_files import damaged, files
from android.vector_photos import exif_cases
from android.vector_pictures import orientations, qualities, resizes

FOLDER = Path(__file__).parents[2] / "android_demo" / "core" / "src" / "test" / "resources" / "vectors"
VECTORS: dict[str, Callable[[], Any]] = {
    "damaged": damaged,
    "decisions": decisions,
    "exif": exif_cases,
    "files": files,
    "orientations": orientations,
    "outliers": outliers,
    "qualities": qualities,
    "resizes": resizes,
}


def text(name: str) -> str:
    """Return the JSON of one group of vectors, a case a line."""
    made = VECTORS[name]()
    groups = made if isinstance(made, dict) else {"cases": made}
    lines = [f"{json.dumps(key)}: {_block(group)}" for key, group in groups.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _block(group: Any) -> str:
    if not isinstance(group, list):
        return json.dumps(group, allow_nan=False)
    return "[\n" + ",\n".join(json.dumps(case, allow_nan=False) for case in group) + "\n]"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in VECTORS:
        (FOLDER / f"{name}.json").write_text(text(name), "utf-8")
