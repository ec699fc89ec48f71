"""What goes into an APK, and in which order."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from packing.archive import Entry, write_entries
from packing.pack import entries

PROPERTIES = "org/bytedeco/javacpp/properties/android-arm64.properties"


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Return a folder with everything that an APK is packed of, but in no good order."""
    linked = [Entry("resources.arsc", b"r", stored=True), Entry("AndroidManifest.xml", b"m", stored=False)]
    write_entries(tmp_path / "resources.apk", linked)
    for number in ("2", ""):
        (tmp_path / f"classes{number}.dex").write_bytes(b"dex" + number.encode())
    libraries = tmp_path / "lib" / "arm64-v8a"
    libraries.mkdir(parents=True)
    (libraries / "libb.so").write_bytes(b"b")
    (libraries / "liba.so").write_bytes(b"a")
    with zipfile.ZipFile(tmp_path / "library.jar", "w") as jar:
        for name in ("a/B.class", "META-INF/MANIFEST.MF", PROPERTIES, PROPERTIES.replace("android", "linux")):
            jar.writestr(name, name)
    return tmp_path


def packed(parts: Path) -> list[Entry]:
    return list(entries(parts / "resources.apk", parts, [parts / "library.jar"], parts))


def test_the_order_is_that_of_names(parts: Path) -> None:
    libraries = ["lib/arm64-v8a/liba.so", "lib/arm64-v8a/libb.so"]
    names = [entry.name for entry in packed(parts)]
    assert names == ["AndroidManifest.xml", "resources.arsc", "classes.dex", "classes2.dex", *libraries, PROPERTIES]


def test_what_was_linked_stays_stored_or_compressed(parts: Path) -> None:
    stored = {entry.name for entry in packed(parts) if entry.stored}
    assert stored == {"resources.arsc", "lib/arm64-v8a/liba.so", "lib/arm64-v8a/libb.so"}


def test_of_a_library_only_what_it_opens_is_taken(parts: Path) -> None:
    assert packed(parts)[-1] == Entry(PROPERTIES, PROPERTIES.encode(), stored=False)
