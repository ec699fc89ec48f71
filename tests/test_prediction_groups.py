"""Decisions for lesions of several photos."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redness import ANYTHING, RednessRunner, answering, red_contract, red_photo

from melanoma_edge.predicted import GroupPrediction
from melanoma_edge.prediction import photos, predict, predict_groups
from melanoma_edge.safeguards import Safeguards


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> RednessRunner:
    return answering(monkeypatch)


def _group(tmp_path: Path, reds: dict[str, int], **sizes: tuple[int, int]) -> tuple[list[Any], GroupPrediction]:
    paths = [red_photo(tmp_path / f"{name}.png", red, sizes.get(name, (16, 16))) for name, red in reds.items()]
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
    runner.contract = red_contract(
        safeguards=Safeguards(replace(ANYTHING.quality, smallest_side=10, least_colour=2000))
    )
    (tmp_path / "bad.png").write_text("no image")
    small, grey = red_photo(tmp_path / "small.png", 255, (9, 9)), red_photo(tmp_path / "grey.png", 10)
    good = red_photo(tmp_path / "good.png", 51)
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
    runner.contract = red_contract(
        safeguards=Safeguards(replace(ANYTHING.quality, smallest_side=10, least_colour=2000))
    )
    made = {
        "r": red_photo(tmp_path / "r.png", 255, (9, 9)),
        "n": red_photo(tmp_path / "n.png", 10),
        "u": tmp_path / "u.png",
    }
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
    groups = {red_photo(tmp_path / f"{name}.png", 40): group for name, group in names.items()}
    answers = list(predict_groups(Path("model"), groups))
    assert [answer.group for answer in answers] == ["L2", "L1", "L2", "L2", "L1"]
    documents = [json.loads(json.dumps(answer.to_document(), allow_nan=False)) for answer in answers]
    assert documents[0]["schema"] == "melanoma-edge/prediction/1" and documents[0]["group"] == "L2"
    assert next(iter(documents[3])) == "schema" and documents[3]["schema"] == "melanoma-edge/prediction-group/1"
    assert documents[3]["images"] == [documents[0]["image"], documents[2]["image"]]
    (alone,) = predict(Path("model"), [tmp_path / "a.png"])
    assert "group" not in alone.to_document()


def test_groups_of_a_synthetic_or_leaky_model_say_so(runner: RednessRunner, tmp_path: Path) -> None:
    runner.contract = red_contract(synthetic=True)
    assert "synthetic" in _group(tmp_path, {"a": 1})[1].warnings[0]


def test_photos_are_those_that_predict_answers(runner: RednessRunner, tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "._a.png"):
        red_photo(tmp_path / "f" / name)
    assert [str(path) for path in photos([tmp_path / "f"])] == [a.image for a in predict(Path("m"), [tmp_path / "f"])]
