"""Folders and zips as a bundle's files, and what is no bundle whoever packed it."""

from __future__ import annotations

import io
import os
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.bundle import container
from melanoma_edge.bundle.container import MAX_FILES, is_bundle, read_files, zip_bytes
from melanoma_edge.errors import TrustError

FILES = {"contract.json": b"{}", "golden/01.jpg": b"photo" * 99, "model.tflite": bytes(range(256))}


def packed(**changes: object) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("a.txt", (1980, 1, 1, 0, 0, 0))
    for name, value in changes.items():
        setattr(info, name, value)
    return info


def zipped(*members: tuple[zipfile.ZipInfo | str, bytes], comment: bytes = b"", method: int = 0) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for info, data in members:
            archive.writestr(info, data)
        archive.comment = comment
    return stream.getvalue()


def refused(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(data)
    with pytest.raises(TrustError) as caught:
        read_files(path)
    assert says in str(caught.value)


def test_what_was_packed_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(zip_bytes(FILES))
    assert read_files(path) == FILES


def test_a_zip_is_the_same_whenever_and_in_whatever_order_it_is_packed() -> None:
    assert zip_bytes(FILES) == zip_bytes(dict(reversed(FILES.items())))
    with zipfile.ZipFile(io.BytesIO(zip_bytes(FILES))) as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == sorted(FILES)
    assert {(info.date_time, info.compress_type) for info in infos} == {((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)}


def test_a_deflated_zip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(zipped(*FILES.items(), method=zipfile.ZIP_DEFLATED))
    assert read_files(path) == FILES


@pytest.mark.parametrize(
    "name",
    [
        "../a.txt",
        "/a.txt",
        "a/../b.txt",
        "a\\b.txt",
        "A.txt",
        "a",
        "a/",
        "./a.txt",
        "a//b.txt",
        "a.txt/",
        "ä.txt",
        "a b.txt",
    ],
)
def test_strange_names_are_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path, zipped((name, b"")), "no bundle has")


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = zipped(("a.txt", b"1"), ("a.txt", b"2"))
    refused(tmp_path, data, "two files named a.txt")


def test_a_link_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, zipped((packed(external_attr=0o120777 << 16), b"/etc/passwd")), "a link or no file")


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.txt", b"text")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    refused(tmp_path, bytes(data), "encrypted")


def test_another_way_of_packing_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, zipped(("a.txt", b"text"), method=zipfile.ZIP_BZIP2), "packed in a way")


@pytest.mark.parametrize("data", [b"before" + zip_bytes(FILES), zip_bytes(FILES) + b"behind"])
def test_bytes_around_a_zip_are_refused(tmp_path: Path, data: bytes) -> None:
    refused(tmp_path, data, "bytes before or behind it")


def test_comments_and_extra_fields_are_refused(tmp_path: Path) -> None:
    refused(tmp_path, zipped(("a.txt", b"text"), comment=b"words"), "comments")
    refused(tmp_path, zipped((packed(comment=b"words"), b"text")), "comments")
    refused(tmp_path, zipped((packed(extra=struct.pack("<HH", 9, 0)), b"text")), "extra fields")


def test_more_files_than_any_bundle_has_are_refused(tmp_path: Path) -> None:
    names = [f"{number}.txt" for number in range(MAX_FILES + 1)]
    refused(tmp_path, zipped(*((name, b"") for name in names)), f"more than {MAX_FILES} files")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    with pytest.raises(TrustError, match=f"more than {MAX_FILES} files"):
        read_files(folder)


def test_a_bomb_is_refused_before_it_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "MAX_FILE", 1000)
    refused(tmp_path, zipped(("a.txt", bytes(5000)), method=zipfile.ZIP_DEFLATED), "more than 1,000 bytes")
    monkeypatch.setattr(container, "MAX_TOTAL", 1500)
    two = zipped(("a.txt", bytes(900)), ("b.txt", bytes(900)), method=zipfile.ZIP_DEFLATED)
    refused(tmp_path, two, "1,500 in all")


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.txt", bytes(5000)), method=zipfile.ZIP_DEFLATED))
    for place in (22, data.index(b"PK\x01\x02") + 24):
        data[place : place + 4] = struct.pack("<I", 10)
    refused(tmp_path, bytes(data), "not a whole zip")


def test_a_zip_larger_than_any_bundle_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "MAX_TOTAL", 10)
    monkeypatch.setattr(container, "_HEADERS", 10)
    refused(tmp_path, zip_bytes(FILES), "no bundle has")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_zip_that_is_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    whole = zip_bytes(FILES)
    refused(tmp_path, whole[: int(share * len(whole))], "not a whole zip")


def test_text_is_no_zip(tmp_path: Path) -> None:
    refused(tmp_path, b"text", "not a whole zip")


@given(st.data())
def test_a_changed_zip_gives_the_same_files_or_is_refused(data: st.DataObject) -> None:
    whole = bytearray(zip_bytes(FILES))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.NamedTemporaryFile(suffix=".zip") as stream:
        stream.write(whole)
        stream.flush()
        try:
            found = read_files(Path(stream.name))
        except TrustError:
            return
    assert {zlib.crc32(one) for one in found.values()} == {zlib.crc32(one) for one in FILES.values()}


def test_links_and_strange_files_in_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to("/etc/passwd")
    with pytest.raises(TrustError, match="a link or no file"):
        read_files(tmp_path)
    (tmp_path / "a.txt").unlink()
    os.mkfifo(tmp_path / "b.txt")
    with pytest.raises(TrustError, match="a link or no file"):
        read_files(tmp_path)


def test_a_device_is_no_bundle() -> None:
    with pytest.raises(TrustError, match="neither a folder nor a file"):
        read_files(Path("/dev/null"))


def test_a_bundle_is_known_by_its_manifest_or_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "app.bin").write_bytes(zip_bytes(FILES))
    (tmp_path / "notes.txt").write_text("text")
    known = {name: is_bundle(tmp_path / name) for name in ("folder", "app.bin", "notes.txt", "missing.zip", "missing")}
    assert known == {"folder": False, "app.bin": True, "notes.txt": False, "missing.zip": True, "missing": False}
    (tmp_path / "folder/manifest.json").touch()
    assert is_bundle(tmp_path / "folder")
