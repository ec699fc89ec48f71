from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest

from melanoma_edge.quiet import quiet_native


def test_native_output_goes_to_the_log(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "melanoma_edge.quiet"):
        with quiet_native():
            os.write(2, b"chatter\n")
        os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
    assert "chatter" in caplog.text


def test_it_ends_with_the_block_even_when_that_fails(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), quiet_native():
        raise KeyError
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


def test_python_s_own_stderr_stays_visible() -> None:
    script = (
        "import os, sys\nfrom melanoma_edge.quiet import quiet_native\n"
        "with quiet_native():\n    os.write(2, b'native'); print('python', file=sys.stderr)\n"
        "print('later', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=_environment()
    )
    assert done.stderr == "python\nlater\n"


def test_a_closed_stderr_is_no_obstacle() -> None:
    script = "import os; os.close(2)\nfrom melanoma_edge.quiet import quiet_native\nwith quiet_native(): print('done')"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=_environment()
    )
    assert done.stdout == "done\n"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
