"""The Android demo, built once for all tests that look at it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "android_demo"
TOOLS = ("mvn", "javac", "aapt2", "apksigner", "zipalign", "dexdump")


@pytest.fixture(scope="session")
def built_demo(testrun_uid: str) -> Path:
    """Build the demo with Maven, tests and APK included, once in a test run, whichever worker comes first."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"android_demo was neither built nor tested: no {', '.join(missing)} on this machine")
    target = DEMO / "target"
    target.mkdir(exist_ok=True)
    with (target / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = target / "built-by"
        if not stamp.is_file() or stamp.read_text("utf-8") != testrun_uid:
            stamp.unlink(missing_ok=True)
            _maven("verify")
            stamp.write_text(testrun_uid, "utf-8")
    return DEMO


def _maven(*goals: str) -> None:
    # A worker's own settings of Python are not for the Python that packs the APK.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    # A file, for the compiler's daemon outlives Maven and would keep a pipe open.
    log = DEMO / "target" / "maven.log"
    with log.open("wb") as file:
        done = subprocess.run(["mvn", "-q", "-B", *goals], cwd=DEMO, env=environment, stdout=file, stderr=file)
    if done.returncode:
        pytest.fail(f"mvn {' '.join(goals)} failed:\n{log.read_text('utf-8', 'replace')[-8000:]}", pytrace=False)
