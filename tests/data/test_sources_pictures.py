"""Pictures that tables name: found by path or name, and every gap between table and disk named or counted."""

from pathlib import Path

import pytest
from disk import photo, photos

from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources.pictures import Entry, Sheet, pictures
from melanoma_edge.errors import DataError


def sheet(folder: Path, *entries: tuple[str, str], lesion: str = "", source: str = "toy") -> Sheet:
    made = tuple(Entry(place + 2, image, label, lesion) for place, (image, label) in enumerate(entries))
    return Sheet(folder / "t.csv", source, made, "image", "dx", "lesion")


def found(folder: Path, *sheets: Sheet, **choices: bool) -> tuple[dict[str, str], tuple[str, ...]]:
    rows, notes = pictures(sheets, folder, Reading(**choices))  # type: ignore[arg-type]
    return {row.image_id: str(Path(row.path).relative_to(folder)) for row in rows}, notes


def test_names_with_and_without_suffix_and_paths_are_found(tmp_path: Path) -> None:
    photos(tmp_path, ("part_1/a.jpg", "part_2/deep/b.PNG", "x/c.1.jpg", "y/d.jpg", "z/d.jpg"))
    names = ("a", "b.jpg", "c.1", "y/d.jpg")
    places, notes = found(tmp_path, sheet(tmp_path, *((name, "nv") for name in names)))
    assert places == {"a": "part_1/a.jpg", "b": "part_2/deep/b.PNG", "c.1": "x/c.1.jpg", "d": "y/d.jpg"}
    assert notes == ()


def test_of_two_versions_the_one_of_exactly_the_name_is_taken(tmp_path: Path) -> None:
    photos(tmp_path, ("small/a.jpg", "whole/a.png"))
    assert found(tmp_path, sheet(tmp_path, ("a.png", "nv")))[0] == {"a": "whole/a.png"}
    with pytest.raises(DataError, match="1 images are on disk in two versions: a"):
        found(tmp_path, sheet(tmp_path, ("a", "nv")))


def test_missing_pictures_are_an_error_or_counted(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg", 1)
    made = sheet(tmp_path, ("a", "nv"), ("b", "nv"), ("sub/c.jpg", "mel"))
    with pytest.raises(
        DataError, match=r"2 images of the table are not on disk: b \(row 3\), sub/c.jpg \(row 4\)"
    ) as e:
        found(tmp_path, made)
    assert "--skip-missing-images" in e.value.fix
    places, notes = found(tmp_path, made, skip_missing=True)
    assert list(places) == ["a"]
    assert notes == ("2 images of the table are not on disk and left out, of 3 in t.csv",)


def test_unknown_labels_are_an_error_or_counted_by_name(tmp_path: Path) -> None:
    photos(tmp_path, ("a.jpg", "b.jpg", "c.jpg"))
    made = sheet(tmp_path, ("a", "nv"), ("b", "scar"), ("c", ""))
    with pytest.raises(DataError, match="unknown label 'scar'") as caught:
        found(tmp_path, made)
    assert caught.value.where.endswith("column dx: 'scar' in row 3; '' in row 4")
    assert "--skip-unknown-labels" in caught.value.fix
    places, notes = found(tmp_path, made, skip_unknown=True)
    assert list(places) == ["a"]
    assert notes == ("2 images whose labels are not in the vocabulary left out: scar 1, (none) 1",)


def test_pictures_that_no_table_names_are_noted_once(tmp_path: Path) -> None:
    photos(tmp_path, ("a.jpg", "b.jpg", "a_superpixels.png"))
    _, notes = found(tmp_path, sheet(tmp_path, ("a", "nv")), sheet(tmp_path, ("b", "mel")))
    assert notes == ("1 images that the table does not name ignored: a_superpixels.png",)


@pytest.mark.parametrize(
    ("lesion", "source", "group"), [("7", "toy", "toy/7"), ("HAM_0000007", "toy", "HAM_0000007"), ("", "toy", "")]
)
def test_lesions_of_different_sets_stay_apart_unless_they_are_the_archives(
    tmp_path: Path, lesion: str, source: str, group: str
) -> None:
    photo(tmp_path / "a.jpg", 1)
    (row,), _ = pictures([sheet(tmp_path, ("a", "nv"), lesion=lesion, source=source)], tmp_path, Reading())
    assert row.group == row.extra.get("lesion", "") == group


def test_a_lesion_has_one_label(tmp_path: Path) -> None:
    photos(tmp_path, ("a.jpg", "b.jpg"))
    with pytest.raises(DataError, match=r"1 lesions carry two labels: L: NV \(row 2\) and MEL \(row 3\)"):
        found(tmp_path, sheet(tmp_path, ("a", "nv"), ("b", "mel"), lesion="L"))
    found(tmp_path, sheet(tmp_path, ("a", "nv"), ("b", "mel")))


def test_lesions_with_two_labels_can_be_left_out_whole(tmp_path: Path) -> None:
    photos(tmp_path, ("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
    torn = sheet(tmp_path, ("a", "nv"), ("b", "mel"), ("c", "nv"), lesion="L")
    places, notes = pictures([torn, sheet(tmp_path, ("d", "nv"))], tmp_path, Reading(on_conflict="drop"))
    assert [row.image_id for row in places] == ["d"]
    assert notes == ("1 lesions carry two labels and are left out with all 3 images: L",)
