"""Labels: every known name maps to one word, unknown names are refused, and the target follows from the classes."""

import csv
import string
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.data.labels import MALIGNANT, VOCABULARY, Target, canonical, find, order, target_of
from melanoma_edge.errors import DataError

RECORDS = [
    (record["name"], record["label"])
    for record in csv.DictReader(files("melanoma_edge.data").joinpath("labels.csv").read_text("utf-8").splitlines())
]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("nv", "NV"),
        ("akiec", "AK"),
        ("bkl", "BKL"),
        ("mel", "MEL"),
        ("vasc", "VASC"),
        ("df", "DF"),
        ("bcc", "BCC"),
        ("actinic keratosis", "AK"),
        ("basal cell carcinoma", "BCC"),
        ("dermatofibroma", "DF"),
        ("melanoma", "MEL"),
        ("nevus", "NV"),
        ("pigmented benign keratosis", "BKL"),
        ("seborrheic keratosis", "SK"),
        ("squamous cell carcinoma", "SCC"),
        ("vascular lesion", "VASC"),
        ("ACK", "AK"),
        ("SEK", "SK"),
        ("NEV", "NV"),
        ("Malignant", "malignant"),
        ("Benign_Lesions", "benign"),
    ],
)
def test_names_of_known_data_sets_map_to_the_vocabulary(name: str, label: str) -> None:
    assert canonical(name) == label


def test_the_table_is_sound() -> None:
    assert {label for _, label in RECORDS} == set(VOCABULARY)
    assert all(find(name) == label for name, label in RECORDS), "two names that differ in punctuation disagree"


@given(st.sampled_from(RECORDS), st.data())
def test_case_and_separators_do_not_matter(record: tuple[str, str], data: st.DataObject) -> None:
    name, label = record
    letters = [data.draw(st.sampled_from([letter.lower(), letter.upper()])) for letter in name]
    gaps = [data.draw(st.sampled_from(["", " ", "_", "-", "  ", "."])) for _ in name]
    spelled = "".join(gap + letter for gap, letter in zip(gaps, letters, strict=True))
    assert canonical(spelled) == label
    assert canonical(canonical(spelled)) == label


@given(st.text(alphabet=string.printable + "äéß中\u0300", max_size=20))
def test_any_other_text_is_refused_and_never_guessed(text: str) -> None:
    known = {"".join(filter(str.isalnum, name.lower())) for name, _ in RECORDS}
    if "".join(filter(str.isalnum, text.lower())) not in known and text.isascii():
        with pytest.raises(DataError):
            canonical(text)


def test_an_unknown_label_names_the_nearest_known_ones() -> None:
    with pytest.raises(DataError, match="'melanomma' \\(nearest: melanoma"):
        canonical("melanomma")
    with pytest.raises(DataError, match="'xyzzy' \\(nearest: none\\)"):
        canonical("xyzzy")


def test_order_is_the_vocabularys_and_drops_repeats() -> None:
    assert order(["VASC", "NV", "MEL", "NV"]) == ("MEL", "NV", "VASC")


def test_melanoma_is_the_target_where_the_classes_know_it() -> None:
    assert target_of(["NV", "BCC", "MEL"]) == Target("melanoma", ("MEL",), ("MEL",), ("MEL", "BCC"))


def test_malignancy_is_the_target_otherwise() -> None:
    assert target_of(["benign", "malignant"]) == Target("malignant", ("malignant",), (), ("malignant",))
    assert target_of(["NV", "SCC", "BCC"]) == Target("malignant", ("BCC", "SCC"), (), ("BCC", "SCC"))


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["MEL"], "one class only: MEL"),
        ([], "one class only: none"),
        (["NV", "BKL"], "nothing malignant to learn"),
        (["BCC", "SCC"], "all classes are malignant"),
        (["malignant", "MEL", "NV"], "'malignant' includes MEL"),
        (["MEL", "benign", "NV"], "'benign' includes NV"),
    ],
)
def test_classes_that_make_no_sense_are_refused(classes: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        target_of(classes)


@given(st.sets(st.sampled_from(VOCABULARY)))
def test_a_target_is_neither_nothing_nor_everything(classes: set[str]) -> None:
    try:
        target = target_of(classes)
    except DataError:
        return
    assert 0 < len(target.target_classes) < len(classes)
    assert set(target.malignant_classes) == classes & set(MALIGNANT)
