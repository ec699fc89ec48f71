"""Decisions for photos."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from PIL import Image

import melanoma_edge.prediction
from melanoma_edge.contract import SCHEMA, ModelContract, OperatingPoint, PixelRecipe, Provenance
from melanoma_edge.errors import DataError, TrustError
from melanoma_edge.predicted import GroupPrediction, Prediction, Unreadable
from melanoma_edge.prediction import photos, predict, predict_groups
from melanoma_edge.quality import measure
from melanoma_edge.safeguards import OutlierLimits, QualityLimits, Safeguards

SIZE = 8
ANYTHING = Safeguards(QualityLimits(1, 10**6, 0, 0, 25500, 1000, 0))
"""Limits that every photo keeps."""


def _contract(synthetic: bool = False, **changes: Any) -> ModelContract:
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "name": "toy",
        "classes": ("MEL", "NV", "BCC"),
        "target": "melanoma",
        "target_classes": ("MEL",),
        "melanoma_classes": ("MEL",),
        "malignant_classes": ("MEL", "BCC"),
        "class_prior": (0.25, 0.5, 0.25),
        "input_size": SIZE,
        "input_range": (0, 255),
        "image_types": ("dermoscopic",),
        "pixels": PixelRecipe(),
        "temperature": 1.0,
        "operating_point": OperatingPoint(0.5, 0.95, 80, 0, True),
        "intended_use": "tests",
        "provenance": Provenance("test", "train", ("toy",), ("none",), synthetic, "0" * 64, "1" * 64, "1" * 64),
        "safeguards": ANYTHING,
    }
    return ModelContract(**{**fields, **changes})


class RednessRunner:
    """Take the mean of the red channel, 0 to 255, as melanoma score 0 to 1."""

    name = "redness"

    def __init__(self, contract: ModelContract) -> None:
        self.contract = contract
        self.closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def infer(self, batch: Any) -> Any:
        assert batch.shape == (1, SIZE, SIZE, 3) and batch.dtype == np.uint8
        red = batch[..., 0].mean(axis=(1, 2)) / 255
        return np.stack([red, (1 - red) / 2, (1 - red) / 2], axis=1).astype(np.float32)

    def infer_all(self, batch: Any) -> Any:
        return {"probabilities": self.infer(batch), "embedding": batch[:, 0, 0].astype(np.float32)}


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> RednessRunner:
    made = RednessRunner(_contract())
    monkeypatch.setattr(melanoma_edge.prediction, "open_model", lambda model, threads=None: made)
    return made


def _photo(path: Path, red: int = 0, size: tuple[int, int] = (16, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (red, 0, 0)).save(path)
    return path


def _images(answers: Any) -> list[str]:
    return [Path(answer.image).name for answer in answers]


@pytest.mark.parametrize(("red", "decision"), [(0, "no-sign"), (127, "no-sign"), (128, "refer"), (255, "refer")])
def test_a_photo_is_referred_when_its_score_reaches_the_threshold(
    runner: RednessRunner, tmp_path: Path, red: int, decision: str
) -> None:
    (answer,) = predict(Path("model"), [_photo(tmp_path / "a.png", red)])
    assert isinstance(answer, Prediction)
    assert answer.target_score == answer.melanoma_score == pytest.approx(red / 255)
    assert answer.malignant_score == pytest.approx(red / 255 + (1 - red / 255) / 2)
    assert (answer.decision, answer.threshold) == (decision, 0.5)
    assert list(answer.probabilities) == ["MEL", "NV", "BCC"]


def test_a_score_at_the_threshold_is_referred(runner: RednessRunner, tmp_path: Path) -> None:
    runner.contract = _contract(operating_point=OperatingPoint(1.0, 0.95, 80, 0, True))
    (answer,) = predict(Path("model"), [_photo(tmp_path / "a.png", 255)])
    assert isinstance(answer, Prediction)
    assert answer.decision == "refer"


def test_scores_that_the_labels_do_not_know_are_none(runner: RednessRunner, tmp_path: Path) -> None:
    runner.contract = _contract(melanoma_classes=(), malignant_classes=())
    (answer,) = predict(Path("model"), [_photo(tmp_path / "a.png")])
    assert isinstance(answer, Prediction)
    assert (answer.melanoma_score, answer.malignant_score) == (None, None)


def test_photos_are_answered_in_the_order_given_and_folders_sorted(runner: RednessRunner, tmp_path: Path) -> None:
    for name in ("f/b.png", "f/a.JPG", "f/deep/c.png", "z.png", "a.png"):
        _photo(tmp_path / name)
    answers = predict(Path("model"), [tmp_path / "z.png", tmp_path / "f", tmp_path / "a.png"])
    assert _images(answers) == ["z.png", "a.JPG", "b.png", "c.png", "a.png"]
    assert runner.closed


def test_what_is_no_photo_or_hidden_inside_a_folder_is_passed_over(runner: RednessRunner, tmp_path: Path) -> None:
    for name in ("f/a.png", "f/._a.png", "f/.thumbnails/a.png", "f/__MACOSX/a.png"):
        _photo(tmp_path / name)
    (tmp_path / "f/notes.txt").write_text("no photo")
    (tmp_path / "f/folder.png").mkdir()
    assert [answer.image for answer in predict(Path("model"), [tmp_path / "f"])] == [str(tmp_path / "f/a.png")]


def test_a_file_named_by_itself_is_tried_whatever_its_name(runner: RednessRunner, tmp_path: Path) -> None:
    shutil.move(_photo(tmp_path / "a.png"), tmp_path / ".hidden")
    (answer,) = predict(Path("model"), [tmp_path / ".hidden"])
    assert isinstance(answer, Prediction)


def test_an_unreadable_photo_does_not_stop_the_others(runner: RednessRunner, tmp_path: Path) -> None:
    _photo(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no image")
    _photo(tmp_path / "c.png")
    first, second, third = predict(Path("model"), [tmp_path])
    assert isinstance(first, Prediction) and isinstance(third, Prediction)
    assert isinstance(second, Unreadable)
    assert "b.png" in second.error and "\nFix: " in second.error


@pytest.mark.parametrize("name", ["nowhere.png", "x" * 300 + ".png"])
def test_a_missing_photo_does_not_stop_the_others(runner: RednessRunner, tmp_path: Path, name: str) -> None:
    good = _photo(tmp_path / "a.png")
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
        list(predict(tmp_path / "nothing.tflite", [_photo(tmp_path / "a.png")]))


@pytest.mark.parametrize("answer", [[np.nan, 0.5, 0.5], [np.inf, 0, 0], [0.5, 0.4, 0.2], [0, 0, 0], [0.3, 0.3, 0.3]])
def test_an_answer_that_is_no_probabilities_is_no_decision(
    runner: RednessRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: list[float]
) -> None:
    monkeypatch.setattr(runner, "infer", lambda batch: np.array([answer], np.float32))
    with pytest.raises(TrustError, match="no probabilities") as caught:
        list(predict(Path("model"), [_photo(tmp_path / "a.png")]))
    assert caught.value.where == "model"


def test_the_quality_of_a_photo_is_told_as_it_was_measured(runner: RednessRunner, tmp_path: Path) -> None:
    path = _photo(tmp_path / "a.png", 200, (20, 30))
    (answer,) = predict(Path("model"), [path])
    assert isinstance(answer, Prediction)
    assert answer.quality == vars(measure(Image.open(path)))
    assert answer.quality["short_side"] == 20
    assert answer.warnings == ()


def test_a_contract_without_safeguards_has_the_defaults(runner: RednessRunner, tmp_path: Path) -> None:
    runner.contract = _contract(safeguards=None)
    (answer,) = predict(Path("model"), [_photo(tmp_path / "a.png", 255, (7, 100))])
    assert isinstance(answer, Prediction)
    assert (answer.decision, answer.target_score) == ("retake", 1.0)
    assert answer.warnings == (
        "retake: the photo's short side has fewer than 8 pixels",
        "retake: one side is more than 2 times the other",
        "retake: the photo is blurred",
    )


@pytest.mark.parametrize(("red", "decision"), [(200, "refer"), (199, "not-assessable")])
def test_limits_of_the_contract_hold(runner: RednessRunner, tmp_path: Path, red: int, decision: str) -> None:
    runner.contract = _contract(safeguards=Safeguards(replace(ANYTHING.quality, least_colour=20000)))
    (answer,) = predict(Path("model"), [_photo(tmp_path / "a.png", red)])
    assert isinstance(answer, Prediction)
    assert answer.decision == decision
    assert answer.warnings == (() if decision == "refer" else ("not assessable: the picture has no colours",))


@pytest.mark.parametrize(("red", "decision"), [(255, "refer"), (254, "not-assessable")])
def test_a_stranger_to_the_training_images_is_not_assessed(
    runner: RednessRunner, tmp_path: Path, red: int, decision: str
) -> None:
    known = OutlierLimits(((255.0, 0.0, 0.0),), (1.0, 1.0, 1.0), 0.5)
    runner.contract = _contract(safeguards=Safeguards(ANYTHING.quality, known))
    (answer,) = predict(Path("model"), [_photo(tmp_path / "a.png", red)])
    assert isinstance(answer, Prediction)
    assert answer.decision == decision
    assert ("unlike those" in " ".join(answer.warnings)) == (decision == "not-assessable")


def test_a_file_without_the_embedding_that_limits_are_of_assesses_nothing(
    runner: RednessRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = OutlierLimits(((255.0, 0.0, 0.0),), (1.0, 1.0, 1.0), 0.5)
    runner.contract = _contract(safeguards=Safeguards(ANYTHING.quality, known))
    monkeypatch.setattr(runner, "infer_all", lambda batch: {"probabilities": runner.infer(batch)})
    (answer,) = predict(Path("model"), [_photo(tmp_path / "a.png", 255)])
    assert isinstance(answer, Prediction)
    assert answer.decision == "not-assessable"
    assert answer.warnings == ("not assessable: the file answers no embedding, by which strange photos are told",)


@pytest.mark.parametrize(("red", "decision"), [(76, "no-sign"), (77, "refer-uncertain"), (128, "refer")])
def test_doubt_below_the_threshold_is_told_as_such(
    runner: RednessRunner, tmp_path: Path, red: int, decision: str
) -> None:
    runner.contract = _contract(safeguards=Safeguards(ANYTHING.quality, uncertain_from=0.3))
    (answer,) = predict(Path("model"), [_photo(tmp_path / "a.png", red)])
    assert isinstance(answer, Prediction)
    assert answer.decision == decision


def test_models_of_synthetic_images_are_warned_of(runner: RednessRunner, tmp_path: Path) -> None:
    runner.contract = _contract(synthetic=True)
    (answer,) = predict(Path("model"), [_photo(tmp_path / "a.png")])
    assert isinstance(answer, Prediction)
    assert "synthetic" in answer.warnings[0]


def test_documents_are_json_that_begins_with_its_schema(runner: RednessRunner, tmp_path: Path) -> None:
    _photo(tmp_path / "a.png")
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
    (answer,) = predict(tmp_path / "m.tflite", [_photo(tmp_path / "a.png")])
    assert any(warning.startswith("LEAKY: ") for warning in answer.warnings)


def _group(tmp_path: Path, reds: dict[str, int], **sizes: tuple[int, int]) -> tuple[list[Any], GroupPrediction]:
    paths = [_photo(tmp_path / f"{name}.png", red, sizes.get(name, (16, 16))) for name, red in reds.items()]
    *answers, group = predict_groups(Path("model"), dict.fromkeys(paths, "L1"))
    assert isinstance(group, GroupPrediction)
    return answers, group


def test_a_lesion_is_decided_on_by_the_mean_over_its_images(runner: RednessRunner, tmp_path: Path) -> None:
    answers, group = _group(tmp_path, {"a": 51, "b": 255, "c": 102})
    assert [answer.decision for answer in answers] == ["no-sign", "refer", "no-sign"]
    assert {answer.group for answer in answers} == {"L1"}
    assert (group.group, group.decision, group.threshold) == ("L1", "refer", 0.5)
    assert group.target_score == group.melanoma_score == pytest.approx((0.2 + 1 + 0.4) / 3)
    assert group.probabilities == pytest.approx({"MEL": 1.6 / 3, "NV": 0.7 / 3, "BCC": 0.7 / 3})
    assert group.malignant_score == pytest.approx(2.3 / 3)
    assert group.images == tuple(answer.image for answer in answers)
    assert (group.left_out, group.warnings) == ({}, ())


def test_the_mean_is_that_of_parity(runner: RednessRunner, tmp_path: Path) -> None:
    """Lesions of the gate and of predict are one unit: the same images give the same score."""
    from melanoma_edge.evaluation.lesions import by_group

    answers, group = _group(tmp_path, {name: 17 * number for number, name in enumerate("abcdefg", 3)})
    (_, means) = by_group(["L1"] * 7, np.array([list(answer.probabilities.values()) for answer in answers]))
    assert group.probabilities is not None
    np.testing.assert_allclose(list(group.probabilities.values()), means[0], rtol=1e-12)


def test_images_to_be_retaken_or_unreadable_are_left_out_and_named(runner: RednessRunner, tmp_path: Path) -> None:
    runner.contract = _contract(safeguards=Safeguards(replace(ANYTHING.quality, smallest_side=10, least_colour=2000)))
    (tmp_path / "bad.png").write_text("no image")
    small, grey = _photo(tmp_path / "small.png", 255, (9, 9)), _photo(tmp_path / "grey.png", 10)
    good = _photo(tmp_path / "good.png", 51)
    *_, group = predict_groups(Path("model"), dict.fromkeys([small, tmp_path / "bad.png", good, grey], "L1"))
    assert isinstance(group, GroupPrediction)
    assert group.images == (str(good),)
    reasons = {small: "retake", tmp_path / "bad.png": "unreadable", grey: "not-assessable"}
    assert group.left_out == {str(path): why for path, why in reasons.items()}
    assert (group.decision, group.target_score) == ("no-sign", pytest.approx(0.2))
    assert group.warnings[0].startswith("3 of 4 images left out: ") and "small.png (retake)" in group.warnings[0]


@pytest.mark.parametrize(("names", "decision"), [("rn", "retake"), ("n", "not-assessable"), ("u", "retake")])
def test_a_lesion_of_which_no_image_counts_has_no_score(
    runner: RednessRunner, tmp_path: Path, names: str, decision: str
) -> None:
    runner.contract = _contract(safeguards=Safeguards(replace(ANYTHING.quality, smallest_side=10, least_colour=2000)))
    made = {"r": _photo(tmp_path / "r.png", 255, (9, 9)), "n": _photo(tmp_path / "n.png", 10), "u": tmp_path / "u.png"}
    *_, group = predict_groups(Path("model"), {made[name]: "L1" for name in names})
    assert isinstance(group, GroupPrediction)
    assert (group.decision, group.images, len(group.left_out)) == (decision, (), len(names))
    assert {group.probabilities, group.target_score, group.melanoma_score, group.malignant_score} == {None}


def test_an_image_that_alone_would_be_referred_is_not_drowned_in_silence(runner: RednessRunner, tmp_path: Path) -> None:
    _, group = _group(tmp_path, {"a": 255, "b": 0, "c": 0})
    assert group.decision == "no-sign"
    assert group.warnings == ("1 of 3 images alone would be referred; their mean is below the threshold",)
    assert _group(tmp_path / "x", {"a": 255, "b": 128})[1].warnings == ()


def test_groups_come_after_the_images_in_the_order_of_their_first(runner: RednessRunner, tmp_path: Path) -> None:
    names = {"a": "L2", "b": "L1", "c": "L2"}
    groups = {_photo(tmp_path / f"{name}.png", 40): group for name, group in names.items()}
    answers = list(predict_groups(Path("model"), groups))
    assert [answer.group for answer in answers] == ["L2", "L1", "L2", "L2", "L1"]
    documents = [json.loads(json.dumps(answer.to_document(), allow_nan=False)) for answer in answers]
    assert documents[0]["schema"] == "melanoma-edge/prediction/1" and documents[0]["group"] == "L2"
    assert next(iter(documents[3])) == "schema" and documents[3]["schema"] == "melanoma-edge/prediction-group/1"
    assert documents[3]["images"] == [documents[0]["image"], documents[2]["image"]]
    (alone,) = predict(Path("model"), [tmp_path / "a.png"])
    assert "group" not in alone.to_document()


def test_groups_of_a_synthetic_or_leaky_model_say_so(runner: RednessRunner, tmp_path: Path) -> None:
    runner.contract = _contract(synthetic=True)
    assert "synthetic" in _group(tmp_path, {"a": 1})[1].warnings[0]


def test_photos_are_those_that_predict_answers(runner: RednessRunner, tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "._a.png"):
        _photo(tmp_path / "f" / name)
    assert [str(path) for path in photos([tmp_path / "f"])] == [a.image for a in predict(Path("m"), [tmp_path / "f"])]
