"""Inspect a finished APK as a phone and a reviewer would: what it asks for, what it holds, whether it can be loaded."""

from __future__ import annotations

import argparse
import hashlib
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from packing import manifest
from packing.archive import PAGE, WORD
from packing.elf import load_alignments

STORED = (".zip", ".tflite", ".onnx", ".so")
"""Files that are mapped from the APK as they stand."""
ABIS = {"arm64-v8a"}
LIBRARIES = {"libjnijavacpp.so", "libjnitensorflowlite.so"}
FORBIDDEN_CLASSES = re.compile(r"'Lai/onnxruntime/|'Landroid/test/|'Lorg/junit/")
FORBIDDEN_CALLS = ("invoke-custom", "invoke-polymorphic")
"""Instructions that Android's dex compiler leaves behind when it cannot translate a lambda."""


@dataclass(frozen=True)
class Expected:
    """What the APK is to be."""

    package: str
    min_sdk: int
    target_sdk: int
    assets: Path
    permissions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Apk:
    """A finished APK."""

    path: Path

    def entries(self) -> list[zipfile.ZipInfo]:
        """Return its files."""
        with zipfile.ZipFile(self.path) as archive:
            return archive.infolist()

    def read(self, name: str) -> bytes:
        """Return the bytes of a file."""
        with zipfile.ZipFile(self.path) as archive:
            return archive.read(name)

    def xml(self, name: str) -> Element:
        """Return a compiled XML file as a tree."""
        return manifest.parse_xmltree(_output("aapt2", "dump", "xmltree", "--file", name, str(self.path)))

    def data_offset(self, entry: zipfile.ZipInfo) -> int:
        """Return where an entry's bytes begin."""
        with self.path.open("rb") as file:
            file.seek(entry.header_offset + 26)
            name, extra = struct.unpack("<HH", file.read(4))
        return entry.header_offset + 30 + int(name) + int(extra)


def main(arguments: Sequence[str] | None = None) -> None:
    """Inspect an APK; print what was found, leave it in ``inspection.txt`` beside the APK, and fail for any fault."""
    parser = argparse.ArgumentParser(prog="packing.inspection", description=__doc__)
    parser.add_argument("apk", type=Path)
    parser.add_argument("--package", required=True)
    parser.add_argument("--min-sdk", type=int, required=True)
    parser.add_argument("--target-sdk", type=int, required=True)
    parser.add_argument("--assets", type=Path, required=True, help="folder of the assets that the APK must hold")
    given = parser.parse_args(arguments)

    apk = Apk(given.apk)
    expected = Expected(given.package, given.min_sdk, given.target_sdk, given.assets)
    faults = {name: list(check(apk, expected)) for name, check in CHECKS.items()}
    lines = [f"{name:<28} {'; '.join(found) or 'ok'}" for name, found in faults.items()]
    report = "\n".join([*lines, *sizes(apk)])
    print(report)
    given.apk.with_name("inspection.txt").write_text(report + "\n", "utf-8")
    if any(faults.values()):
        sys.exit("the APK is not as it should be")


def _manifest(apk: Apk, expected: Expected) -> Iterable[str]:
    found = apk.xml("AndroidManifest.xml")
    return manifest.manifest_faults(found, expected.package, expected.min_sdk, expected.target_sdk)


def _permissions(apk: Apk, expected: Expected) -> Iterator[str]:
    found = manifest.permissions(apk.xml("AndroidManifest.xml"))
    if found != expected.permissions:
        yield f"{sorted(found)} instead of {sorted(expected.permissions)}"


def _exports(apk: Apk, expected: Expected) -> Iterator[str]:
    for application in apk.xml("AndroidManifest.xml").findall("application"):
        yield from manifest.export_faults(application)


def _extraction(apk: Apk, expected: Expected) -> Iterator[str]:
    for application in apk.xml("AndroidManifest.xml").findall("application"):
        reference = application.get("android:dataExtractionRules", "").removeprefix("@")
        resources = _output("aapt2", "dump", "resources", str(apk.path))
        file = re.search(rf"resource {reference} xml/\w+\n\s+\(\) \(file\) (\S+)", resources) if reference else None
        if file is None:
            yield "the manifest names no dataExtractionRules"
        else:
            yield from manifest.extraction_faults(apk.xml(file[1]))


def _assets(apk: Apk, expected: Expected) -> Iterator[str]:
    wanted = {
        f"assets/{path.relative_to(expected.assets).as_posix()}": path
        for path in expected.assets.rglob("*")
        if path.is_file()
    }
    held = {entry.filename for entry in apk.entries() if entry.filename.startswith("assets/")}
    yield from (f"{name} is missing" for name in sorted(wanted.keys() - held))
    yield from (f"{name} is not the project's" for name in sorted(held - wanted.keys()))
    for name in sorted(wanted.keys() & held):
        if hashlib.sha256(apk.read(name)).digest() != hashlib.sha256(wanted[name].read_bytes()).digest():
            yield f"{name} differs from the project's"


def _dex(apk: Apk, expected: Expected) -> Iterator[str]:
    names = [entry.filename for entry in apk.entries() if entry.filename.endswith(".dex")]
    if "classes.dex" not in names:
        yield "no classes.dex"
    counts: Counter[str] = Counter()
    for name in names:
        counts.update(_forbidden(apk.read(name)))
    yield from (f"{count} times {what}" for what, count in sorted(counts.items()))


def _forbidden(dex: bytes) -> Iterator[str]:
    with tempfile.NamedTemporaryFile(suffix=".dex") as file:
        file.write(dex)
        file.flush()
        with subprocess.Popen(
            ["dexdump", "-d", file.name], stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
        ) as dump:
            for line in dump.stdout or ():
                yield from (call for call in FORBIDDEN_CALLS if call in line)
                if "Class descriptor" in line and (found := FORBIDDEN_CLASSES.search(line)):
                    yield found[0].strip("'")
    if dump.returncode:
        yield "unreadable to dexdump"


def _natives(apk: Apk, expected: Expected) -> Iterator[str]:
    found = [entry.filename for entry in apk.entries() if entry.filename.startswith("lib/")]
    wanted = {f"lib/{abi}/{library}" for abi in ABIS for library in LIBRARIES}
    if set(found) != wanted:
        yield f"{sorted(found)} instead of {sorted(wanted)}"
    for name in found:
        if any(alignment < PAGE for alignment in load_alignments(apk.read(name))):
            yield f"{name} is built for smaller pages than {PAGE} bytes"
    for abi in ABIS:
        name = f"org/bytedeco/javacpp/properties/android-{abi.removesuffix('-v8a')}.properties"
        if name not in {entry.filename for entry in apk.entries()}:
            yield f"{name}, by which the libraries are found, is missing"


def _alignment(apk: Apk, expected: Expected) -> Iterator[str]:
    for entry in apk.entries():
        stored = entry.compress_type == zipfile.ZIP_STORED
        if entry.filename.endswith(STORED) and not stored:
            yield f"{entry.filename} is compressed"
        alignment = PAGE if entry.filename.endswith(".so") else WORD
        if stored and apk.data_offset(entry) % alignment:
            yield f"{entry.filename} is not aligned to {alignment} bytes"
    if subprocess.run(["zipalign", "-c", "-p", str(WORD), str(apk.path)], capture_output=True).returncode:
        yield "zipalign refuses it"


def _signature(apk: Apk, expected: Expected) -> Iterator[str]:
    done = subprocess.run(["apksigner", "verify", "--verbose", str(apk.path)], capture_output=True, text=True)
    if done.returncode:
        yield done.stdout + done.stderr
    for scheme in ("v2", "v3"):
        if not re.search(rf"using {scheme} scheme .*: true", done.stdout):
            yield f"not signed by scheme {scheme}"


CHECKS: dict[str, Callable[[Apk, Expected], Iterable[str]]] = {
    "manifest": _manifest,
    "permissions: none": _permissions,
    "exported: the launcher alone": _exports,
    "no backup, no transfer": _extraction,
    "assets are the project's": _assets,
    "dex": _dex,
    "shared objects": _natives,
    "alignment": _alignment,
    "signature": _signature,
}


def sizes(apk: Apk) -> Iterator[str]:
    """Yield how much of the APK each part takes, in bytes as they lie in the file."""
    parts: Counter[str] = Counter()
    for entry in apk.entries():
        parts[_part(entry.filename)] += entry.compress_size
    total = apk.path.stat().st_size
    parts["headers, padding, signature"] = total - parts.total()
    for name, size in [*parts.most_common(), ("total", total)]:
        yield f"{name:<28} {size:>12,}"


def _part(name: str) -> str:
    if name.endswith(".dex"):
        return "code"
    first = name.split("/")[0]
    named = {"lib": "native code", "assets": "assets", "org": "Java resources"}
    return named.get(first, "manifest and resources")


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
