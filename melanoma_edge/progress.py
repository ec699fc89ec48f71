"""How library code tells of its progress without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with a task's name, the number of steps done and their total; 0 of 0 says what is going on, uncounted."""


def silent(task: str, done: int, total: int) -> None:
    """Ignore progress."""
