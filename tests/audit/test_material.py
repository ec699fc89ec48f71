"""What belongs together."""

from pathlib import Path

from made import material
from pictures import lesion, save, two_classes

from melanoma_edge.audit.material import Material


def _number(found: Material, name: str) -> int:
    return next(place for place, row in enumerate(found.rows) if Path(row.path).name == name)


def test_equal_files_are_one_image_and_alike_ones_one_unit(gathered: Material) -> None:
    def same(one: str, other: str) -> tuple[bool, bool]:
        first, second = _number(gathered, one), _number(gathered, other)
        return gathered.image[first] == gathered.image[second], gathered.unit[first] == gathered.unit[second]

    assert same("a0.jpg", "under-two-labels.jpg") == (True, True)
    assert same("a2-pixels.png", "a2-pixels-too.bmp") == (True, True)
    assert same("a2.jpg", "a2-pixels.png") == (False, True)
    assert same("a3.jpg", "cut.png") == (False, True)
    assert same("a4.jpg", "a5.jpg") == (False, False)


def test_every_row_is_hashed_and_knows_its_folder(gathered: Material) -> None:
    assert all(row.sha256 == look.sha256 for row, look in zip(gathered.rows, gathered.looks, strict=True))
    assert gathered.part(_number(gathered, "leaked.jpg")) == "Test"


def test_an_isic_number_joins_what_looks_different(tmp_path: Path) -> None:
    two_classes(tmp_path / "data")
    save(lesion(50), tmp_path / "data/melanoma/ISIC_0000001.jpg")
    save(lesion(51), tmp_path / "data/nevus/ISIC_0000001_downsampled.jpg")
    found = material(tmp_path / "data")
    numbers = [_number(found, name) for name in ("ISIC_0000001.jpg", "ISIC_0000001_downsampled.jpg")]
    assert found.image[numbers[0]] == found.image[numbers[1]]


def test_the_same_folder_twice_counts_once(tmp_path: Path) -> None:
    two_classes(tmp_path / "data", each=3)
    assert len(material(tmp_path / "data", tmp_path / "data", tmp_path / "data").rows) == 6
