"""Many files looked at and compared: once, in any number of processes, and on from where it was stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pictures import CROP, lesion, save

from melanoma_edge.data.likeness import copies_among, distinct, scan, scanned
from melanoma_edge.data.likeness.search import Copy
from melanoma_edge.errors import UsageError


def _folder(folder: Path, count: int = 40) -> list[Path]:
    paths = [save(lesion(number), folder / f"{number:04}.jpg") for number in range(count)]
    return [
        *paths,
        save(lesion(3).crop(CROP), folder / "cut.jpg"),
        save(lesion(5).resize((99, 99)), folder / "small.jpg"),
    ]


def _copies(paths: list[Path], folder: Path, workers: int = 1) -> list[Copy]:
    with scanned(paths, folder, workers=workers) as index:
        return copies_among(index, distinct(index, [str(path) for path in paths]), workers=workers)


@pytest.fixture
def _looked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were looked at."""
    looked: list[Path] = []
    plain = scan.look_at
    monkeypatch.setattr(scan, "look_at", lambda path: (looked.append(path), plain(path))[1])
    return looked


def test_only_new_and_changed_files_are_looked_at(tmp_path: Path, _looked: list[Path]) -> None:
    paths = _folder(tmp_path)
    found = _copies(paths, tmp_path / "index")
    assert [sorted((copy.first, copy.second)) for copy in found] == [[3, 40], [5, 41]]
    assert len(_looked) == len(paths)
    _looked.clear()
    assert _copies(paths, tmp_path / "index") == found
    assert _looked == []
    save(lesion(900), paths[40])
    os.utime(paths[40], ns=(5, 5))
    assert [{copy.first, copy.second} for copy in _copies(paths, tmp_path / "index")] == [{5, 41}]
    assert _looked == [paths[40]]


def test_processes_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = _folder(tmp_path)
    alone = _copies(paths, tmp_path / "one")
    monkeypatch.setattr(scan, "_WORTH_A_PROCESS", 4)
    assert _copies(paths, tmp_path / "two", workers=2) == alone


def test_copies_found_before_are_not_searched_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = _folder(tmp_path)
    found = _copies(paths, tmp_path / "index")
    (stored,) = (tmp_path / "index").glob("*.copies")
    lines = stored.read_text().splitlines(keepends=True)
    stored.write_text(lines[0] + lines[1][:30])
    asked: list[int] = []
    plain = scan.Search.copies_of
    monkeypatch.setattr(
        scan.Search, "copies_of", lambda self, numbers: (asked.append(numbers[0]), plain(self, numbers))[1]
    )
    assert _copies(paths, tmp_path / "index") == found
    assert asked == [json.loads(lines[1])[1]]


def test_less_than_two_pictures_have_no_copies(tmp_path: Path) -> None:
    assert _copies([save(lesion(1), tmp_path / "a.jpg")], tmp_path / "index") == []


def test_progress_is_told_of_files_and_never_runs_back(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    paths = _folder(tmp_path)
    with scanned(paths, tmp_path / "index", lambda *step: told.append(step), 1) as index:
        copies_among(index, [str(path) for path in paths], lambda *step: told.append(step), 1)
    for task in {name for name, _, _ in told}:
        steps = [done for name, done, _ in told if name == task]
        assert steps == sorted(steps) and steps[-1] == len(paths)


def test_no_process_is_refused_before_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError), scanned([tmp_path / "a.jpg"], tmp_path / "index", workers=0):
        pass
    assert not (tmp_path / "index").exists()


_SCRIPT = """
import sys, time
from pathlib import Path
from melanoma_edge.data.likeness import scan
plain = scan.look_at
scan.look_at = lambda path: (time.sleep(0.02), plain(path))[1]
if __name__ == "__main__":
    paths = sorted(Path(sys.argv[1]).glob("*.jpg"))
    with scan.scanned(paths, Path(sys.argv[2]), workers=1):
        pass
"""


def test_after_a_kill_work_goes_on_where_it_was(tmp_path: Path, _looked: list[Path]) -> None:
    paths = sorted(_folder(tmp_path / "images", 160))
    script = tmp_path / "work.py"
    script.write_text(_SCRIPT)
    index = tmp_path / "index"
    worker = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "images"), str(index)], cwd=Path(__file__).parents[3],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not any(file.stat().st_size for file in index.glob("*.looks")) and time.monotonic() < deadline:
        time.sleep(0.02)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    with scanned(paths, index, workers=1) as found:
        assert all(found.known(path) for path in paths)
    assert 0 < len(_looked) < len(paths)
