"""Answers beside a file: what is read is what was written, to the last bit, and nothing else is read."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from melanoma_edge.errors import TrustError
from melanoma_edge.parity.answers import (
    PairedAnswers,
    answers_path,
    forget_answers,
    judged_anew,
    read_answers,
    write_answers,
)

IDS, CLASSES = ("b", 'a, "1"', "c"), ("MEL", "NV, or other")


def answers(values: NDArray[np.float32]) -> PairedAnswers:
    return PairedAnswers(IDS, CLASSES, values[:, :2], values[:, 2:])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file with answers beside it."""
    path = tmp_path / "run/artifacts/model.tflite"
    write_answers(path, answers(np.linspace(0.01, 0.99, 12, dtype=np.float32).reshape(3, 4)))
    return path


@given(st.lists(st.floats(0, 1, width=32), min_size=12, max_size=12))
def test_every_float32_comes_back_bit_by_bit(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    path = tmp_path_factory.getbasetemp() / "m.tflite"
    wanted = np.array(values, np.float32).reshape(3, 4)
    write_answers(path, answers(wanted))
    found = read_answers(path, IDS, CLASSES)
    assert found is not None and (found.image_ids, found.classes) == (IDS, CLASSES)
    both = np.concatenate([found.reference, found.exported], axis=1)
    assert both.dtype == np.float32 and both.tobytes() == wanted.tobytes()


def test_any_reader_of_csv_sees_which_model_said_what(file: Path) -> None:
    with answers_path(file).open(newline="") as stream:
        first = next(iter(csv.DictReader(stream)))
    assert list(first) == ["image_id", "float:MEL", "float:NV, or other", "exported:MEL", "exported:NV, or other"]
    assert first["image_id"] == "b" and first["float:MEL"] == "0.01" and float(first["exported:MEL"]) > 0.1


def test_answers_can_be_missing_and_removed(file: Path) -> None:
    forget_answers(file)
    forget_answers(file)
    assert read_answers(file, IDS, CLASSES) is None and not list(file.parent.iterdir())


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (replaced("float:MEL", "float:NV"), "column 2 is float:NV, wanted float:MEL"),
        (replaced(',"exported:NV, or other"', ""), "column 5 is missing"),
        (replaced("\nb,", "\nd,"), "image 1 is d, wanted b"),
        (lambda text: text[: text.rindex("\nc") + 1], "image 3 is missing, wanted c"),
        (lambda text: text + "d,0.1,0.1,0.1,0.1\n", "image 4 is d, wanted none"),
        (replaced("b,0.01,", "b,nan,"), "image b, column float:MEL: 'nan' is no probability"),
        (replaced("b,0.01,", "b,1e99,"), "column float:MEL: '1e99' is no probability"),
        (replaced("b,0.01,", "b,,"), "column float:MEL: '' is no probability"),
        (replaced("b,0.01,", "b,"), "image b, column exported:NV, or other: None is no probability"),
        (replaced("b,0.01,", "b,0.01,0.01,"), "image b, column too many"),
        (replaced("b,0.01,", "b,0.010,"), "written otherwise"),
        (replaced("b,0.01,", "b,0.0_1,"), "written otherwise"),
        (lambda text: text.replace("\n", "\r\n"), "written otherwise"),
        (lambda text: text + "\n", "image 4"),
        (replaced('"a, ""1"""', '"a'), "damaged"),
        (lambda text: "", "damaged"),
    ],
)
def test_damaged_answers_are_refused_by_row_and_column(file: Path, spoil: Callable[[str], str], says: str) -> None:
    path = answers_path(file)
    before = path.read_bytes().decode()
    after = spoil(before)
    assert after != before
    path.write_bytes(after.encode())
    with pytest.raises(TrustError, match="answers are damaged") as caught:
        read_answers(file, IDS, CLASSES)
    assert says in str(caught.value) and caught.value.exit_code == 7
    assert caught.value.fix == judged_anew(file) == f"melanoma-edge parity {file.parents[1]} {file}"


def test_bytes_that_are_no_text_are_refused(file: Path) -> None:
    answers_path(file).write_bytes(b"\xff\xfe")
    with pytest.raises(TrustError, match="damaged"):
        read_answers(file, IDS, CLASSES)
