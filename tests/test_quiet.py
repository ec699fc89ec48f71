"""Native chatter goes to the log, Python's own words to the terminal."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from melanoma_edge.quiet import quiet_native

SCRIPT = """
import logging, os, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(levelname)s %(message)s")
from melanoma_edge.quiet import quiet_native
{body}
"""
BODY = """
with quiet_native():
    os.write(2, b"native inside\\n")
    print("python inside", file=sys.stderr)
os.write(2, b"native after\\n")
print("python after", file=sys.stderr)
"""


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _ran(body: str, before: str = "") -> subprocess.CompletedProcess[str]:
    script = before + SCRIPT.format(body=body)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)


def test_native_words_are_logged_and_python_words_shown() -> None:
    done = _ran(BODY)
    assert done.stdout == "DEBUG native inside\n"
    assert done.stderr == "python inside\nnative after\npython after\n"
    assert done.returncode == 0


def test_an_error_inside_leaves_stderr_as_it_was() -> None:
    body = "try:\n    with quiet_native():\n        raise KeyError\nexcept KeyError:\n    os.write(2, b'after\\n')"
    assert _ran(body).stderr == "after\n"


def test_blocks_inside_blocks_are_fine() -> None:
    body = (
        "with quiet_native():\n    with quiet_native():\n        os.write(2, b'deep\\n')\n    os.write(2, b'less\\n')\n"
    )
    done = _ran(body + "os.write(2, b'after\\n')")
    assert done.stderr == "after\n"
    assert sorted(done.stdout.splitlines()) == ["DEBUG deep", "DEBUG less"]


def test_a_closed_stderr_is_no_reason_to_stop() -> None:
    done = _ran("with quiet_native():\n    print('went on')", before="import os; os.close(2)")
    assert (done.stdout, done.returncode) == ("went on\n", 0)


def test_bytes_that_are_no_text_do_not_break_the_log() -> None:
    done = _ran("with quiet_native():\n    os.write(2, b'\\xff\\n')\n")
    assert (done.returncode, done.stdout.startswith("DEBUG ")) == (0, True)


def test_descriptors_are_given_back(caplog: pytest.LogCaptureFixture) -> None:
    before = _open_descriptors()
    with caplog.at_level(logging.DEBUG, "melanoma_edge.quiet"):
        for number in range(20):
            with quiet_native():
                os.write(2, f"line {number}\n".encode())
    assert _open_descriptors() == before
    assert caplog.messages == [f"line {number}" for number in range(20)]
