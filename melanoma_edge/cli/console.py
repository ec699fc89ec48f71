"""What people see: notes, progress and tables. Data goes to stdout, all else to stderr."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


def note(text: str, quiet: bool = False) -> None:
    """Say something to people, on stderr."""
    if not quiet:
        click.echo(harmless(text), err=True)


def harmless(text: str) -> str:
    """Return text that a terminal shows and does not obey: control characters and undecodable bytes are spelt out."""
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in ("Cc", "Cs") and character != "\n"
        else character
        for character in text
    )


def print_json(document: Any) -> None:
    """Print one JSON document on stdout; bytes of file names that are no text stand there as escapes."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    click.echo(text.encode("utf-8", "backslashreplace").decode())


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], grey: Collection[int] = ()
) -> None:
    """Print a table on stdout, as wide as it needs to be when nobody looks; ``grey`` rows are dimmed."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right", overflow="fold", no_wrap=place == 0)
    for number, row in enumerate(rows):
        table.add_row(*(Text(harmless(str(cell))) for cell in row), style="dim" if number in grey else None)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def estimate(value: dict[str, float] | None) -> str:
    """Return ``0.912 (0.890-0.931)`` from a value with its interval."""
    return f"{value['value']:.3f} ({value['low']:.3f}-{value['high']:.3f})" if value else "not defined"


_TOLD_EVERY = 60.0
"""Seconds between lines about a task that goes on, where there are no bars."""


@dataclass
class _Begun:
    """Remember when a task began, with how much of it done before, and when it was told of last."""

    at: float
    done: int
    told: float


class Reporter:
    """Show the progress of tasks: bars with speed and time left on a terminal, else a line a minute and at the end."""

    def __init__(self, quiet: bool, bars: Bars | None) -> None:
        self._quiet, self._bars = quiet, bars
        self._begun: dict[str, _Begun] = {}
        self._tasks: dict[str, TaskID] = {}

    def progress(self, task: str, done: int, total: int) -> None:
        """Take what the library tells; see ``melanoma_edge.progress``."""
        if self._bars is not None:
            self._show(self._bars, task, done, total)
        elif not self._quiet:
            self._tell(task, done, total)

    def _tell(self, task: str, done: int, total: int) -> None:
        now = time.monotonic()
        begun = self._begun.setdefault(task, _Begun(now, done, now))
        seconds = now - begun.at
        speed = (done - begun.done) / seconds if seconds > 1 else 0.0
        if done >= total:
            note(f"{task}: {total}" + (f", {_per_second(speed)}" if speed else "") if total else task)
            del self._begun[task]
        elif speed and now - begun.told >= _TOLD_EVERY:
            left = timedelta(seconds=round((total - done) / speed))
            note(f"{task}: {done} of {total}, {_per_second(speed)}, {left} left")
            begun.told = now

    def _show(self, bars: Bars, task: str, done: int, total: int) -> None:
        if task not in self._tasks:
            for finished in self._tasks.values():
                bars.update(finished, visible=False)
            self._tasks[task] = bars.add_task(task, total=total or None)
        bars.update(self._tasks[task], completed=done, total=total or None)


def _per_second(speed: float) -> str:
    return f"{speed:.0f}/s" if speed >= 10 else f"{speed:.2g}/s"


@contextmanager
def reporting(quiet: bool) -> Iterator[Reporter]:
    """Give a reporter for the length of the block; bars only when stderr is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield Reporter(quiet, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    shown = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _speed_column(),
        TimeRemainingColumn(),
    )
    with Progress(*shown, console=Console(stderr=True), transient=True) as bars:
        yield Reporter(quiet, bars)


def _speed_column() -> Any:
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Speed(ProgressColumn):
        """Images or steps per second."""

        def render(self, task: Any) -> Text:
            return Text(_per_second(task.speed) if task.speed else "")

    return Speed()
