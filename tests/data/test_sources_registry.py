"""From folders to one catalog: recognised, merged, hashed, and refused where it would deceive."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from disk import photo, photos, table

from melanoma_edge.data.catalog import Catalog, CatalogRow, load_catalog, save_catalog
from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources import SOURCES, read_catalog, read_listings
from melanoma_edge.data.sources.base import layout_of
from melanoma_edge.data.split import keep_test_folder, split_catalog
from melanoma_edge.errors import DataError, UsageError
from melanoma_edge.files import sha256_of

REAL = Path(os.environ.get("MELANOMA_EDGE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "isic9"


def class_folders(folder: Path, per_class: int = 4, first: int = 0) -> Path:
    for place, label in enumerate(("melanoma", "nevus")):
        for number in range(per_class):
            photo(folder / label / f"{label}{number}.png", first + 1000 * place + number)
    return folder


def test_a_folder_becomes_a_sorted_and_hashed_catalog(tmp_path: Path) -> None:
    catalog = read_catalog([class_folders(tmp_path)])
    assert [row.image_id for row in catalog.rows] == sorted(row.image_id for row in catalog.rows)
    assert all(row.sha256 == sha256_of(Path(row.path)) for row in catalog.rows)
    assert all(row.group == row.image_id and row.split == "" for row in catalog.rows)
    assert catalog.classes == ("MEL", "NV")
    assert not catalog.synthetic
    assert catalog.notes == (
        f"class folders: 8 images, 2 classes in {tmp_path}, recognised by its folders melanoma, nevus",
        "class folders: images taken to be dermoscopic; --image-type says otherwise",
    )
    assert catalog.policies == {
        "on_conflict": "error",
        "on_duplicate": "keep-first",
        "test_folder": "pool",
        "split_policy": "grouped",
        "left_out": "nothing",
    }


def test_a_catalog_survives_being_written(tmp_path: Path) -> None:
    catalog = split_catalog(read_catalog([class_folders(tmp_path / "data")]), 0)
    first = save_catalog(catalog, tmp_path / "run")
    assert load_catalog(tmp_path / "run") == catalog
    assert save_catalog(split_catalog(read_catalog([tmp_path / "data"]), 0), tmp_path / "run") == first


def test_several_folders_are_merged_in_any_order(tmp_path: Path) -> None:
    paths = [class_folders(tmp_path / "a"), class_folders(tmp_path / "b", 3, first=5000)]
    catalog = read_catalog(paths)
    assert len(catalog.rows) == 14
    assert catalog == read_catalog(paths[::-1])


def test_folders_that_name_no_data_set_are_sources_of_their_own_wherever_they_lie(tmp_path: Path) -> None:
    class_folders(tmp_path / "a")
    class_folders(tmp_path / "b", 6, first=5000)
    catalog = read_catalog([tmp_path / "a", tmp_path / "b"])
    assert catalog.sources == ("folder", "folder-2")
    assert Counter(row.source for row in catalog.rows) == {"folder": 12, "folder-2": 8}
    assert {row.source for row in catalog.rows if row.path.startswith(str(tmp_path / "b"))} == {"folder"}
    assert "these images are source folder-2" in catalog.notes
    (tmp_path / "a").rename(tmp_path / "z")
    assert read_catalog([tmp_path / "b", tmp_path / "z"]).sha256 == catalog.sha256


def test_folders_of_one_class_each_are_parts_of_one_source(tmp_path: Path) -> None:
    for label in ("melanoma", "nevus"):
        (tmp_path / label).mkdir()
        (class_folders(tmp_path / "all") / label).rename(tmp_path / label / label)
    assert read_catalog([tmp_path / "melanoma", tmp_path / "nevus"]).sources == ("folder",)


def test_a_numbered_source_is_of_its_layout_and_a_challenge_of_its_year() -> None:
    assert [layout_of(name) for name in ("folder", "folder-2", "csv-13")] == ["folder", "folder", "csv"]
    assert [layout_of(name) for name in ("isic-2018", "ham10000", "my-folder-2")] == [
        "isic-2018",
        "ham10000",
        "my-folder-2",
    ]


def test_the_same_folder_twice_counts_once(tmp_path: Path) -> None:
    folder = class_folders(tmp_path)
    assert read_catalog([folder, folder]).rows == read_catalog([folder]).rows


def test_the_hash_of_a_catalog_does_not_depend_on_where_it_lies(tmp_path: Path) -> None:
    assert read_catalog([class_folders(tmp_path / "a")]).sha256 == read_catalog([class_folders(tmp_path / "b")]).sha256


def test_progress_reaches_its_total(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    read_catalog([class_folders(tmp_path, 150)], progress=lambda *step: told.append(step))
    assert told == [("hashing images", 256, 300), ("hashing images", 300, 300)]


def test_conflicts_are_refused_or_dropped_with_the_classes_they_empty(tmp_path: Path) -> None:
    class_folders(tmp_path)
    for number in range(3):
        photo(tmp_path / "seborrheic keratosis" / f"s{number}.png", number)
    photo(tmp_path / "seborrheic keratosis" / "own.png", 99)
    with pytest.raises(DataError, match="3 images stand under two labels \\(MEL and SK 3\\)"):
        read_catalog([tmp_path])
    photo(tmp_path / "melanoma" / "more1.png", 501)
    photo(tmp_path / "melanoma" / "more2.png", 502)
    catalog = read_catalog([tmp_path], Reading(on_conflict="drop"))
    assert catalog.counts() == {"MEL": 3, "NV": 4}
    assert catalog.notes[-1] == "class SK left out: only 1 groups remain without conflicts"


def test_unreadable_files_are_all_named(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "nevus" / "lost1.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "nevus" / "lost2.jpg").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"2 images cannot be read: .*lost1\.jpg, .*lost2\.jpg"):
        read_catalog([tmp_path])


def test_a_name_that_is_not_text_is_refused(tmp_path: Path) -> None:
    os.link(class_folders(tmp_path) / "nevus" / "nevus0.png", os.fsencode(tmp_path / "nevus") + b"/\xff.png")
    with pytest.raises(DataError, match="not UTF-8"):
        read_catalog([tmp_path])


def test_missing_folders_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such folder \(.*one, .*two\)") as caught:
        read_catalog([tmp_path / "one", tmp_path / "two"])
    assert caught.value.exit_code == 3


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a folder"):
        read_catalog([photo(tmp_path / "a.png", 1)])


def test_what_no_source_recognises_lists_what_each_looks_for(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no source recognises this folder") as caught:
        read_catalog([tmp_path])
    assert all(f"{name} looks for {source.looks_for}" in caught.value.fix for name, source in SOURCES.items())


def test_a_folder_without_images_is_refused_by_a_named_source_too(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images found"):
        read_catalog([tmp_path], Reading(source="folder"))


def test_one_class_is_refused_before_anything_is_hashed(tmp_path: Path) -> None:
    photo(tmp_path / "melanoma" / "a.png", 1)
    told: list[str] = []
    with pytest.raises(DataError, match="one class only: MEL"):
        read_catalog([tmp_path], progress=lambda task, done, total: told.append(task))
    assert not told


def test_a_named_source_is_the_one_that_reads(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one metadata table expected"):
        read_catalog([class_folders(tmp_path)], Reading(source="ham10000"))
    notes = read_catalog([tmp_path], Reading(source="folder")).notes
    assert notes[0] == f"class folders: 8 images, 2 classes in {tmp_path}"


def test_unknown_requests_are_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choose auto, synthetic, csv, isic-archive, pad-ufes-20, isic-challenge"):
        read_catalog([tmp_path], Reading(source="isic"))
    with pytest.raises(UsageError, match="no folder given"):
        read_catalog([])


@pytest.fixture(scope="module")
def nine_classes() -> Catalog:
    if not REAL.is_dir():
        pytest.skip(f"real images are not here: {REAL}")
    return read_catalog([REAL], Reading(on_conflict="drop"))


def test_the_nine_class_set_is_refused_for_its_155_contradictions(nine_classes: Catalog) -> None:
    with pytest.raises(DataError, match=r"155 images stand under two labels \(MEL and SK 78, NV and AK 77\)"):
        read_catalog([REAL])


def test_the_nine_class_set_can_be_used_without_them(nine_classes: Catalog) -> None:
    assert any("155 images under two labels left out with all 310 files" in note for note in nine_classes.notes)
    assert nine_classes.classes == ("MEL", "NV", "BCC", "AK", "SCC", "BKL", "DF", "VASC")
    assert len(nine_classes.rows) == 2043
    assert {row.extra["folder_split"] for row in nine_classes.rows} == {"Train", "Test"}
    assert split_catalog(nine_classes, 0).part("test")


def test_the_nine_class_set_with_resolved_labels(real_data: Path) -> None:
    table = real_data / "isic9_resolved_labels.csv"
    catalog = read_catalog([REAL], Reading(on_conflict=f"prefer {table}"))
    assert len(catalog.rows) == 2144  # of 2,146 resolved images two are byte copies under another number
    assert catalog.classes == ("MEL", "NV", "BCC", "AK", "SCC", "BKL", "DF", "VASC")
    assert len({row.group for row in catalog.rows}) < 1800
    assert catalog.policies["preferred_sha256"] == sha256_of(table)
    kept = keep_test_folder(read_catalog([REAL], Reading(on_conflict=f"prefer {table}", test_folder="keep")), 0)
    assert len(kept.part("test")) == 113
    assert not {row.group for row in kept.part("test")} & {row.group for row in kept.part("train")}


def test_the_nine_class_set_as_the_field_uses_it_is_leaky(nine_classes: Catalog) -> None:
    catalog = split_catalog(read_catalog([REAL], Reading(split_policy="legacy")), 0)
    assert catalog.leaky
    assert len(catalog.rows) == 2359
    assert len(catalog.classes) == 9
    assert catalog.notes[-1].startswith("LEAKY split: at least 39 of 353 validation images and 31 of 354 test images")


def test_two_real_sets_are_merged_with_their_licences(real_data: Path) -> None:
    catalog = read_catalog([real_data / "isic2017_256", real_data / "ham10000_224"])
    assert Counter(row.source for row in catalog.rows) == {"ham10000": 5984, "isic-2017": 2149}
    assert catalog.licences == ("CC BY-NC 4.0", "CC0 1.0")
    assert catalog.image_types == ("dermoscopic",)


def test_one_image_in_two_sets_is_one_image_and_joins_its_lesion(tmp_path: Path) -> None:
    rows = [f"HAM_000000{n},ISIC_000000{n},{label},,,," for n, label in enumerate(("mel", "nv", "nv"), 1)]
    table(tmp_path / "ham" / "HAM10000_metadata.csv", "lesion_id,image_id,dx,dx_type,age,sex,localization", *rows)
    photos(tmp_path / "ham", (f"ISIC_000000{n}.jpg" for n in (1, 2, 3)))
    truth = ("image,MEL,NV,BCC,AKIEC,BKL,DF,VASC", "ISIC_0000001,1,0,0,0,0,0,0", "ISIC_0000009,0,1,0,0,0,0,0")
    table(tmp_path / "isic" / "ISIC2018_Task3_Training_GroundTruth.csv", *truth)
    lesions = ("image,lesion_id,diagnosis_confirm_type", "ISIC_0000001,HAM_0000001,", "ISIC_0000009,HAM_0000003,")
    table(tmp_path / "isic" / "ISIC2018_Task3_Training_LesionGroupings.csv", *lesions)
    photo(tmp_path / "isic" / "ISIC_0000001.jpg", 0)
    photo(tmp_path / "isic" / "ISIC_0000009.jpg", 9)
    catalog = read_catalog([tmp_path / "isic", tmp_path / "ham"])
    assert {row.image_id: (row.source, row.group) for row in catalog.rows} == {
        "ISIC_0000001": ("ham10000", "HAM_0000001"),
        "ISIC_0000002": ("ham10000", "HAM_0000002"),
        "ISIC_0000003": ("ham10000", "HAM_0000003"),
        "ISIC_0000009": ("isic-2018", "HAM_0000003"),
    }
    assert "1 byte-identical copies left out, the first of each kept" in catalog.notes


def test_a_wrapped_download_is_looked_into(tmp_path: Path) -> None:
    class_folders(tmp_path / "Skin cancer ISIC" / "Train")
    class_folders(tmp_path / "Skin cancer ISIC" / "Test", first=5000)
    catalog = read_catalog([tmp_path])
    assert {row.extra["folder_split"] for row in catalog.rows} == {"Train", "Test"}
    assert "images of Test, Train are pooled and split anew by group" in catalog.notes


def test_the_kind_of_images_can_be_said_where_the_layout_does_not(tmp_path: Path) -> None:
    class_folders(tmp_path / "mine")
    assert read_catalog([tmp_path / "mine"], Reading(image_type="clinical")).image_types == ("clinical",)
    table(tmp_path / "ham" / "HAM10000_metadata.csv", "lesion_id,image_id,dx", "L1,a,mel", "L2,b,nv")
    photos(tmp_path / "ham", ("a.jpg", "b.jpg"))
    with pytest.raises(UsageError, match="HAM10000 says itself what kind of images"):
        read_catalog([tmp_path / "ham"], Reading(image_type="clinical"))


def test_near_duplicates_found_by_another_join_groups(tmp_path: Path) -> None:
    def alike(rows: Sequence[CatalogRow]) -> dict[str, str]:
        return {row.sha256: "pair" for row in rows if row.image_id in ("melanoma0", "nevus0")}

    catalog = read_catalog([class_folders(tmp_path)], clusters=alike)
    groups = {row.image_id: row.group for row in catalog.rows}
    assert groups["melanoma0"] == groups["nevus0"] != groups["nevus1"]


def test_listings_are_what_lies_there_unsettled(tmp_path: Path) -> None:
    folder = class_folders(tmp_path)
    photo(folder / "nevus" / "again.png", 0)
    (listing,) = read_listings([folder], Reading())
    assert len(listing.rows) == 9
    assert {row.sha256 for row in listing.rows} == {""}
