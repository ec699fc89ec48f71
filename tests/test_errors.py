"""The error tree."""

from __future__ import annotations

import errno
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge import errors
from melanoma_edge.errors import MachineError, MelanomaEdgeError, machine_errors, named

CODES = {
    "MelanomaEdgeError": 1,
    "UsageError": 2,
    "DataError": 3,
    "ExportError": 4,
    "ParityFailed": 5,
    "ParityInconclusive": 6,
    "TrustError": 7,
    "MachineError": 8,
    "Interrupted": 130,
}


def test_every_error_has_its_exit_code() -> None:
    found = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, MelanomaEdgeError)
    }
    assert found == CODES


def test_message_says_what_where_and_fix() -> None:
    error = MelanomaEdgeError("the image is cut off", where="a.jpg", fix="copy it again")
    assert str(error) == "the image is cut off (a.jpg)\nFix: copy it again"


def test_message_without_a_place_has_no_empty_brackets() -> None:
    assert str(MelanomaEdgeError("no images", fix="give some")) == "no images\nFix: give some"


@pytest.mark.parametrize("name", CODES)
def test_errors_travel_between_processes(name: str) -> None:
    kind = getattr(errors, name)
    back = pickle.loads(pickle.dumps(kind("what", where="where", fix="fix")))
    assert type(back) is kind
    assert (back.what, back.where, back.fix, str(back)) == ("what", "where", "fix", "what (where)\nFix: fix")


@given(st.lists(st.integers(), max_size=40), st.integers(1, 20))
def test_named_shows_the_first_and_counts_the_rest(items: list[int], limit: int) -> None:
    text = named(items, limit)
    shown, _, more = text.partition(" and ")
    assert (shown.split(", ") if shown else []) == [str(item) for item in items[:limit]]
    assert more == (f"{len(items) - limit} more" if len(items) > limit else "")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "permission denied"),
        (errno.EPERM, "permission denied"),
        (errno.EROFS, "read-only"),
        (errno.EMFILE, "too many open files"),
        (errno.ENOMEM, "out of memory"),
    ],
)
def test_failures_of_the_system_become_machine_errors(number: int, words: str) -> None:
    with pytest.raises(MachineError, match=words) as caught, machine_errors("writing x"):
        raise OSError(number, "reason", "x.bin")
    assert "while writing x" in caught.value.what
    assert caught.value.where == "x.bin"


def test_running_out_of_memory_becomes_a_machine_error() -> None:
    with pytest.raises(MachineError, match="out of memory while decoding"), machine_errors("decoding"):
        raise MemoryError


def test_other_failures_of_the_system_stay_what_they_are() -> None:
    with pytest.raises(FileNotFoundError), machine_errors("reading"):
        raise FileNotFoundError(errno.ENOENT, "reason", "x")
