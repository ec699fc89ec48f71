"""Keeping the chatter of native libraries away from the user's terminal."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_log = logging.getLogger(__name__)
_STDERR = 2


@contextmanager
def quiet_native() -> Iterator[None]:
    """Send what C and C++ code writes to stderr inside the block to the log instead, at level DEBUG.

    Python's own ``sys.stderr`` still reaches the terminal, so that progress bars and warnings stay visible.
    """
    try:
        kept = os.dup(_STDERR)
    except OSError:  # stderr is closed: nothing can reach it anyway
        yield
        return
    python_stderr = sys.stderr
    with tempfile.TemporaryFile("w+", errors="replace") as sink:
        replacement = _direct_stderr(python_stderr, kept)
        os.dup2(sink.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(kept, _STDERR)
            _restore(python_stderr, replacement)
            os.close(kept)
            sink.seek(0)
            for line in sink:
                _log.debug("%s", line.rstrip())


def _direct_stderr(stream: TextIO | None, descriptor: int) -> TextIO | None:
    """Point ``sys.stderr`` at ``descriptor`` if it writes to the real one, and return the new stream."""
    try:
        if stream is None or stream.fileno() != _STDERR:
            return None
    except (OSError, ValueError, AttributeError):
        return None
    stream.flush()
    replacement = os.fdopen(os.dup(descriptor), "w", buffering=1, encoding=stream.encoding, errors="backslashreplace")
    sys.stderr = replacement
    return replacement


def _restore(stream: TextIO | None, replacement: TextIO | None) -> None:
    if replacement is None:
        return
    if sys.stderr is replacement and stream is not None:
        sys.stderr = stream
    replacement.close()
