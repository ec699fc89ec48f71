"""Which runtimes a matrix has, and what is said of those that are not here."""

from __future__ import annotations

from pathlib import Path

import pytest

from melanoma_edge.errors import MachineError, UsageError
from melanoma_edge.parity.runtimes import RUNTIMES, chosen


@pytest.fixture(autouse=True)
def _no_emulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MELANOMA_EDGE_ARM64", str(tmp_path / "nowhere"))


def test_all_are_those_that_are_here_and_the_others_are_named() -> None:
    present, absent = chosen(("all",))
    assert [one.name for one in present] == ["litert", "litert-plain", "onnxruntime"]
    assert [one.runtime for one in absent] == ["litert@cortex-a76", "onnxruntime@cortex-a76"]
    assert all(one.why for one in absent)


def test_a_runtime_asked_for_by_name_must_be_here() -> None:
    with pytest.raises(MachineError):
        chosen(("litert@cortex-a76",))
    assert [one.name for one in chosen(("onnxruntime-untuned", "litert"))[0]] == ["litert", "onnxruntime-untuned"]


@pytest.mark.parametrize("names", [(), ("tflite",), ("all", "lite")])
def test_an_unknown_runtime_is_refused_with_those_that_exist(names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as refused:
        chosen(names)
    assert all(name in refused.value.fix for name in RUNTIMES)
