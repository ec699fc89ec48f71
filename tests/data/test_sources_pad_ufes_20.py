"""PAD-UFES-20: phone photographs, patients, skin types; lesion numbers mean something within a patient only."""

from pathlib import Path

from disk import photos, table

from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources import read_catalog
from melanoma_edge.data.sources.pad_ufes_20 import PadUfes20Source

HEADER = (
    "patient_id,lesion_id,smoke,drink,background_father,background_mother,age,pesticide,gender,skin_cancer_history,"
    "cancer_history,has_piped_water,has_sewage_system,fitspatrick,region,diameter_1,diameter_2,diagnostic,itch,grew,"
    "hurt,changed,bleed,elevation,img_id,biopsed"
)
ROWS = (
    "PAT_46,881,False,False,POMERANIA,POMERANIA,55,False,FEMALE,True,True,True,True,3.0,NECK,6.0,5.0,BCC,True,True,"
    "False,True,True,True,PAT_46_881_939.png,True",
    "PAT_46,12,,,,,55,,,,,,,,ARM,,,NEV,False,False,False,False,False,False,PAT_46_12_530.png,False",
    "PAT_1545,881,,,,,77,,,,,,,,FACE,,,ACK,True,False,False,False,False,False,PAT_1545_881_547.png,False",
)


def write(folder: Path) -> Path:
    table(folder / "metadata.csv", HEADER, *ROWS)
    names = ("imgs_part_1/PAT_46_881_939.png", "imgs_part_2/PAT_46_12_530.png", "imgs_part_3/PAT_1545_881_547.png")
    photos(folder, names)
    return folder


def test_rows_know_patient_lesion_and_skin(tmp_path: Path) -> None:
    listing = PadUfes20Source().read(write(tmp_path), Reading())
    assert [(row.image_id, row.label, row.group) for row in listing.rows] == [
        ("PAT_46_881_939", "BCC", "pad-ufes-20/PAT_46_881"),
        ("PAT_46_12_530", "NV", "pad-ufes-20/PAT_46_12"),
        ("PAT_1545_881_547", "AK", "pad-ufes-20/PAT_1545_881"),
    ]
    assert listing.rows[0].extra == {
        "age": "55",
        "sex": "female",
        "site": "neck",
        "fitzpatrick": "3",
        "dx_type": "histopathology",
        "image_type": "clinical",
        "patient": "pad-ufes-20/PAT_46",
        "lesion": "pad-ufes-20/PAT_46_881",
        "original_label": "BCC",
    }
    assert "dx_type" not in listing.rows[1].extra
    assert (listing.licences, listing.image_types) == (("CC BY 4.0",), ("clinical",))


def test_a_patient_is_one_group_and_the_same_lesion_number_of_another_is_not(tmp_path: Path) -> None:
    groups = {row.image_id: row.group for row in read_catalog([write(tmp_path)]).rows}
    assert groups["PAT_46_881_939"] == groups["PAT_46_12_530"] != groups["PAT_1545_881_547"]


def test_it_is_recognised_by_its_own_columns_only(tmp_path: Path) -> None:
    assert PadUfes20Source().recognise(write(tmp_path)) == "metadata.csv"
    table(tmp_path / "metadata.csv", "patient_id,lesion_id,image_id,dx", "a,b,c,nv")
    assert PadUfes20Source().recognise(tmp_path) is None


def test_the_real_set_is_read_where_it_has_pictures(real_data: Path) -> None:
    catalog = read_catalog([real_data / "pad_ufes_20"], Reading(skip_missing=True))
    assert catalog.counts() == {"MEL": 41, "NV": 183, "BCC": 193, "AK": 118, "SCC": 22, "SK": 132}
    assert catalog.image_types == ("clinical",)
    homes: dict[str, set[str]] = {}
    for row in catalog.rows:
        homes.setdefault(row.extra["patient"], set()).add(row.group)
    assert all(len(groups) == 1 for groups in homes.values())
    assert "1,609 images of the table are not on disk and left out, of 2,298 in metadata.csv" in catalog.notes
