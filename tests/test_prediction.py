"""Decisions for photos."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from redness import ANYTHING, RednessRunner, answering, red_contract, red_photo
from toys import around

from melanoma_edge.contract import OperatingPoint
from melanoma_edge.errors import DataError, TrustError
from melanoma_edge.predicted import Prediction, Unreadable
from melanoma_edge.prediction import predict
from melanoma_edge.quality import measure
from melanoma_edge.safeguards import Safeguards


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> RednessRunner:
    return answering(monkeypatch)


def _images(answers: Any) -> list[str]:
    return [Path(answer.image).name for answer in answers]


@pytest.mark.parametrize(("red", "decision"), [(0, "no-sign"), (127, "no-sign"), (128, "refer"), (255, "refer")])
def test_a_photo_is_referred_when_its_score_reaches_the_threshold(
    runner: RednessRunner, tmp_path: Path, red: int, decision: str
) -> None:
    (answer,) = predict(Path("model"), [red_photo(tmp_path / "a.png", red)])
    assert isinstance(answer, Prediction)
    assert answer.target_score == answer.melanoma_score == pytest.approx(red / 255)
    assert answer.malignant_score == pytest.approx(red / 255 + (1 - red / 255) / 2)
    assert (answer.decision, answer.threshold) == (decision, 0.5)
    assert list(answer.probabilities) == ["MEL", "NV", "BCC"]


def test_a_score_at_the_threshold_is_referred(runner: RednessRunner, tmp_path: Path) -> None:
    runner.contract = red_contract(operating_point=OperatingPoint(1.0, 0.95, 80, 0, True))
    (answer,) = predict(Path("model"), [red_photo(tmp_path / "a.png", 255)])
    assert isinstance(answer, Prediction)
    assert answer.decision == "refer"


def test_scores_that_the_labels_do_not_know_are_none(runner: RednessRunner, tmp_path: Path) -> None:
    runner.contract = red_contract(melanoma_classes=(), malignant_classes=())
    (answer,) = predict(Path("model"), [red_photo(tmp_path / "a.png")])
    assert isinstance(answer, Prediction)
    assert (answer.melanoma_score, answer.malignant_score) == (None, None)


def test_photos_are_answered_in_the_order_given_and_folders_sorted(runner: RednessRunner, tmp_path: Path) -> None:
    for name in ("f/b.png", "f/a.JPG", "f/deep/c.png", "z.png", "a.png"):
        red_photo(tmp_path / name)
    answers = predict(Path("model"), [tmp_path / "z.png", tmp_path / "f", tmp_path / "a.png"])
    assert _images(answers) == ["z.png", "a.JPG", "b.png", "c.png", "a.png"]
    assert runner.closed


def test_what_is_no_photo_or_hidden_inside_a_folder_is_passed_over(runner: RednessRunner, tmp_path: Path) -> None:
    for name in ("f/a.png", "f/._a.png", "f/.thumbnails/a.png", "f/__MACOSX/a.png"):
        red_photo(tmp_path / name)
    (tmp_path / "f/notes.txt").write_text("no photo")
    (tmp_path / "f/folder.png").mkdir()
    assert [answer.image for answer in predict(Path("model"), [tmp_path / "f"])] == [str(tmp_path / "f/a.png")]


def test_a_file_named_by_itself_is_tried_whatever_its_name(runner: RednessRunner, tmp_path: Path) -> None:
    shutil.move(red_photo(tmp_path / "a.png"), tmp_path / ".hidden")
    (answer,) = predict(Path("model"), [tmp_path / ".hidden"])
    assert isinstance(answer, Prediction)


def test_an_unreadable_photo_does_not_stop_the_others(runner: RednessRunner, tmp_path: Path) -> None:
    red_photo(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no image")
    red_photo(tmp_path / "c.png")
    first, second, third = predict(Path("model"), [tmp_path])
    assert isinstance(first, Prediction) and isinstance(third, Prediction)
    assert isinstance(second, Unreadable)
    assert "b.png" in second.error and "\nFix: " in second.error


@pytest.mark.parametrize("name", ["nowhere.png", "x" * 300 + ".png"])
def test_a_missing_photo_does_not_stop_the_others(runner: RednessRunner, tmp_path: Path, name: str) -> None:
    good = red_photo(tmp_path / "a.png")
    first, missing, last = predict(Path("model"), [good, tmp_path / name, good])
    assert isinstance(first, Prediction) and first == last
    assert isinstance(missing, Unreadable)
    assert missing.image == str(tmp_path / name) and "\nFix: check" in missing.error


def test_a_folder_without_photos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="folder holds no image") as caught:
        list(predict(tmp_path / "nothing.tflite", [tmp_path]))
    assert caught.value.where == str(tmp_path)


def test_a_missing_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="artifact missing"):
        list(predict(tmp_path / "nothing.tflite", [red_photo(tmp_path / "a.png")]))


@pytest.mark.parametrize("answer", [[np.nan, 0.5, 0.5], [np.inf, 0, 0], [0.5, 0.4, 0.2], [0, 0, 0], [0.3, 0.3, 0.3]])
def test_an_answer_that_is_no_probabilities_is_no_decision(
    runner: RednessRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: list[float]
) -> None:
    monkeypatch.setattr(runner, "infer", lambda batch: np.array([answer], np.float32))
    with pytest.raises(TrustError, match="no probabilities") as caught:
        list(predict(Path("model"), [red_photo(tmp_path / "a.png")]))
    assert caught.value.where == "model"


def test_the_quality_of_a_photo_is_told_as_it_was_measured(runner: RednessRunner, tmp_path: Path) -> None:
    path = red_photo(tmp_path / "a.png", 200, (20, 30))
    (answer,) = predict(Path("model"), [path])
    assert isinstance(answer, Prediction)
    assert answer.quality == vars(measure(Image.open(path)))
    assert answer.quality["short_side"] == 20
    assert answer.warnings == ()


def test_a_contract_without_safeguards_has_the_defaults(runner: RednessRunner, tmp_path: Path) -> None:
    runner.contract = red_contract(safeguards=None)
    (answer,) = predict(Path("model"), [red_photo(tmp_path / "a.png", 255, (7, 100))])
    assert isinstance(answer, Prediction)
    assert (answer.decision, answer.target_score) == ("retake", 1.0)
    assert answer.warnings == (
        "retake: the photo's short side has fewer than 8 pixels",
        "retake: one side is more than 2 times the other",
        "retake: the photo is blurred",
    )


@pytest.mark.parametrize(("red", "decision"), [(200, "refer"), (199, "not-assessable")])
def test_limits_of_the_contract_hold(runner: RednessRunner, tmp_path: Path, red: int, decision: str) -> None:
    runner.contract = red_contract(safeguards=Safeguards(replace(ANYTHING.quality, least_colour=20000)))
    (answer,) = predict(Path("model"), [red_photo(tmp_path / "a.png", red)])
    assert isinstance(answer, Prediction)
    assert answer.decision == decision
    assert answer.warnings == (() if decision == "refer" else ("not assessable: the picture has no colours",))


@pytest.mark.parametrize(("red", "decision"), [(255, "refer"), (254, "not-assessable")])
def test_a_stranger_to_the_training_images_is_not_assessed(
    runner: RednessRunner, tmp_path: Path, red: int, decision: str
) -> None:
    known = around((255.0, 0.0, 0.0), 0.5)
    runner.contract = red_contract(safeguards=Safeguards(ANYTHING.quality, known))
    (answer,) = predict(Path("model"), [red_photo(tmp_path / "a.png", red)])
    assert isinstance(answer, Prediction)
    assert answer.decision == decision
    assert ("unlike those" in " ".join(answer.warnings)) == (decision == "not-assessable")


def test_a_file_without_the_embedding_that_limits_are_of_assesses_nothing(
    runner: RednessRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = around((255.0, 0.0, 0.0), 0.5)
    runner.contract = red_contract(safeguards=Safeguards(ANYTHING.quality, known))
    monkeypatch.setattr(runner, "infer_all", lambda batch: {"probabilities": runner.infer(batch)})
    (answer,) = predict(Path("model"), [red_photo(tmp_path / "a.png", 255)])
    assert isinstance(answer, Prediction)
    assert answer.decision == "not-assessable"
    assert answer.warnings == ("not assessable: the file answers no embedding, by which strange photos are told",)


@pytest.mark.parametrize(("red", "decision"), [(76, "no-sign"), (77, "refer-uncertain"), (128, "refer")])
def test_doubt_below_the_threshold_is_told_as_such(
    runner: RednessRunner, tmp_path: Path, red: int, decision: str
) -> None:
    runner.contract = red_contract(safeguards=Safeguards(ANYTHING.quality, uncertain_from=0.3))
    (answer,) = predict(Path("model"), [red_photo(tmp_path / "a.png", red)])
    assert isinstance(answer, Prediction)
    assert answer.decision == decision


def test_models_of_synthetic_images_are_warned_of(runner: RednessRunner, tmp_path: Path) -> None:
    runner.contract = red_contract(synthetic=True)
    (answer,) = predict(Path("model"), [red_photo(tmp_path / "a.png")])
    assert isinstance(answer, Prediction)
    assert "synthetic" in answer.warnings[0]


def test_documents_are_json_that_begins_with_its_schema(runner: RednessRunner, tmp_path: Path) -> None:
    red_photo(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no image")
    for answer in predict(Path("model"), [tmp_path]):
        text = json.dumps(answer.to_document(), allow_nan=False)
        assert text.startswith('{"schema": "melanoma-edge/prediction/1"')
        assert json.loads(text) == answer.to_document() and "\n" not in text


@pytest.mark.parametrize("name", ["model-int8.tflite", "model-int8.onnx"])
def test_a_real_file_answers_its_own_images(trained: Any, name: str) -> None:
    answers = list(predict(trained.artifact(name), [trained.data / "images"], threads=1))
    assert len(answers) == len(list((trained.data / "images").iterdir()))
    for answer in answers:
        assert isinstance(answer, Prediction)
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_a_leaky_model_says_so_with_every_answer(runner: RednessRunner, tmp_path: Path) -> None:
    provenance = replace(runner.contract.provenance, leaky=True)
    runner.contract = replace(runner.contract, provenance=provenance)
    (answer,) = predict(tmp_path / "m.tflite", [red_photo(tmp_path / "a.png")])
    assert any(warning.startswith("LEAKY: ") for warning in answer.warnings)
