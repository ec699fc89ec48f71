"""What the files are."""

from dataclasses import replace

from melanoma_edge.audit.files import check_files
from melanoma_edge.data.likeness import Look

GOOD = Look(
    "/d/a.jpg", 1000, 1, "s", "", "JPEG", 600, 450, "RGB", 1, "", "", "p", (1.0, 2.0, 3.0), (9.0, 9.0, 9.0, 9.0), 2.0
)


def test_faults_are_named_and_the_rest_is_counted() -> None:
    looks = [
        GOOD,
        replace(GOOD, path="/d/b.jpg", format="PNG", mode="RGBA", orientation=6, profile="Display P3", camera="Acme"),
        replace(GOOD, path="/d/c.jpg", problem="image is damaged", pixels=""),
        replace(GOOD, path="/d/d.JPEG", format="MPO", width=450),
    ]
    files = check_files(looks)
    assert [fault.path for fault in files.undecodable] == ["/d/c.jpg"]
    assert [(fault.path, fault.what) for fault in files.misnamed] == [("/d/b.jpg", "is PNG")]
    assert (files.files, files.bytes, files.turned) == (4, 4000, 1)
    assert files.formats == {"JPEG": 1, "MPO": 1, "PNG": 1}
    assert files.profiles == {"Display P3": 1} and files.cameras == {"Acme": 1}
    assert files.sizes == {"600x450": 2, "450x450": 1}
    assert files.square == 1 / 3
    assert files.thumbnails == "" and files.enlarged == 0


def test_one_small_size_gives_thumbnails_away() -> None:
    small = [replace(GOOD, width=180, height=180)] * 6 + [GOOD] * 4
    assert check_files(small).one_size == "180x180"
    assert "180x180" in check_files(small).thumbnails
    assert check_files(small[4:]).thumbnails == ""
    assert check_files([GOOD] * 4).one_size == ""


def test_enlarged_pictures_are_told_by_what_they_lack() -> None:
    blurred = replace(GOOD, detail=0.5)
    assert check_files([blurred] * 3 + [GOOD]).enlarged == 3
    assert "3 of 4 pictures were enlarged" in check_files([blurred] * 3 + [GOOD]).thumbnails
    assert check_files([blurred] + [GOOD] * 3).thumbnails == ""
    assert check_files([replace(blurred, width=180, height=180)]).enlarged == 0


def test_many_sizes_end_in_others() -> None:
    files = check_files([replace(GOOD, width=600 + step) for step in range(20)])
    assert files.sizes["8 others"] == 8 and len(files.sizes) == 13


def test_nothing_decodable_is_no_trouble() -> None:
    files = check_files([replace(GOOD, problem="gone")])
    assert files.square == 0 and files.thumbnails == "" and files.formats == {}
