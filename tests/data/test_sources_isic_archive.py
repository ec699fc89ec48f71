"""The ISIC archive's download: both generations of diagnoses, licences row by row, kinds of images."""

from pathlib import Path

import pytest
from disk import photos, table

from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources import read_catalog
from melanoma_edge.data.sources.base import Listing
from melanoma_edge.data.sources.isic_archive import IsicArchiveSource
from melanoma_edge.errors import DataError

SOURCE = IsicArchiveSource()
OLD = "isic_id,attribution,copyright_license,age_approx,anatom_site_general,benign_malignant,diagnosis,image_type,sex"
NEW = (
    "isic_id,attribution,copyright_license,age_approx,anatom_site_general,diagnosis_1,diagnosis_2,diagnosis_3,"
    "diagnosis_4,diagnosis_5,diagnosis_confirm_type,fitzpatrick_skin_type,image_type,lesion_id,patient_id,sex"
)


def read(folder: Path, head: str, *lines: str, **choices: bool) -> Listing:
    """Read a table of these lines, each of an image and a lesion of its own."""
    numbered = [f"ISIC_{place:07d},{line.replace('IL_', f'IL_{place:07d}')}" for place, line in enumerate(lines)]
    table(folder / "metadata.csv", head, *numbered)
    photos(folder, (f"ISIC_{place:07d}.jpg" for place in range(len(lines))))
    return SOURCE.read(folder, Reading(**choices))  # type: ignore[arg-type]


def new(one: str = "", two: str = "", three: str = "", four: str = "", kind: str = "dermoscopic") -> str:
    quoted = ",".join(f'"{text}"' for text in (one, two, three, four))
    return f"Anonymous,CC-0,45,head/neck,{quoted},,histopathology,II,{kind},IL_,IP_0000001,male"


MELANOMA = ("Malignant", "Malignant melanocytic proliferations (Melanoma)", "Melanoma Invasive")


def test_the_first_generation_is_read_by_diagnosis(tmp_path: Path) -> None:
    lines = (
        "Memorial Sloan Kettering,CC-BY,55,torso,benign,nevus,dermoscopic,female",
        "Hospital Clínic,CC-BY-NC,60,torso,benign,lichenoid keratosis,dermoscopic,male",
    )
    listing = read(tmp_path, OLD, *lines)
    assert [row.label for row in listing.rows] == ["NV", "BKL"]
    assert (listing.licences, listing.image_types) == (("CC-BY", "CC-BY-NC"), ("dermoscopic",))
    assert listing.rows[0].extra == {
        "age": "55",
        "sex": "female",
        "site": "torso",
        "image_type": "dermoscopic",
        "licence": "CC-BY",
        "attribution": "Memorial Sloan Kettering",
        "original_label": "nevus",
    }


def test_the_second_generation_is_read_at_its_finest_known_level(tmp_path: Path) -> None:
    lines = (
        new("Benign", "Benign melanocytic proliferations", "Nevus", "Nevus, of a kind nobody knows"),
        new(*MELANOMA),
        new("Benign", "Benign soft tissue proliferations - Vascular"),
        new("Indeterminate", "Indeterminate epidermal proliferations", "Solar or actinic keratosis"),
        new("Malignant", "Malignant epidermal proliferations", "Squamous cell carcinoma, NOS"),
        new("Malignant", "Malignant melanocytic proliferations (Melanoma)", "Melanoma, NOS"),
    )
    listing = read(tmp_path, NEW, *lines)
    assert [row.label for row in listing.rows] == ["NV", "MEL", "VASC", "AK", "SCC", "MEL"]
    assert [row.extra["original_label"] for row in listing.rows[:2]] == ["Nevus", "Melanoma Invasive"]
    assert listing.rows[0].group == "IL_0000000"
    assert {listing.rows[0].extra[name] for name in ("patient", "fitzpatrick")} == {"IP_0000001", "2"}


def test_benign_alone_is_no_label_among_diagnoses(tmp_path: Path) -> None:
    lines = (new(*MELANOMA), new("Benign"), new("Benign", "Benign epidermal proliferations"), new())
    with pytest.raises(DataError, match="unknown label") as caught:
        read(tmp_path, NEW, *lines)
    for words in ("'Benign without a diagnosis' in row 3", "'Benign epidermal proliferations' in row 4", "'' in row 5"):
        assert words in caught.value.where
    assert [row.label for row in read(tmp_path, NEW, *lines, skip_unknown=True).rows] == ["MEL"]


def test_benign_and_malignant_are_labels_where_nothing_better_is_known(tmp_path: Path) -> None:
    listing = read(tmp_path, NEW, new("Benign", "Benign something"), new("Malignant"))
    assert [row.label for row in listing.rows] == ["benign", "malignant"]


def test_kinds_of_images_are_told_apart(tmp_path: Path) -> None:
    lines = (new(*MELANOMA), new(*MELANOMA, kind="clinical: close-up"), new(*MELANOMA, kind="TBP tile: close-up"))
    assert read(tmp_path, NEW, *lines).image_types == ("clinical", "dermoscopic", "tbp tile")


def test_a_table_without_diagnoses_is_not_the_archives(tmp_path: Path) -> None:
    table(tmp_path / "metadata.csv", "isic_id,age_approx", "ISIC_0000001,45")
    assert SOURCE.recognise(tmp_path) is None
    with pytest.raises(DataError, match="one metadata table expected, 0 found"):
        SOURCE.read(tmp_path, Reading())


def test_a_patients_lesions_are_one_group_in_the_catalog(tmp_path: Path) -> None:
    read(tmp_path, NEW, new(*MELANOMA), new("Benign", "Benign melanocytic proliferations", "Nevus"))
    catalog = read_catalog([tmp_path])
    assert {row.group for row in catalog.rows} == {"IL_0000000"}
    assert catalog.licences == ("CC-0",)
    assert "recognised by metadata.csv" in catalog.notes[0]
