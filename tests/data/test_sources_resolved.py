"""Tables of resolved labels: read strictly, and what they say of an image wins."""

from pathlib import Path

import pytest
from disk import table

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.sources.resolved import prefer, read_resolved
from melanoma_edge.errors import DataError
from melanoma_edge.files import sha256_of


def row(image_id: str, label: str, group: str = "") -> CatalogRow:
    return CatalogRow(image_id, f"/{label}/{image_id}.jpg", label, group, "folder", "0")


def resolved(folder: Path, *lines: str, head: str = "id,label8,group") -> Path:
    return table(folder / "labels.csv", head, *lines)


def test_labels_and_groups_of_the_table_win_and_the_rest_stays(tmp_path: Path) -> None:
    path = resolved(tmp_path, "ISIC_0000001,MEL,HAM_0000007", "ISIC_0000002,,x", "ISIC_0000009,NV,")
    rows = [row("ISIC_0000001", "SK"), row("ISIC_0000001(1)", "MEL"), row("ISIC_0000002", "NV"), row("other", "NV")]
    found, notes = prefer(rows, read_resolved(path))
    assert [(one.image_id, one.label, one.group) for one in found] == [
        ("ISIC_0000001", "MEL", "HAM_0000007"),
        ("ISIC_0000001(1)", "MEL", "HAM_0000007"),
        ("other", "NV", ""),
    ]
    assert found[0].extra == {"lesion": "HAM_0000007"}
    assert notes == ("labels of labels.csv preferred for 3 of 4 files: 1 changed, 1 left out as nobody can tell",)


def test_a_lesion_that_is_known_already_keeps_its_name(tmp_path: Path) -> None:
    path = resolved(tmp_path, "a,MEL,7")
    (found,), _ = prefer([row("a", "NV", "HAM_0000001")], read_resolved(path))
    assert (found.group, found.extra["lesion"]) == ("HAM_0000001", "resolved/7")


def test_the_hash_of_the_table_is_known(tmp_path: Path) -> None:
    path = resolved(tmp_path, "a,nevus", head="image,diagnosis")
    found = read_resolved(path)
    assert (found.labels, found.groups, found.sha256) == ({"a": "NV"}, {}, sha256_of(path))


@pytest.mark.parametrize(
    ("head", "lines", "message"),
    [
        ("name,label", ("a,MEL",), "none of the columns image_id, id, image, isic_id, image_name; it has name, label"),
        ("image,verdict", ("a,MEL",), "none of the columns label, label8"),
        ("image,label", ("a,MEL", "b,wart"), "unknown label 'wart'"),
        ("image,label", ("a,MEL", "b,NV", "a,NV"), "1 images stand in more than one row: a in rows 2, 4"),
    ],
)
def test_a_table_that_cannot_decide_is_refused(tmp_path: Path, head: str, lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_resolved(resolved(tmp_path, *lines, head=head))
    assert "labels.csv" in caught.value.where


def test_a_missing_table_and_one_of_other_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not found"):
        read_resolved(tmp_path / "none.csv")
    with pytest.raises(DataError, match="names none of the 1 images"):
        prefer([row("b", "NV")], read_resolved(resolved(tmp_path, "a,MEL,")))
