"""Openers that misbehave in the worker process, where the test cannot patch anything."""

from __future__ import annotations

import os
import signal
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from toys import toy_contract

from melanoma_edge.errors import TrustError


class Strange:
    """Answer, or die in the way the path's name asks for."""

    name = "strange"
    contract = toy_contract()
    options = types.MappingProxyType({"strange": "1"})

    def __init__(self, manner: str) -> None:
        self.manner = manner

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *rest: object) -> None:
        return None

    def infer(self, batch: Any) -> Any:
        if self.manner == "abort":
            print("terminate called", file=sys.stderr, flush=True)
            os.abort()
        if self.manner == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.manner == "exit":
            os._exit(3)
        if self.manner == "trust":
            raise TrustError("not trusted", where="there", fix="do this")
        if self.manner == "unpicklable":
            raise Unpicklable(lambda: None)
        if self.manner == "pid":
            return np.full((len(batch), 3), os.getpid(), np.float64)
        return np.full((len(batch), 3), len(batch), np.float32)


class Unpicklable(Exception):
    """Cannot travel between processes."""


def open_strange(path: Path, threads: int | None) -> Strange:
    """Stand in for ``open_model``."""
    if path.name == "die":
        os.abort()
    return Strange(path.name)


@contextmanager
def adding(number: int) -> Iterator[Callable[[Any], Any]]:
    """Add ``number`` to what is asked."""
    yield lambda question: f"adds {number}" if question is None else question + number
