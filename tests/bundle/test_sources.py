"""Which exported files of a run may come into a bundle."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from verdicts import ENOUGH, TOO_FEW, give_verdicts

from melanoma_edge.bundle import verify
from melanoma_edge.bundle.sources import from_bundle, from_run
from melanoma_edge.errors import ParityFailed, ParityInconclusive, TrustError, UsageError
from melanoma_edge.parity.gate import Limits, Status
from melanoma_edge.parity.record import verdict_path


@pytest.fixture
def mine(judged_run: Any, tmp_path: Path) -> Any:
    """Return a run of one's own, with the int8 files alone, both PASS."""
    copy = replace(judged_run, path=tmp_path / "run")
    copy.artifacts.mkdir(parents=True)
    for path in judged_run.artifacts.glob("model-int8.*"):
        if path.suffix != ".ort":
            shutil.copy(path, copy.artifacts)
    return copy


def judge(run: Any, form: str, **how: Any) -> None:
    give_verdicts([run.artifacts / f"model-int8.{form}"], **how)


def test_both_formats_come_along_when_they_pass(mine: Any) -> None:
    chosen = from_run(mine)
    assert list(chosen.sources) == ["tflite", "onnx"]
    assert (chosen.verdict, chosen.limits_changed, chosen.left_out) == (Status.PASS, False, ())
    assert chosen.paths["onnx"] == str(mine.artifacts / "model-int8.onnx")


def test_nothing_tells_of_this_machine(mine: Any) -> None:
    for form, source in from_run(mine).sources.items():
        assert str(mine.path) not in json.dumps(source.parity)
        assert source.parity["artifacts"][0]["path"] == f"model.{form}"
        assert source.parity["run"] == mine.contract.name


def test_without_onnx_the_bundle_has_tflite_alone(mine: Any) -> None:
    (mine.artifacts / "model-int8.onnx").unlink()
    assert list(from_run(mine).sources) == ["tflite"]


@pytest.mark.parametrize(
    ("how", "why"), [({"worse": True}, "FAILs"), ({"targets": TOO_FEW}, "too few lesions"), (None, "unverified")]
)
def test_an_unfit_onnx_file_is_left_out_and_it_is_said(mine: Any, how: Any, why: str) -> None:
    if how:
        judge(mine, "onnx", **how)
    else:
        verdict_path(mine.artifacts / "model-int8.onnx").unlink()
    chosen = from_run(mine)
    assert list(chosen.sources) == ["tflite"]
    assert why in chosen.left_out[0] and "model-int8.onnx" in chosen.left_out[0]


def test_a_file_that_fails_is_refused(mine: Any) -> None:
    judge(mine, "tflite", worse=True)
    with pytest.raises(ParityFailed, match="never comes into a bundle"):
        from_run(mine, allow_inconclusive=True)


def test_too_few_lesions_must_be_allowed(mine: Any) -> None:
    judge(mine, "tflite", targets=TOO_FEW)
    with pytest.raises(ParityInconclusive, match="too few lesions"):
        from_run(mine)
    assert from_run(mine, allow_inconclusive=True).verdict is Status.INCONCLUSIVE


def test_what_was_never_judged_is_refused(mine: Any) -> None:
    verdict_path(mine.artifacts / "model-int8.tflite").unlink()
    with pytest.raises(TrustError, match="melanoma-edge parity"):
        from_run(mine)


def test_changed_limits_come_along(mine: Any) -> None:
    judge(mine, "tflite", limits=Limits(decision_agreement=0.5))
    assert from_run(mine).limits_changed


def test_an_onnx_file_that_was_asked_for_must_be_fit(mine: Any) -> None:
    judge(mine, "onnx", worse=True)
    with pytest.raises(ParityFailed):
        from_run(mine, formats=("tflite", "onnx"))
    assert list(from_run(mine, formats=("tflite",)).sources) == ["tflite"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"formats": ("onnx",)}, "needs a TFLite model"),
        ({"formats": ("tflite", "ort")}, "no bundle has models of format ort"),
        ({"formats": ("coreml",)}, "no bundle has models of format coreml"),
    ],
)
def test_unknown_formats_are_refused(mine: Any, options: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        from_run(mine, **options)


def test_a_missing_precision_is_said_with_the_command_that_makes_it(mine: Any) -> None:
    with pytest.raises(TrustError, match="--format tflite --precision float16"):
        from_run(mine, precision="float16")


def test_where_several_files_would_do_none_is_guessed(mine: Any) -> None:
    first = mine.artifacts / "model-int8.tflite"
    second = shutil.copy(first, mine.artifacts / "model-int8-cam.tflite")
    with pytest.raises(UsageError, match="--artifact"):
        from_run(mine)
    judge(mine, "tflite")
    assert from_run(mine, artifacts=(first,)).paths == {"tflite": str(first)}
    with pytest.raises(UsageError, match="cannot take this tflite"):
        from_run(mine, artifacts=(first, Path(second)))


def test_a_changed_file_is_refused(mine: Any) -> None:
    path = mine.artifacts / "model-int8.tflite"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(TrustError, match="seal"):
        from_run(mine)


def test_a_bundle_gives_back_what_it_was_made_of(files: dict[str, bytes], chosen: Any) -> None:
    again = from_bundle(verify(files, "bundle"))
    assert again.verdict is chosen.verdict
    for form, source in chosen.sources.items():
        assert again.sources[form].data == source.data
        assert again.sources[form].parity == source.parity


def test_enough_is_enough() -> None:
    assert TOO_FEW < 52 < ENOUGH
