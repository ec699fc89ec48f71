"""Groups of images, from folders and from tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from melanoma_edge.errors import DataError
from melanoma_edge.grouping import by_folder, by_table


def _table(tmp_path: Path, *rows: str, header: str = "Image_ID,Lesion") -> Path:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


def test_images_of_one_folder_are_one_group() -> None:
    paths = [Path("x/a.png"), Path("y/a.png"), Path("x/b.png"), Path("x/a.png")]
    assert by_folder(paths) == {Path("x/a.png"): "x", Path("y/a.png"): "y", Path("x/b.png"): "x"}


@pytest.mark.parametrize(
    "cell", ["ISIC_1", "ISIC_1.jpg", "in/ISIC_1.jpg", "in/ISIC_1", "./in/ISIC_1.jpg", r"in\ISIC_1.jpg"]
)
def test_a_table_may_name_a_file_with_or_without_folder_and_suffix(tmp_path: Path, cell: str) -> None:
    image = tmp_path / "in" / "ISIC_1.jpg"
    assert by_table([image], _table(tmp_path, f"{cell},L7", "other,L8"), "image_id", "lesion") == {image: "L7"}


def test_columns_are_found_whatever_their_case(tmp_path: Path) -> None:
    assert by_table([Path("a.png")], _table(tmp_path, "a,L1"), "IMAGE_id", "LESION") == {Path("a.png"): "L1"}


def test_of_several_rows_that_fit_the_longest_name_counts(tmp_path: Path) -> None:
    table = _table(tmp_path, "a,L1", "x/a,L2", "y/a.png,L3")
    images = [Path("z/x/a.png"), Path("y/a.png"), Path("z/a.png")]
    assert list(by_table(images, table, "image_id", "lesion").values()) == ["L2", "L3", "L1"]


@pytest.mark.parametrize("pair", [("patA/1.jpg", "patB/1.jpg"), ("1.jpg", "1.png")])
def test_a_name_that_fits_two_files_is_refused_with_both(tmp_path: Path, pair: tuple[str, str]) -> None:
    images, cell = [Path(name) for name in pair], "1.jpg" if pair[1].endswith("1.jpg") else "1"
    with pytest.raises(DataError, match=f"fit several files: {cell} fits {pair[0]} and {pair[1]}"):
        by_table(images, _table(tmp_path, f"{cell},L1"), "image_id", "lesion")


def test_one_file_in_two_spellings_is_one(tmp_path: Path) -> None:
    images = [Path("x/1.jpg"), Path("x/../x/1.jpg"), Path("x/1.jpg").resolve()]
    assert set(by_table(images, _table(tmp_path, "1.jpg,L1"), "image_id", "lesion").values()) == {"L1"}
    assert set(by_folder(images).values()) == {"x"}


def test_rows_of_other_images_are_passed_over_whatever_they_lack(tmp_path: Path) -> None:
    table = _table(tmp_path, "a,L1", "other,", "twice,A", "twice,B", ",L2")
    assert by_table([Path("a.png")], table, "image_id", "lesion") == {Path("a.png"): "L1"}


def test_all_images_without_a_row_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no row for 2 images: b\.png, c\.png") as caught:
        by_table([Path("a.png"), Path("b.png"), Path("c.png")], _table(tmp_path, "a,L1"), "image_id", "lesion")
    assert caught.value.where == str(tmp_path / "table.csv")


def test_an_image_in_two_groups_is_refused_and_one_told_twice_is_not(tmp_path: Path) -> None:
    assert by_table([Path("a.png")], _table(tmp_path, "a,L1", "a,L1"), "image_id", "lesion") == {Path("a.png"): "L1"}
    with pytest.raises(DataError, match="one image in two groups: row 3 a"):
        by_table([Path("a.png")], _table(tmp_path, "a,L1", "a,L2"), "image_id", "lesion")


def test_a_missing_column_or_an_empty_group_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lacks the column patient"):
        by_table([Path("a.png")], _table(tmp_path, "a,L1"), "image_id", "patient")
    with pytest.raises(DataError, match="empty cells: row 2 lesion"):
        by_table([Path("a.png")], _table(tmp_path, "a,"), "image_id", "lesion")
