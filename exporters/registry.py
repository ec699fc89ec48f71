"""The formats that can be written: a name, a file ending, a writer, and what the format refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from exporters.precision import Precision
from melanoma_edge.errors import UsageError, named


class Writer(Protocol):
    """Turn a TFLite model of the asked precision into the bytes of a file with the document inside."""

    def __call__(self, tflite: bytes, document: str, precision: Precision, batch: int | None) -> bytes: ...


Refusal = Callable[[Precision, int | None], str]
"""Given a precision and a batch size (None: free), say why the format cannot do it; empty when it can."""


Beside = Callable[[bytes], dict[str, str]]
"""Given a written file, return texts that lie beside it, by what their names add to the file's."""


@dataclass(frozen=True)
class Format:
    """Describe one format."""

    name: str
    suffix: str
    write: Writer
    refuse: Refusal
    beside: Beside


FORMATS: dict[str, Format] = {}


def can_do_all(precision: Precision, batch: int | None) -> str:
    """Refuse nothing."""
    return ""


def nothing_beside(data: bytes) -> dict[str, str]:
    """Return nothing."""
    return {}


def register(
    name: str, suffix: str, refuse: Refusal = can_do_all, beside: Beside = nothing_beside
) -> Callable[[Writer], Writer]:
    """Add the decorated writer to ``FORMATS``."""

    def add(write: Writer) -> Writer:
        FORMATS[name] = Format(name, suffix, write, refuse, beside)
        return write

    return add


def checked(asked: Iterable[tuple[str, str]], batch: int | None) -> list[tuple[Format, Precision]]:
    """Look up formats and precisions by name, each pair once, in the order asked.

    Raises:
        UsageError: naming everything that is unknown, or that a format cannot do.
    """
    pairs = list(dict.fromkeys(asked))
    known = [precision.value for precision in Precision]
    strange = [f"format {name!r}" for name, _ in pairs if name not in FORMATS]
    strange += [f"precision {value!r}" for _, value in pairs if value not in known]
    if strange:
        fix = f"formats are {', '.join(FORMATS)}; precisions are {', '.join(known)}"
        raise UsageError(f"unknown {named(dict.fromkeys(strange))}", fix=fix)
    if batch is not None and batch < 1:
        raise UsageError(f"batch of {batch} images", fix="ask for 1 or more images, or for a free batch")
    found = [(FORMATS[name], Precision(value)) for name, value in pairs]
    refused = [f"{form.name} {precision}: {why}" for form, precision in found if (why := form.refuse(precision, batch))]
    if refused:
        raise UsageError(f"cannot be written: {named(refused)}", fix="leave these out, or choose another format")
    return found
