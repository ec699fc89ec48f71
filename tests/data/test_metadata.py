"""Patient metadata: one name and one spelling, whatever the data set."""

import pytest

from melanoma_edge.data.metadata import COLUMNS, metadata_of, part_of


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({"age": "45.0", "sex": "male", "localization": "back", "dx_type": "histo"}, ("45", "male", "back", None)),
        ({"age_approximate": "55", "sex": "unknown"}, ("55", None, None, None)),
        (
            {"age_approx": "85", "gender": "FEMALE", "anatom_site_general": "anterior torso"},
            ("85", "female") + 2 * (0,),
        ),
        ({"age": "NA", "gender": "M", "region": "FACE", "fitspatrick": "3.0"}, (None, "male", "face", "3")),
        ({"fitzpatrick_skin_type": "IV"}, (None, None, None, "4")),
    ],
)
def test_columns_of_known_sets_get_fixed_names(cells: dict[str, str], found: tuple[str | int | None, ...]) -> None:
    told = metadata_of(cells)
    for name, wanted in zip(("age", "sex", "site", "fitzpatrick"), found, strict=True):
        assert wanted == 0 or told.get(name) == wanted


def test_the_first_filled_column_counts() -> None:
    assert metadata_of({"sex": "", "gender": "f"}) == {"sex": "female"}
    assert metadata_of({"anatom_site_general": "unknown", "anatom_site_1": "Trunk"}) == {"site": "trunk"}


def test_histopathology_has_one_word_and_other_confirmations_stay() -> None:
    assert metadata_of({"dx_type": "histo"}) == metadata_of({"diagnosis_confirm_type": "histopathology"})
    assert metadata_of({"dx_type": "follow_up"}) == {"dx_type": "follow_up"}


def test_licence_and_attribution_are_kept_as_written() -> None:
    told = metadata_of({"copyright_license": "CC-BY-NC", "attribution": "Hospital Clínic de Barcelona"})
    assert told == {"licence": "CC-BY-NC", "attribution": "Hospital Clínic de Barcelona"}


def test_unknown_columns_tell_nothing_and_no_column_tells_two_things() -> None:
    assert metadata_of({"smoke": "True", "dx": "nv"}) == {}
    columns = [column for found in COLUMNS.values() for column in found]
    assert len(columns) == len(set(columns))


@pytest.mark.parametrize(
    ("folder", "part"),
    [("Train", "train"), ("TRAINING", "train"), ("Test", "test"), ("val", "validation"), ("nevus", ""), ("", "")],
)
def test_folders_are_named_after_splits(folder: str, part: str) -> None:
    assert part_of(folder) == part
