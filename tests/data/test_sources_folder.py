"""Class folders: pooled whatever they are called, refused when a name is unknown or a class is empty."""

from pathlib import Path

import pytest
from PIL import Image

from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources.folder import FolderSource
from melanoma_edge.errors import DataError

SOURCE = FolderSource()


def photo(path: Path, number: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (number % 256, number // 256, 0)).save(path)
    return path


def test_class_folders_are_read_with_their_labels(tmp_path: Path) -> None:
    photo(tmp_path / "melanoma" / "b.jpg", 1)
    photo(tmp_path / "melanoma" / "a.PNG", 2)
    photo(tmp_path / "Nevus" / "deeper" / "c.webp", 3)
    listing = SOURCE.read(tmp_path, Reading())
    found = [(row.image_id, row.label, row.extra) for row in listing.rows]
    assert found == [
        ("c", "NV", {"original_label": "Nevus"}),
        ("a", "MEL", {"original_label": "melanoma"}),
        ("b", "MEL", {"original_label": "melanoma"}),
    ]
    assert all(Path(row.path).is_absolute() and row.group == row.sha256 == "" for row in listing.rows)
    assert listing.licences == ("unknown (state it yourself)",)
    assert SOURCE.recognise(tmp_path) == "its folders Nevus, melanoma"


@pytest.mark.parametrize("names", [("Train", "Test"), ("train", "valid"), ("TRAINING", "validation")])
def test_existing_splits_are_pooled_and_kept_in_mind(tmp_path: Path, names: tuple[str, str]) -> None:
    photo(tmp_path / names[0] / "malignant" / "1.jpg", 1)
    photo(tmp_path / names[1] / "benign" / "1.jpg", 2)
    listing = SOURCE.read(tmp_path, Reading())
    assert {(row.label, row.extra["folder_split"]) for row in listing.rows} == {
        ("malignant", names[0]),
        ("benign", names[1]),
    }


def test_other_files_are_ignored_and_counted(tmp_path: Path) -> None:
    photo(tmp_path / "melanoma" / "a.jpg", 1)
    for name in ("Thumbs.db", ".DS_Store", "._a.jpg", "notes.txt"):
        (tmp_path / "melanoma" / name).write_bytes(b"x")
    (tmp_path / "readme.txt").write_text("x")
    photo(tmp_path / ".cache" / "b.jpg", 2)
    listing = SOURCE.read(tmp_path, Reading())
    assert [row.image_id for row in listing.rows] == ["a"]
    (note,) = listing.notes
    assert note == (
        "5 files outside class folders or not images ignored: .DS_Store, ._a.jpg, Thumbs.db, notes.txt, readme.txt"
    )


def test_every_unknown_folder_is_named_with_the_nearest_label(tmp_path: Path) -> None:
    photo(tmp_path / "melanomas" / "a.jpg", 1)
    photo(tmp_path / "qwert" / "a.jpg", 1)
    with pytest.raises(DataError, match=r"'melanomas' \(nearest: melanoma.*'qwert' \(nearest: none\)"):
        SOURCE.read(tmp_path, Reading())


def test_a_class_without_an_image_is_refused(tmp_path: Path) -> None:
    photo(tmp_path / "melanoma" / "a.jpg", 1)
    (tmp_path / "nevus").mkdir()
    (tmp_path / "nevus" / "Thumbs.db").write_bytes(b"x")
    with pytest.raises(DataError, match="class folders without an image: nevus"):
        SOURCE.read(tmp_path, Reading())


def test_a_class_may_be_missing_from_one_of_train_and_test(tmp_path: Path) -> None:
    photo(tmp_path / "Train" / "melanoma" / "a.jpg", 1)
    (tmp_path / "Test" / "melanoma").mkdir(parents=True)
    assert len(SOURCE.read(tmp_path, Reading()).rows) == 1


def test_a_folder_without_class_folders_is_not_recognised(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg", 1)
    (tmp_path / "melanoma").mkdir()
    assert SOURCE.recognise(tmp_path) is None
