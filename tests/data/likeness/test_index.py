"""What was seen of files is kept, and survives being killed."""

import os
from pathlib import Path

import numpy as np
from pictures import lesion, save

from melanoma_edge.data.likeness.index import Index, opened
from melanoma_edge.data.likeness.look import THUMB_BYTES, look_at


def _filled(folder: Path, count: int = 3) -> list[Path]:
    paths = [save(lesion(number), folder / f"{number}.jpg") for number in range(count)]
    with opened(folder / "index", paths) as index, index.appending() as streams:
        index.add([look_at(path) for path in paths], streams)
    return paths


def _file(folder: Path, ending: str) -> Path:
    (found,) = (folder / "index").glob(f"*{ending}")
    return found


def _known(folder: Path, paths: list[Path]) -> list[bool]:
    with opened(folder / "index", paths) as index:
        return [index.known(path) is not None for path in paths]


def test_looks_and_thumbnails_are_found_again(tmp_path: Path) -> None:
    paths = _filled(tmp_path)
    with opened(tmp_path / "index", paths) as index:
        assert [index.known(path) for path in paths] == [look_at(path)[0] for path in paths]
        thumbs = index.thumbs([str(paths[2]), str(paths[0])])
        assert len(thumbs) == 2
        assert thumbs[0:2].tobytes() == look_at(paths[2])[1] + look_at(paths[0])[1]
        assert thumbs[np.array([1])].tobytes() == look_at(paths[0])[1]


def test_a_changed_file_is_not_known(tmp_path: Path) -> None:
    paths = _filled(tmp_path)
    save(lesion(77), paths[1])
    os.utime(paths[1], ns=(1, 1))
    paths[2].unlink()
    assert _known(tmp_path, paths) == [True, False, False]


def test_what_a_killed_process_left_is_cut_off(tmp_path: Path) -> None:
    paths = _filled(tmp_path)
    lines, thumbs = _file(tmp_path, ".looks"), _file(tmp_path, ".thumbs")
    whole = lines.read_bytes()
    lines.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 20])
    thumbs.write_bytes(thumbs.read_bytes() + b"half")
    assert _known(tmp_path, paths) == [True, True, False]
    assert lines.read_bytes().count(b"\n") == 2
    assert thumbs.stat().st_size == 2 * THUMB_BYTES


def test_a_line_without_its_thumbnail_is_cut_off(tmp_path: Path) -> None:
    paths = _filled(tmp_path)
    os.truncate(_file(tmp_path, ".thumbs"), THUMB_BYTES + 5)
    assert _known(tmp_path, paths) == [True, False, False]


def test_a_damaged_line_ends_what_is_known(tmp_path: Path) -> None:
    paths = _filled(tmp_path)
    lines = _file(tmp_path, ".looks")
    lines.write_bytes(lines.read_bytes().replace(b'"sha256"', b'"sha"', 1))
    assert _known(tmp_path, paths) == [False, False, False]


def test_files_that_cannot_be_decoded_have_no_thumbnail(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"text")
    paths = [bad, save(lesion(1), tmp_path / "good.jpg")]
    with opened(tmp_path / "index", paths) as index, index.appending() as streams:
        index.add([look_at(path) for path in paths], streams)
    with opened(tmp_path / "index", paths) as index:
        assert index.look(str(bad)).problem
        assert index.thumbs([str(paths[1])])[0:1].tobytes() == look_at(paths[1])[1]


def test_other_folders_have_an_index_of_their_own(tmp_path: Path) -> None:
    paths = _filled(tmp_path)
    _known(tmp_path, [tmp_path / "elsewhere" / "a.jpg"])
    assert _known(tmp_path, paths) == [True, True, True]
    assert len(list((tmp_path / "index").glob("*.lock"))) == 2
    assert isinstance(Index(tmp_path, "x").beside(".copies"), Path)
