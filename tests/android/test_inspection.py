"""What an inspection of an APK finds, of that which needs no tool of Android's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from toy_elf import LOAD, elf

from packing.archive import Entry, write_entries
from packing.inspection import CHECKS, Apk, Expected, sizes

LIBRARIES = ["lib/arm64-v8a/libjnijavacpp.so", "lib/arm64-v8a/libjnitensorflowlite.so"]
PROPERTIES = "org/bytedeco/javacpp/properties/android-arm64.properties"


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    (tmp_path / "assets" / "bundle").mkdir(parents=True)
    (tmp_path / "assets" / "bundle" / "model.tflite").write_bytes(b"model")
    return tmp_path / "assets"


def found(assets: Path, check: str, **changed: bytes | None) -> list[str]:
    """Return what a check finds in a good APK of which some files were changed or left out."""
    files: dict[str, bytes | None] = {"assets/bundle/model.tflite": b"model", PROPERTIES: b""}
    files |= {name: elf((LOAD, 0x4000)) for name in LIBRARIES} | changed
    apk = Apk(assets.parent / "a.apk")
    write_entries(apk.path, [Entry(name, data, stored=True) for name, data in files.items() if data is not None])
    return list(CHECKS[check](apk, Expected("melanomaedge.app", 26, 36, assets)))


@pytest.mark.parametrize("check", ["assets are the project's", "shared objects"])
def test_a_good_apk_has_no_fault(assets: Path, check: str) -> None:
    assert found(assets, check) == []


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("assets/bundle/model.tflite", b"other", "differs"),
        ("assets/bundle/model.tflite", None, "is missing"),
        ("assets/more.zip", b"", "is not the project's"),
    ],
)
def test_assets_are_compared_byte_by_byte(assets: Path, name: str, data: bytes | None, fault: str) -> None:
    (said,) = found(assets, "assets are the project's", **{name: data})
    assert said.startswith(name) and fault in said


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        (LIBRARIES[0], elf((LOAD, 0x4000), (LOAD, 0x1000)), "smaller pages than 16384"),
        (LIBRARIES[1], None, "instead of"),
        ("lib/x86_64/libonnxruntime.so", elf((LOAD, 0x4000)), "instead of"),
        (PROPERTIES, None, "by which the libraries are found"),
    ],
)
def test_shared_objects_are_those_expected(assets: Path, name: str, data: bytes | None, fault: str) -> None:
    (said,) = found(assets, "shared objects", **{name: data})
    assert fault in said


def test_sizes_add_up_to_the_file(assets: Path) -> None:
    found(assets, "shared objects")
    apk = Apk(assets.parent / "a.apk")
    *parts, total = [int(re.sub(r"\D", "", line[28:])) for line in sizes(apk)]
    assert sum(parts) == total == apk.path.stat().st_size
