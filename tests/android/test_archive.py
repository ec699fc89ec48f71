"""The archive that an APK is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packing.archive import PAGE, WORD, Entry, padding, read_entries, write_entries
from packing.inspection import Apk

ENTRIES = [
    Entry("AndroidManifest.xml", b"manifest" * 50, stored=False),
    Entry("resources.arsc", b"12345", stored=True),
    Entry("lib/arm64-v8a/libone.so", bytes(range(256)) * 3, stored=True),
    Entry("assets/model.tflite", b"\x01\x02\x03", stored=True),
    Entry("lib/arm64-v8a/libtwo.so", b"", stored=True),
]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    write_entries(tmp_path / "a.apk", ENTRIES)
    return tmp_path / "a.apk"


def test_an_archive_holds_what_was_written(archive: Path) -> None:
    assert read_entries(archive) == ENTRIES
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None


def test_stored_entries_lie_where_android_maps_them(archive: Path) -> None:
    apk = Apk(archive)
    offsets = {entry.filename: apk.data_offset(entry) for entry in apk.entries()}
    assert offsets["lib/arm64-v8a/libone.so"] % PAGE == 0
    assert offsets["lib/arm64-v8a/libtwo.so"] % PAGE == 0
    assert offsets["resources.arsc"] % WORD == offsets["assets/model.tflite"] % WORD == 0


def test_offsets_are_those_of_the_bytes(archive: Path) -> None:
    apk = Apk(archive)
    entry = next(entry for entry in apk.entries() if entry.filename.endswith("libone.so"))
    offset = apk.data_offset(entry)
    assert archive.read_bytes()[offset : offset + entry.file_size] == ENTRIES[2].data


def test_the_same_entries_give_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    write_entries(tmp_path / "again.apk", ENTRIES)
    assert (tmp_path / "again.apk").read_bytes() == archive.read_bytes()


@given(offset=st.integers(0, 10**7), alignment=st.sampled_from([1, WORD, PAGE]))
def test_padding_reaches_the_next_multiple(offset: int, alignment: int) -> None:
    extra = padding(offset, alignment)
    assert (offset + len(extra)) % alignment == 0
    assert len(extra) < alignment + 6
    assert not extra or len(extra) == int.from_bytes(extra[2:4], "little") + 4
