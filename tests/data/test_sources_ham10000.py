"""HAM10000: one row per image, one group per lesion, every contradiction of table and disk named."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image

from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources import read_catalog
from melanoma_edge.data.sources.ham10000 import Ham10000Source
from melanoma_edge.errors import DataError

SOURCE = Ham10000Source()
HEADER = "lesion_id,image_id,dx,dx_type,age,sex,localization"
ROWS = (
    "HAM_1,ISIC_0000001,mel,histo,45.0,male,back",
    "HAM_1,ISIC_0000002,mel,histo,45.0,male,back",
    "HAM_2,ISIC_0000003,nv,follow_up,,female,",
)
REAL = Path(os.environ.get("MELANOMA_EDGE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "ham10000_224"


def write_set(folder: Path, rows: Iterable[str] = ROWS, head: str = HEADER, images: Iterable[int] = (1, 2, 3)) -> Path:
    (folder / "HAM10000_metadata.csv").write_text("\n".join((head, *rows)) + "\n")
    for number in images:
        photo(folder / f"HAM10000_images_part_{number % 2 + 1}" / f"ISIC_{number:07d}.jpg", number)
    return folder


def photo(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (number * 40 % 256, 0, 0)).save(path)


def refused(folder: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        SOURCE.read(folder, Reading())
    return caught.value


def test_images_are_found_in_any_folder_and_grouped_by_lesion(tmp_path: Path) -> None:
    listing = SOURCE.read(write_set(tmp_path), Reading())
    assert [(row.image_id, row.label, row.group) for row in listing.rows] == [
        ("ISIC_0000001", "MEL", "HAM_1"),
        ("ISIC_0000002", "MEL", "HAM_1"),
        ("ISIC_0000003", "NV", "HAM_2"),
    ]
    assert listing.rows[0].extra == {
        "age": "45",
        "sex": "male",
        "site": "back",
        "dx_type": "histopathology",
        "lesion": "HAM_1",
        "original_label": "mel",
    }
    assert listing.rows[2].extra == {
        "dx_type": "follow_up",
        "sex": "female",
        "lesion": "HAM_2",
        "original_label": "nv",
    }
    assert listing.licences == ("CC BY-NC 4.0",)
    assert listing.notes == ()


def test_the_table_is_recognised_with_two_of_its_columns(tmp_path: Path) -> None:
    assert SOURCE.recognise(write_set(tmp_path)) == "HAM10000_metadata.csv"
    write_set(tmp_path, head=HEADER.replace("dx,", "diagnosis,", 1))
    assert SOURCE.recognise(tmp_path) == "HAM10000_metadata.csv"
    (tmp_path / "HAM10000_metadata.csv").write_text("isic_id,lesion_id\n")
    assert SOURCE.recognise(tmp_path) is None


def test_a_missing_column_is_named_with_the_file(tmp_path: Path) -> None:
    error = refused(write_set(tmp_path, head=HEADER.replace("lesion_id", "lesion")))
    assert "lacks the column lesion_id" in error.what
    assert error.where.endswith("HAM10000_metadata.csv")


def test_images_missing_on_disk_are_named_and_counted(tmp_path: Path) -> None:
    rows = [f"HAM_{number},ISIC_{number:07d},nv,,,," for number in range(1, 16)]
    error = refused(write_set(tmp_path, rows))
    assert error.what.startswith("12 images of the table are not on disk: ISIC_0000004 (row 5), ISIC_0000005 (row 6)")
    assert error.what.endswith("and 2 more")


def test_images_that_the_table_does_not_name_are_noted(tmp_path: Path) -> None:
    listing = SOURCE.read(write_set(tmp_path, images=(1, 2, 3, 4)), Reading())
    assert listing.notes == ("1 images that the table does not name ignored: ISIC_0000004.jpg",)


def test_an_image_in_two_rows_is_refused(tmp_path: Path) -> None:
    assert "ISIC_0000003 in rows 4, 5" in refused(write_set(tmp_path, (*ROWS, ROWS[2]))).what


def test_an_unknown_diagnosis_is_refused_with_row_and_column(tmp_path: Path) -> None:
    error = refused(write_set(tmp_path, (*ROWS[:2], ROWS[2].replace("nv", "nvv"))))
    assert error.what.startswith("unknown label 'nvv' (nearest: NV")
    assert error.where.endswith("HAM10000_metadata.csv, column dx: 'nvv' in row 4")


def test_a_lesion_with_two_labels_is_refused(tmp_path: Path) -> None:
    error = refused(write_set(tmp_path, (ROWS[0], ROWS[1].replace("mel", "nv"), ROWS[2])))
    assert "1 lesions carry two labels: HAM_1: MEL (row 2) and NV (row 3)" in error.what


def test_equal_copies_on_disk_are_noted_and_different_ones_refused(tmp_path: Path) -> None:
    photo(write_set(tmp_path) / "again" / "ISIC_0000001.jpg", 1)
    assert SOURCE.read(tmp_path, Reading()).notes == ("1 images are on disk more than once; the first copy is used",)
    photo(tmp_path / "again" / "ISIC_0000001.jpg", 5)
    assert "1 images are on disk in two versions: ISIC_0000001" in refused(tmp_path).what


def test_no_table_and_two_tables_are_refused(tmp_path: Path) -> None:
    assert "0 found" in refused(tmp_path).what
    write_set(tmp_path)
    (tmp_path / "other.csv").write_text(HEADER + "\n")
    assert "2 found: HAM10000_metadata.csv, other.csv" in refused(tmp_path).what


@pytest.mark.skipif(not REAL.is_dir(), reason=f"real images are not here: {REAL}")
def test_the_real_set_is_read_whole() -> None:
    catalog = read_catalog([REAL])
    assert len(catalog.rows) == len({row.group for row in catalog.rows}) == 5984
    assert catalog.counts() == {"MEL": 491, "NV": 4323, "BCC": 264, "AK": 183, "BKL": 583, "DF": 60, "VASC": 80}
    assert catalog.notes[0].startswith("HAM10000: 5,984 images, 5,984 lesions, 7 classes in ")
