"""Writing a bundle: a folder and a zip that appear whole or not at all, in place of older ones only when asked."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from melanoma_edge.bundle.container import Files, read_files, zip_bytes
from melanoma_edge.bundle.manifest import MANIFEST
from melanoma_edge.errors import ExportError, UsageError, machine_errors
from melanoma_edge.files import locked, refuse_overwrite


def zip_path(out: Path) -> Path:
    """Return where the zip of a bundle stands: beside the folder."""
    return out.with_name(f"{out.name}.zip")


def check_place(out: Path, force: bool) -> None:
    """Raise ``UsageError`` unless a bundle may be written here: nothing there, or a bundle and ``force``."""
    if out.suffix in (".zip", ".pem"):
        raise UsageError("--out names the folder", where=str(out), fix="leave out the ending; the zip comes beside it")
    if not out.name or out.name.startswith("."):
        raise UsageError("no folder of this name can be written", where=str(out), fix="choose another --out")
    archive = zip_path(out)
    empty = out.is_dir() and not out.is_symlink() and not any(out.iterdir())
    refuse_overwrite([archive] if empty else [out, archive], force)
    strange = (out.exists() or out.is_symlink()) and not empty and not (out / MANIFEST).is_file()
    if strange or out.is_symlink() or archive.is_dir():
        raise UsageError("refusing to clear what is no bundle", where=str(out), fix="choose another --out")


def write(files: Files, out: Path, force: bool = False) -> None:
    """Write a bundle as the folder ``out`` and the same as one zip beside it.

    What was written is read back before it takes its place. A bundle that is replaced stays until then.

    Raises:
        UsageError: when something is there and ``force`` is not given, when what is there is no bundle, or while
            another bundle is written here.
        ExportError: when the disk gives back other bytes than were written.
        MachineError: when the disk is full, read-only or not permitted.
    """
    out = out.absolute()
    with machine_errors(f"writing {out.name}"), _alone(out):
        check_place(out, force)
        folder, archive = _part(out), _part(zip_path(out))
        try:
            _fill(folder, files)
            _put(archive, zip_bytes(files))
            if read_files(folder) != files or read_files(archive) != files:
                raise ExportError("the disk gave back other bytes", where=str(out), fix="check the disk")
            _swap(folder, out)
            archive.replace(zip_path(out))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            archive.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _aside(out: Path) -> Path:
    return out.with_name(f".{out.name}.replaced")


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other writers away, and put right what a killed one left."""
    lock = out.with_name(f".{out.name}.lock")
    with locked(lock, wait=False) as mine:
        if not mine:
            raise UsageError("another bundle is being written here", where=str(out), fix="wait until it is done")
        try:
            _recover(out)
            yield
        finally:
            lock.unlink(missing_ok=True)


def _recover(out: Path) -> None:
    aside = _aside(out)
    if aside.is_dir() and not out.exists():
        aside.rename(out)
    shutil.rmtree(aside, ignore_errors=True)
    ours = re.compile(rf"\.{re.escape(out.name)}(\.zip)?\.[0-9]+\.part")
    for left in [path for path in out.parent.iterdir() if ours.fullmatch(path.name)]:
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def _fill(folder: Path, files: Files) -> None:
    for name, data in files.items():
        _put(folder / name, data)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _swap(folder: Path, out: Path) -> None:
    """Let a new folder take the place of an older one, which comes back when that fails."""
    aside = _aside(out)
    if out.exists():
        out.rename(aside)
    try:
        folder.rename(out)
    except BaseException:
        if aside.exists():
            aside.rename(out)
        raise
    shutil.rmtree(aside, ignore_errors=True)
