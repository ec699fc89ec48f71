"""The whole audit, on made folders and on the nine-class set that everybody downloads."""

import csv
import json
from pathlib import Path

import pytest
from made import faulty
from pictures import two_classes

from melanoma_edge.audit import SCHEMA, Answer, Audit, audit
from melanoma_edge.audit.pairs import Kind
from melanoma_edge.strictjson import to_plain


def test_the_document_is_json_without_nan(audited: Audit) -> None:
    document = json.loads(json.dumps(to_plain(audited), allow_nan=False))
    assert next(iter(document.items())) == ("schema", SCHEMA)
    assert document["verdict"]["answer"] == "usable after these steps"
    assert [one["label"] for one in document["classes"]] == ["MEL", "NV"]
    assert len(document["files"]["undecodable"]) == len(document["files"]["misnamed"]) == 1


def test_counts_are_of_what_lies_there_and_of_what_is_left(audited: Audit) -> None:
    melanoma, nevus = audited.classes
    assert (melanoma.files, nevus.files) == (15, 14)
    assert (melanoma.images, melanoma.groups) == (11, 9)
    assert nevus.groups == 10


def test_the_same_folder_gives_the_same_audit(tmp_path: Path) -> None:
    faulty(tmp_path / "images")
    found = [audit([tmp_path / "images"], folder=tmp_path / index, workers=1) for index in ("a", "b", "b")]
    assert found[0] == found[1] == found[2]


def test_clean_folders_are_usable(tmp_path: Path) -> None:
    two_classes(tmp_path / "images", each=5)
    found = audit([tmp_path / "images"], folder=tmp_path / "index", workers=1)
    assert found.verdict.answer is Answer.USABLE
    assert not found.copies.pairs


def test_broken_files_alone_are_not_usable(tmp_path: Path) -> None:
    for name in ("melanoma/a.jpg", "nevus/b.jpg"):
        (tmp_path / "images" / name).parent.mkdir(parents=True)
        (tmp_path / "images" / name).write_bytes(b"text")
    found = audit([tmp_path / "images"], folder=tmp_path / "index", workers=1)
    assert found.verdict.answer is Answer.NOT_USABLE and found.confounding.confounders == ()


@pytest.fixture(scope="module")
def isic9(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return audit([real_data / "isic9"], folder=tmp_path_factory.mktemp("index"))


def test_the_nine_class_set_is_found_broken(isic9: Audit) -> None:
    counts = {one.labels: (one.images, one.files) for one in isic9.copies.conflicts}
    assert isic9.copies.conflicting_images == 155
    assert counts["melanoma", "seborrheic keratosis"] == (78, (454, 80))
    assert counts["actinic keratosis", "nevus"][0] == 77
    (leak,) = isic9.copies.leaks
    assert (leak.images, leak.other_label) == (18, 18) and leak.alike >= 1
    assert "class is origin" in "\n".join(isic9.verdict.warnings)
    assert isic9.files.one_size == "180x180"
    assert next(one for one in isic9.confounding.confounders if one.name == "mean colour").accuracy.value > 0.33


def test_it_agrees_row_by_row_with_what_is_known_of_the_nine_class_set(isic9: Audit, real_data: Path) -> None:
    with open(real_data / "isic9_label_check.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    known = {(row["isic9_split"], row["isic9_class"], row["image_id"]) for row in rows if int(row["n_places"]) > 1}
    found = {
        tuple(Path(path).with_suffix("").parts[-3:])
        for pair in isic9.copies.pairs
        if pair.kind is Kind.BYTES and pair.contradicts
        for path in (pair.first, pair.second)
    }
    assert found == known


def test_near_duplicates_of_the_nine_class_set_show_one_lesion(isic9: Audit, real_data: Path) -> None:
    with open(real_data / "isic9_resolved_labels.csv", newline="") as stream:
        lesion = {row["id"]: row["group"] for row in csv.DictReader(stream)}
    near = [pair for pair in isic9.copies.pairs if pair.kind in (Kind.NEAR, Kind.CROP)]
    same = [lesion[Path(pair.first).stem[:12]] == lesion[Path(pair.second).stem[:12]] for pair in near]
    assert len(near) >= 50
    assert sum(same) / len(same) >= 0.95
