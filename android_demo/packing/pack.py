"""Pack an APK: classes to dex, shared objects uncompressed at page boundaries, signed with a key made for the build."""

from __future__ import annotations

import argparse
import fnmatch
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from packing.archive import Entry, read_entries, write_entries

JAVA_RESOURCES = "org/bytedeco/javacpp/properties/android-*.properties"
"""The only files beside classes that the app's libraries open at run time."""

_PASSWORD = "android"
_ALIAS = "debug"


def main(arguments: Sequence[str] | None = None) -> None:
    """Pack the APK that the command line describes."""
    parser = argparse.ArgumentParser(prog="packing.pack", description=__doc__)
    parser.add_argument("--resources", type=Path, required=True, help="what aapt2 linked: manifest, resources, assets")
    parser.add_argument("--classpath", type=Path, required=True, help="file with the paths of the jars the app needs")
    parser.add_argument("--jar", type=Path, required=True, help="the app's own classes")
    parser.add_argument("--natives", type=Path, required=True, help="folder with lib/<abi>/*.so")
    parser.add_argument("--platform", type=Path, nargs=2, required=True, help="the JDK, and the jar of an Android")
    parser.add_argument("--min-sdk", type=int, required=True)
    parser.add_argument("--r8", type=Path, required=True, help="jar of D8, which makes dex of classes")
    parser.add_argument("--keystore", type=Path, required=True, help="made when it is missing")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)

    jars = [given.jar, *map(Path, given.classpath.read_text("utf-8").strip().split(os.pathsep))]
    with tempfile.TemporaryDirectory() as folder:
        _dex(given.r8, given.platform, given.min_sdk, jars, Path(folder))
        unsigned = given.out.with_suffix(".unsigned.apk")
        write_entries(unsigned, entries(given.resources, Path(folder), jars, given.natives))
    _make_key(given.keystore)
    _sign(unsigned, given.keystore, given.min_sdk, given.out)


def entries(resources: Path, dex: Path, jars: Sequence[Path], natives: Path) -> Iterator[Entry]:
    """Yield the files of the APK, in an order that depends on their names alone."""
    yield from sorted(read_entries(resources), key=lambda entry: entry.name)
    for path in sorted(dex.glob("classes*.dex")):
        yield Entry(path.name, path.read_bytes(), stored=False)
    for path in sorted(natives.glob("lib/*/*.so")):
        yield Entry(path.relative_to(natives).as_posix(), path.read_bytes(), stored=True)
    yield from sorted(_java_resources(jars), key=lambda entry: entry.name)


def _java_resources(jars: Sequence[Path]) -> Iterator[Entry]:
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:
            for name in fnmatch.filter(archive.namelist(), JAVA_RESOURCES):
                yield Entry(name, archive.read(name), stored=False)


def _dex(r8: Path, platform: Sequence[Path], min_sdk: int, jars: Sequence[Path], out: Path) -> None:
    command = ["java", "-cp", str(r8), "com.android.tools.r8.D8", "--release", "--min-api", str(min_sdk)]
    for library in platform:
        command += ["--lib", str(library)]
    warnings = _run([*command, "--output", str(out), *map(str, jars)])
    if warnings:
        raise SystemExit(f"D8 was not content:\n{warnings}")


def _make_key(keystore: Path) -> None:
    if keystore.exists():
        return
    command = ["keytool", "-genkeypair", "-keystore", str(keystore), "-storepass", _PASSWORD, "-keypass", _PASSWORD]
    command += ["-alias", _ALIAS, "-keyalg", "RSA", "-keysize", "2048", "-validity", "10950", "-dname", "CN=Debug"]
    _run(command)


def _sign(unsigned: Path, keystore: Path, min_sdk: int, out: Path) -> None:
    command = ["apksigner", "sign", "--ks", str(keystore), "--ks-pass", f"pass:{_PASSWORD}"]
    command += ["--min-sdk-version", str(min_sdk), "--v1-signing-enabled", "false"]
    _run([*command, "--out", str(out), str(unsigned)])


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:6])} ... failed:\n{done.stdout[-4000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
