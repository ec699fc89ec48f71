from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import toy_contract

from melanoma_edge.errors import TrustError
from melanoma_edge.runtime.artifact import CalibrationNote, read_record, seal, unsealed_document

NOTE = CalibrationNote(4, 0, "c" * 64, {"MEL": 1, "NV": 3})


def sealed() -> bytes:
    document = unsealed_document("tflite", "int8", toy_contract(), NOTE)
    return seal(b"\x00weights\xff" + document.encode() + b"\x80more weights")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(sealed())
    return path


def test_a_sealed_file_gives_its_record(file: Path) -> None:
    record = read_record(file)
    assert (record.format, record.precision, record.calibration) == ("tflite", "int8", NOTE)
    assert record.contract == toy_contract()
    assert record.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert record.bytes == file.stat().st_size


def test_ten_lines_read_the_contract_and_check_the_seal_of_either_format(toy_artifacts: Any) -> None:
    for artifact in toy_artifacts.values():
        data = artifact.path.read_bytes()
        start = data.index(b'{"schema": "melanoma-edge/artifact/1"')
        document, _ = json.JSONDecoder().raw_decode(data[start:].decode("latin-1"))
        assert document["contract"]["classes"] == ["MEL", "NV", "BKL"]
        zeroed = data.replace(document["sha256"].encode(), b"0" * 64)
        assert hashlib.sha256(zeroed).hexdigest() == document["sha256"]


@given(st.data())
def test_any_changed_byte_is_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(sealed())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "changed.tflite"
    path.write_bytes(content)
    with pytest.raises(TrustError):
        read_record(path)


@pytest.mark.parametrize("cut", [1, 20, 400])
def test_a_truncated_file_is_refused(file: Path, cut: int) -> None:
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(TrustError) as caught:
        read_record(file)
    assert caught.value.exit_code == 7 and str(file) in str(caught.value)


def test_bytes_added_at_the_end_are_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n")
    with pytest.raises(TrustError, match="seal"):
        read_record(file)


@pytest.mark.parametrize("content", [b"", b"just text", b"TFL3" * 100])
def test_a_file_without_a_document_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(TrustError, match="no contract inside"):
        read_record(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.tflite", tmp_path, tmp_path / "none" / "below"):
        with pytest.raises(TrustError, match="missing"):
            read_record(path)


def test_two_documents_are_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes() * 2)
    with pytest.raises(TrustError, match="two contracts"):
        read_record(file)


def test_a_newer_schema_asks_for_an_upgrade(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"melanoma-edge/artifact/1", b"melanoma-edge/artifact/9"))
    with pytest.raises(TrustError, match=r"newer schema.*\n?.*upgrade"):
        read_record(file)


def test_a_contract_of_a_newer_schema_asks_for_an_upgrade(file: Path) -> None:
    document = unsealed_document("tflite", "int8", toy_contract(), None)
    newer = document.replace("melanoma-edge/contract/1", "melanoma-edge/contract/7")
    file.write_bytes(seal(newer.encode()))
    with pytest.raises(TrustError, match="newer schema"):
        read_record(file)


def test_an_unknown_key_is_refused(file: Path) -> None:
    document = unsealed_document("tflite", "int8", toy_contract(), None)
    file.write_bytes(seal(document.replace('"precision"', '"extra": 1, "precision"').encode()))
    with pytest.raises(TrustError, match="unknown key extra"):
        read_record(file)


def test_a_name_that_contradicts_the_content_is_refused(file: Path) -> None:
    with pytest.raises(TrustError, match=r"file name says \.onnx"):
        read_record(file.rename(file.with_suffix(".onnx")))


def test_sealing_needs_a_document() -> None:
    with pytest.raises(TrustError):
        seal(b"nothing")
