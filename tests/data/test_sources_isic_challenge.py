"""ISIC challenges: each year's ground truth as published, with what lies beside it."""

from pathlib import Path

import pytest
from disk import photos, table

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources import read_catalog
from melanoma_edge.data.sources.isic_challenge import IsicChallengeSource
from melanoma_edge.errors import DataError

SOURCE = IsicChallengeSource()
ONE, TWO, THREE = "ISIC_0000001", "ISIC_0000002", "ISIC_0000003"


def read(folder: Path, reading: Reading | None = None) -> dict[str, CatalogRow]:
    rows = SOURCE.read(folder, reading or Reading()).rows
    assert len({row.image_id for row in rows}) == len(rows)
    return {row.image_id: row for row in rows}


def labels(folder: Path) -> dict[str, str]:
    return {name: row.label for name, row in read(folder).items()}


def test_2016_has_two_columns_and_no_header_in_words_or_numbers(tmp_path: Path) -> None:
    table(tmp_path / "ISBI2016_ISIC_Part3_Training_GroundTruth.csv", f"{ONE},benign", f"{TWO},malignant")
    table(tmp_path / "ISBI2016_ISIC_Part3_Test_GroundTruth.csv", f"{THREE},1.0")
    photos(tmp_path / "ISBI2016_ISIC_Part3_Training_Data", (f"{ONE}.jpg", f"{TWO}.jpg"))
    photos(tmp_path / "ISBI2016_ISIC_Part3_Test_Data", (f"{THREE}.jpg",))
    assert labels(tmp_path) == {ONE: "benign", TWO: "malignant", THREE: "malignant"}
    assert [row.extra["folder_split"] for row in read(tmp_path).values()] == ["Test", "Training", "Training"]
    listing = SOURCE.read(tmp_path, Reading())
    assert (listing.title, listing.licences) == ("ISIC challenge 2016", ("CC0 1.0",))


def test_2017_has_two_flags_and_ages_beside(tmp_path: Path) -> None:
    table(
        tmp_path / "ISIC-2017_Training_Part3_GroundTruth.csv",
        "image_id,melanoma,seborrheic_keratosis",
        f"{ONE},0.0,0.0",
        f"{TWO},1.0,0.0",
        f"{THREE},0.0,1.0",
    )
    metadata = ("image_id,age_approximate,sex", f"{ONE},55,female", f"{TWO},unknown,male", f"{THREE},60,unknown")
    table(tmp_path / "ISIC-2017_Training_Data_metadata.csv", *metadata)
    names = [f"{name}{end}" for name in (ONE, TWO, THREE) for end in (".jpg", "_superpixels.png")]
    photos(tmp_path / "ISIC-2017_Training_Data", names)
    assert labels(tmp_path) == {ONE: "NV", TWO: "MEL", THREE: "SK"}
    rows = read(tmp_path)
    assert (rows[ONE].extra["age"], rows[ONE].extra["sex"], rows[ONE].source) == ("55", "female", "isic-2017")
    assert rows[ONE].extra["original_label"] == "nevus"
    assert "age" not in rows[TWO].extra


def test_2018_has_a_column_per_class_and_lesions_beside(tmp_path: Path) -> None:
    truth = tmp_path / "ISIC2018_Task3_Training_GroundTruth"
    table(
        truth / "ISIC2018_Task3_Training_GroundTruth.csv",
        "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC",
        f"{ONE},0.0,0.0,0.0,1.0,0.0,0.0,0.0",
        f"{TWO},0.0,0.0,0.0,0.0,0.0,0.0,1.0",
    )
    grouping = ("image,lesion_id,diagnosis_confirm_type", f"{ONE},HAM_0000001,histopathology", f"{TWO},HAM_0000002,x")
    table(tmp_path / "ISIC2018_Task3_Training_LesionGroupings.csv", *grouping)
    photos(tmp_path / "ISIC2018_Task3_Training_Input", (f"{ONE}.jpg", f"{TWO}.jpg"))
    rows = read(tmp_path)
    assert [(row.label, row.group, row.source) for row in rows.values()] == [
        ("AK", "HAM_0000001", "isic-2018"),
        ("VASC", "HAM_0000002", "isic-2018"),
    ]
    assert rows[ONE].extra["dx_type"] == "histopathology"
    assert rows[ONE].extra["original_label"] == "AKIEC"


def test_2019_joins_lesions_and_an_unknown_is_no_class(tmp_path: Path) -> None:
    table(
        tmp_path / "ISIC_2019_Training_GroundTruth.csv",
        "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK",
        f"{ONE}_downsampled,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0",
        f"{TWO},0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,0.0",
        f"{THREE},0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0",
    )
    table(
        tmp_path / "ISIC_2019_Training_Metadata.csv",
        "image,age_approx,anatom_site_general,lesion_id,sex",
        f"{ONE}_downsampled,55,anterior torso,,female",
        f"{TWO},,,BCN_0000007,male",
        f"{THREE},,,,",
    )
    photos(tmp_path / "ISIC_2019_Training_Input", (f"{ONE}_downsampled.jpg", f"{TWO}.jpg", f"{THREE}.jpg"))
    with pytest.raises(DataError, match="unknown label 'UNK'"):
        read(tmp_path)
    rows = read(tmp_path, Reading(skip_unknown=True))
    assert {name: (row.label, row.group) for name, row in rows.items()} == {
        f"{ONE}_downsampled": ("NV", ""),
        TWO: ("SCC", "BCN_0000007"),
    }
    assert rows[f"{ONE}_downsampled"].extra["site"] == "anterior torso"


V1 = "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target"
V2 = V1.replace("patient_id,", "patient_id,lesion_id,")


@pytest.mark.parametrize(("head", "lesion"), [(V1, ""), (V2, "IL_0000009,")])
def test_2020_knows_patients_and_melanoma_or_benign(tmp_path: Path, head: str, lesion: str) -> None:
    second = lesion.replace("9", "8")
    table(
        tmp_path / "train.csv",
        head,
        f"{ONE},IP_0000001,{lesion}male,45.0,head/neck,unknown,benign,0",
        f"{TWO},IP_0000001,{second}male,45.0,torso,melanoma,malignant,1",
    )
    photos(tmp_path / "train", (f"{ONE}.jpg", f"{TWO}.jpg"))
    rows = read(tmp_path)
    assert [row.label for row in rows.values()] == ["benign", "MEL"]
    assert {row.extra["patient"] for row in rows.values()} == {"IP_0000001"}
    assert [row.group for row in rows.values()] == (["IL_0000009", "IL_0000008"] if lesion else ["IP_0000001"] * 2)
    assert rows[ONE].extra["diagnosis"] == "unknown"
    assert len({row.group for row in read_catalog([tmp_path]).rows}) == 1


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("image,MEL,NV,BCC,AKIEC,BKL,DF,VASC", f"{ONE},1.0,1.0,0.0,0.0,0.0,0.0,0.0"),
        ("image,MEL,NV,BCC,AKIEC,BKL,DF,VASC", f"{ONE},0.0,0.0,0.0,0.0,0.0,0.0,0.0"),
        ("image,MEL,NV,BCC,AKIEC,BKL,DF,VASC", f"{ONE},0.7,0.3,0.0,0.0,0.0,0.0,0.0"),
        ("image_id,melanoma,seborrheic_keratosis", f"{ONE},1.0,1.0"),
        (V1, f"{ONE},IP_1,male,45,torso,melanoma,benign,1"),
        (V1, f"{ONE},IP_1,male,45,torso,melanoma,benign,0"),
    ],
)
def test_a_row_that_says_no_label_or_two_is_named(tmp_path: Path, head: str, line: str) -> None:
    table(tmp_path / "truth.csv", head, line)
    with pytest.raises(DataError, match=rf"1 rows do not say exactly one label: {ONE} \(row 2\)"):
        read(tmp_path)


def test_no_ground_truth_is_recognised_or_read_where_there_is_none(tmp_path: Path) -> None:
    table(tmp_path / "ISIC_2019_Training_Metadata.csv", "image,age_approx,anatom_site_general,lesion_id,sex", "a,,,,")
    assert SOURCE.recognise(tmp_path) is None
    with pytest.raises(DataError, match="no ground truth table found"):
        read(tmp_path)


def test_the_real_2017_set_is_read_whole(real_data: Path) -> None:
    catalog = read_catalog([real_data / "isic2017_256"])
    assert catalog.counts() == {"MEL": 404, "NV": 1449, "SK": 296}
    assert catalog.sources == ("isic-2017",)
    assert {row.extra["folder_split"] for row in catalog.rows} == {"Training", "Validation"}


@pytest.mark.parametrize(
    ("truth", "beside", "found"),
    [
        (
            "ISIC_2019_Training_GroundTruth.csv",
            "ISIC_2019_Training_Metadata.csv",
            {
                "ISIC_0000002": ("MEL", ""),
                "ISIC_0024306": ("NV", "HAM_0000550"),
                "ISIC_0053454": ("MEL", "BCN_0003884"),
            },
        ),
        (
            "ISIC_2020_Training_GroundTruth_v2.csv",
            "",
            {"ISIC_2637011": ("benign", "IL_7972535"), "ISIC_0052212": ("benign", "IL_9087444")},
        ),
    ],
)
def test_real_tables_are_read(
    tmp_path: Path, real_data: Path, truth: str, beside: str, found: dict[str, tuple[str, str]]
) -> None:
    for name in filter(None, (truth, beside)):
        (tmp_path / name).write_bytes((real_data / "metadata_only" / name).read_bytes())
    photos(tmp_path / "input", (f"{name}.jpg" for name in found))
    rows = read(tmp_path, Reading(skip_missing=True))
    assert {name: (row.label, row.group) for name, row in rows.items()} == found
