"""Which exported files of a run may come into a bundle."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from verdicts import ENOUGH, TOO_FEW, give_verdicts

import exporters
from melanoma_edge.bundle import sources, verify
from melanoma_edge.bundle.assemble import assemble
from melanoma_edge.bundle.checks import lacks_embedding
from melanoma_edge.bundle.sources import from_bundle, from_run
from melanoma_edge.errors import ParityFailed, ParityInconclusive, TrustError, UsageError
from melanoma_edge.parity.gate import Limits, Status
from melanoma_edge.parity.record import verdict_path
from melanoma_edge.runtime.artifact import FREE, OutputNote, read_artifact
from melanoma_edge.safeguards import OutlierLimits


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


def test_a_leaky_run_is_refused(mine: Any) -> None:
    provenance = replace(mine.contract.provenance, leaky=True)
    leaky = replace(mine, contract=replace(mine.contract, provenance=provenance))
    with pytest.raises(TrustError, match="tested on what it was trained on"):
        from_run(leaky)


def test_nothing_tells_of_this_machine(mine: Any) -> None:
    for form, source in from_run(mine).sources.items():
        assert str(mine.path) not in json.dumps(source.parity)
        assert source.parity["artifacts"][0]["path"] == f"model.{form}"
        assert source.parity["run"] == mine.contract.name


def test_nothing_tells_of_images(mine: Any) -> None:
    """Ids are names of the user's files: none comes into a bundle, though the run's own records list them."""
    catalog = [text for image in mine.catalog.rows for text in (image.image_id, image.group)]
    mentioned = [f"hospital_{name}" for name in ("image", "lesion")]
    for form in ("tflite", "onnx"):
        path = verdict_path(mine.artifacts / f"model-int8.{form}")
        document = json.loads(path.read_text())
        flip = {"image_id": mentioned[0], "group": mentioned[1], "label": "NV", "float_class": "NV"}
        flip |= {"exported_class": "MEL", "float_score": 0.2, "exported_score": 0.4, "melanoma_lost": False}
        document["artifacts"][0]["flips"] = [flip]
        path.write_text(json.dumps(document))
    for name, data in assemble(from_run(mine), "tool").items():
        assert not [one for one in {*catalog, *mentioned} if f'"{one}"'.encode() in data], name


@pytest.mark.parametrize(
    "change",
    [{"exported": None}, {"exported": {}}, {"flips": 1}, {"note": ""}, {"runtime_options": [1]}],
    ids=str,
)
def test_a_record_that_is_not_whole_is_refused(mine: Any, change: Any) -> None:
    path = verdict_path(mine.artifacts / "model-int8.tflite")
    document = json.loads(path.read_text())
    document["artifacts"][0] |= change
    path.write_text(json.dumps(document))
    with pytest.raises(TrustError):
        from_run(mine)


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


def test_limits_of_an_embedding_need_files_that_answer_one(mine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def strange(path: Path) -> Any:
        record, data = read_artifact(path)
        limits = replace(record.contract.effective_safeguards, outlier=OutlierLimits((0.0,), ("AA==",), (1.0,), 1.0))
        return replace(record, contract=replace(record.contract, safeguards=limits)), data

    monkeypatch.setattr(sources, "read_artifact", strange)
    with pytest.raises(TrustError, match="answers no embedding") as caught:
        from_run(mine)
    assert caught.value.fix == "export with --with-embedding"


@pytest.mark.parametrize(
    ("shape", "lacks"), [((1, 2), False), ((FREE, 2), False), ((1, 3), True), ((1, 2, 2), True), (None, True)]
)
def test_an_embedding_is_of_the_length_of_the_limits(mine: Any, shape: Any, lacks: bool) -> None:
    record, _ = read_artifact(mine.artifacts / "model-int8.tflite")
    further = (OutputNote("embedding", shape, ""),) if shape else ()
    record = replace(record, outputs=(*record.outputs, *further))
    plain = record.contract.effective_safeguards
    limits = OutlierLimits((0.0, 0.0), ("AAA=",), (1.0,), 1.0)
    assert lacks_embedding(record, replace(plain, outlier=limits)) == lacks
    assert not lacks_embedding(record, plain)


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


def test_a_file_with_further_outputs_is_left_out_and_it_is_said(
    mine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """README's `export --with-cam` comes before a bundle, and must not stand in its way."""
    monkeypatch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path / "cache"))
    quick: dict[str, Any] = {"calibration_images": 12, "check_calibration": False, "rounding": "nearest"}
    cam = exporters.export(mine, "tflite", "int8", extras=("cam",), **quick)
    chosen = from_run(mine)
    assert chosen.paths["tflite"] == str(mine.artifacts / "model-int8.tflite")
    assert chosen.left_out == (
        f"model-int8.tflite taken; {cam.path.name} left out: the contract needs other outputs than theirs",
    )
    (mine.artifacts / "model-int8.tflite").unlink()
    with pytest.raises(TrustError, match="unverified"):
        from_run(mine)


def test_a_changed_file_is_refused(mine: Any) -> None:
    path = mine.artifacts / "model-int8.tflite"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(TrustError, match="seal"):
        from_run(mine)


def test_a_bundle_gives_back_what_it_was_made_of(files: dict[str, bytes], chosen: Any) -> None:
    again = from_bundle(verify(files, "bundle"))
    assert again.release == 1
    assert again.verdict is chosen.verdict
    for form, source in chosen.sources.items():
        assert again.sources[form].data == source.data
        assert again.sources[form].parity == source.parity


def test_enough_is_enough() -> None:
    assert TOO_FEW < 52 < ENOUGH
