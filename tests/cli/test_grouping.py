"""``predict --group-by``: lines of images, then lines of lesions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


@pytest.fixture
def lesions(trained: Any, tmp_path: Path) -> Path:
    """Give two folders of photos large enough to count, and in the second one too small and one unreadable."""
    photos = sorted((trained.data / "images").glob("*.jpg"))[:2]
    for folder, photo, name in (("one", photos[0], "0"), ("one", photos[1], "1"), ("two", photos[1], "again")):
        (tmp_path / folder).mkdir(exist_ok=True)
        enlarged = Image.open(photo).resize((192, 192), Image.Resampling.NEAREST)
        enlarged.save(tmp_path / folder / f"{photo.stem}_{name}.png")
    Image.open(photos[0]).resize((24, 24)).save(tmp_path / "two" / "small.png")
    (tmp_path / "two" / "text.png").write_text("no image")
    return tmp_path


def _answers(run: Any, *arguments: object) -> tuple[int, list[dict[str, Any]], dict[str, dict[str, Any]]]:
    answer = run("predict", *arguments, "--json")
    lines = [json.loads(line) for line in answer.out.splitlines()]
    groups = {line["group"]: line for line in lines if line["schema"] == "melanoma-edge/prediction-group/1"}
    return answer.code, [line for line in lines if line["schema"] == "melanoma-edge/prediction/1"], groups


def test_each_folder_is_answered_after_its_images(run: Any, trained: Any, lesions: Path) -> None:
    model = trained.artifact("model-int8.tflite")
    code, images, groups = _answers(run, model, lesions / "one", lesions / "two", "--group-by", "folder")
    assert (code, len(images), list(groups)) == (3, 5, [str(lesions / "one"), str(lesions / "two")])
    assert [line["group"] for line in images] == [str(lesions / "one")] * 2 + [str(lesions / "two")] * 3
    first, second = groups.values()
    assert first["target_score"] == pytest.approx(sum(line["target_score"] for line in images[:2]) / 2)
    assert first["left_out"] == {} and len(first["images"]) == 2
    assert list(second["left_out"].values()) == ["retake", "unreadable"] and len(second["images"]) == 1
    assert (second["decision"], second["target_score"]) == (images[2]["decision"], images[2]["target_score"])


def test_a_column_may_say_what_belongs_together(run: Any, trained: Any, lesions: Path) -> None:
    photos = [*(lesions / "one").iterdir(), next(path for path in (lesions / "two").iterdir() if len(path.stem) > 5)]
    table = lesions / "table.csv"
    table.write_text("image_id,lesion\n" + "".join(f"{photo.stem},L1\n" for photo in photos))
    model = trained.artifact("model-int8.tflite")
    asked = ("--group-by", "lesion", "--table", table, "--image-column", "image_id")
    code, images, groups = _answers(run, model, *photos, *asked)
    assert (code, list(groups), {line["group"] for line in images}) == (0, ["L1"], {"L1"})
    assert {*groups["L1"]["images"], *groups["L1"]["left_out"]} == {str(photo) for photo in photos}


def test_people_see_a_table_of_lesions_and_what_was_left_out(run: Any, trained: Any, lesions: Path) -> None:
    answer = run("predict", trained.artifact("model-int8.tflite"), lesions / "two", "--group-by", "folder")
    assert answer.code == 3
    assert "Decisions by group" in answer.out and "1 of 3" in answer.out
    assert "2 of 3 images left out" in answer.err
