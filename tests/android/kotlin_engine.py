"""The Kotlin engine's command line, from the classes that Maven has built."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "android_demo" / "engine" / "target"
MAIN = "melanomaedge.engine.jvm.MainKt"
_TIMEOUT = 1800


class NotBuiltError(Exception):
    """Say what is missing to run the Kotlin classes."""


def classpath(target: Path) -> str:
    """Return the class path of the built engine.

    Raises:
        NotBuiltError: when Java or the classes are missing.
    """
    if not shutil.which("java"):
        raise NotBuiltError("java is not installed")
    listed = target / "classpath.txt"
    if not listed.is_file() or not (target / "classes").is_dir():
        raise NotBuiltError("the Kotlin engine is not built: run `mvn package` in android_demo")
    return f"{target / 'classes'}:{listed.read_text().strip()}"


def ask_kotlin(bundle: Path, engine: str, photos: Sequence[Path], *options: str) -> list[dict[str, Any]]:
    """Return one answer per photo of the Kotlin command line, in order.

    Raises:
        RuntimeError: when it stops.
    """
    command = [
        "java",
        "-Xmx1g",
        "-cp",
        classpath(TARGET),
        MAIN,
        str(bundle),
        "--engine",
        engine,
        *options,
        *map(str, photos),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(photos):
        raise RuntimeError(f"{len(answers)} answers for {len(photos)} photos, code {done.returncode}: {done.stderr}")
    return answers
