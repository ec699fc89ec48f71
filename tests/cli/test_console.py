"""Progress as people see it: with the time left on a terminal, in a few plain lines elsewhere."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from melanoma_edge.cli import console
from melanoma_edge.cli.console import Reporter

Tell = Callable[[float, int], None]


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Tell a reporter without bars, at a second of an invented clock, how many of 1,000 are done."""
    reporter, clock = Reporter(False, None), [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: clock[0])

    def at(second: float, done: int) -> None:
        clock[0] = second
        reporter.progress("looking", done, 1000)

    return at


def test_short_work_is_one_line_without_a_terminal(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    for second, done in ((0.0, 0), (0.5, 400), (0.9, 1000)):
        tell(second, done)
    captured = capsys.readouterr()
    assert captured.err == "looking: 1000\n" and captured.out == ""


def test_long_work_tells_once_a_minute_how_long_it_will_take(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    for second in range(0, 501):
        tell(second, 2 * second)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "looking: 120 of 1000, 2/s, 0:07:20 left"
    assert lines[7:] == ["looking: 960 of 1000, 2/s, 0:00:20 left", "looking: 1000, 2/s"]


def test_what_was_done_before_makes_nothing_faster(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    for second, done in ((0, 900), (60, 960), (100, 1000)):
        tell(second, done)
    assert capsys.readouterr().err.splitlines() == ["looking: 960 of 1000, 1/s, 0:00:40 left", "looking: 1000, 1/s"]


def test_work_begun_again_is_timed_anew(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    for second, done in ((0, 0), (100, 1000), (900, 0), (950, 1000)):
        tell(second, done)
    assert capsys.readouterr().err.splitlines() == ["looking: 1000, 10/s", "looking: 1000, 20/s"]


def test_what_is_not_counted_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    Reporter(False, None).progress("waiting for another run", 0, 0)
    assert capsys.readouterr().err == "waiting for another run\n"


def test_quiet_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    reporter, clock = Reporter(True, None), iter((0.0, 100.0, 200.0))
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    for done in (0, 5, 10):
        reporter.progress("looking", done, 10)
    assert capsys.readouterr().err == ""


WORK = """
import time
from melanoma_edge.cli.console import reporting
with reporting(False) as reporter:
    reporter.progress("waiting for another run", 0, 0)
    time.sleep(0.3)
    for done in range(0, 41):
        reporter.progress("looking at images", done, 100)
        time.sleep(0.05)
"""


def test_a_terminal_shows_a_bar_the_speed_and_the_time_left() -> None:
    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", WORK], stderr=child, stdin=child, env=environment) as process:
        os.close(child)
        shown = b""
        while True:
            try:
                got = os.read(parent, 4096)
            except OSError:  # how Linux tells of the other end's closing
                break
            shown += got
    os.close(parent)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert re.search(r"waiting for another run .* 0/\?", text), text
    assert re.search(r"looking at images .* \d+/100 +\d+(\.\d)?/s 0:00:0\d", text), text
