"""Listing files: sorted, through links, never in circles, and only what can be an image."""

import os
from pathlib import Path

import pytest

from melanoma_edge.data.sources.base import ignored_note, is_image, subfolders, unit, walk
from melanoma_edge.errors import MachineError


def test_walking_is_sorted_and_follows_links_but_not_in_circles(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "elsewhere").mkdir()
    for name in ("z.jpg", "b/y.jpg", "elsewhere/x.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "b" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    names = [str(path.relative_to(tmp_path)) for path in walk(tmp_path)]
    assert names == ["self", "z.jpg", "b/y.jpg", "b/link/x.jpg"]


def test_only_what_is_named_as_an_image_and_can_be_read_is_one(tmp_path: Path) -> None:
    (tmp_path / "a.JPEG").touch()
    (tmp_path / ".a.jpg").touch()
    (tmp_path / "a.txt").touch()
    (tmp_path / "lost.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert [path.name for path in walk(tmp_path) if is_image(path)] == ["a.JPEG", "lost.png"]


def test_hidden_folders_are_passed_over(tmp_path: Path) -> None:
    for name in (".git", "__MACOSX", "nevus"):
        (tmp_path / name).mkdir()
    assert [path.name for path in subfolders(tmp_path)] == ["nevus"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_may_not_be_read_is_the_machines_fault(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    try:
        with pytest.raises(MachineError, match="permission denied"):
            list(walk(tmp_path))
    finally:
        tmp_path.chmod(0o700)


def test_notes_name_five_and_count_the_rest() -> None:
    assert ignored_note([], "files") == ()
    paths = [Path(f"/x/{number}") for number in range(7)]
    assert ignored_note(paths, "files") == ("7 files ignored: 0, 1, 2, 3, 4 and 2 more",)


@pytest.mark.parametrize(
    "name", ["HAM_0000118", "BCN_0001212", "MSK4_0010982", "IL_7972535", "IP_7279968", "SYN_000001"]
)
def test_names_of_the_archive_and_of_the_synthetic_set_mean_the_same_everywhere(name: str) -> None:
    assert unit("isic-2019", name) == unit("ham10000", name) == name


def test_other_names_mean_something_in_their_own_set_only() -> None:
    assert unit("a", "17") == "a/17" != unit("b", "17")
    assert unit("a", "HAM_1/2") == "a/HAM_1/2"
    assert unit("a", "") == ""
