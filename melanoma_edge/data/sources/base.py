"""What every source of images is: something that recognises a layout on disk and lists what it holds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.reading import Reading
from melanoma_edge.errors import machine_errors, named

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class Listing:
    """Hold what a source found in one folder, before files are hashed and copies sorted out.

    Rows have an empty ``sha256``; an empty ``group`` means that nothing but the image itself is known.
    Image ids need not be unique yet. ``title`` and ``notes`` are for people. ``image_types`` is empty where the layout
    does not say what kind of images it holds.
    """

    title: str
    rows: tuple[CatalogRow, ...]
    licences: tuple[str, ...]
    image_types: tuple[str, ...] = ("dermoscopic",)
    synthetic: bool = False
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Read one known layout. ``looks_for`` completes the sentence "looks for ..."."""

    name: str
    looks_for: str

    def recognise(self, path: Path) -> str | None:
        """Say in a few words, as the end of "recognised by ...", what marks ``path`` as this layout, or return None."""

    def read(self, path: Path, reading: Reading) -> Listing:
        """List the images below ``path``; raises ``DataError`` for what is missing or contradictory."""


OWN_NAMES = ("csv", "folder")
"""Layouts that name no data set: their names of lesions mean nothing outside the folder they come from."""


def layout_of(source: str) -> str:
    """Return the source without the number that tells several folders of one of ``OWN_NAMES`` apart."""
    name, _, number = source.rpartition("-")
    return name if name in OWN_NAMES and number.isdigit() else source


_EVERYWHERE = re.compile(r"(HAM|BCN|MSK\d?|IL|IP|SYN)_\d+")


def unit(source: str, name: str) -> str:
    """Name a lesion or patient so that equal names of different data sets stay apart.

    The ISIC archive's own names (HAM_, BCN_, MSK4_, IL_, IP_) mean the same in every data set and stay as they are, and
    so do those of the synthetic set (SYN_).
    """
    return name if not name or _EVERYWHERE.fullmatch(name) else f"{source}/{name}"


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what lies directly in a folder, sorted by name.

    Raises:
        MachineError: when the folder may not be read.
    """
    with machine_errors(f"listing {folder}"), os.scandir(folder) as found:
        return sorted(found, key=lambda entry: entry.name)


def subfolders(folder: Path) -> list[Path]:
    """Return the visible folders directly inside a folder, sorted by name."""
    return [Path(entry.path) for entry in entries(folder) if _is_folder(entry) and not _hidden(entry.name)]


def walk(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder, folder by folder in sorted order; linked folders are followed, loops are not."""
    waiting, seen = [folder], set()
    while waiting:
        here = waiting.pop()
        found, identity = entries(here), here.stat()
        if (identity.st_dev, identity.st_ino) in seen:
            continue
        seen.add((identity.st_dev, identity.st_ino))
        yield from (Path(entry.path) for entry in found if not _is_folder(entry))
        waiting += [Path(entry.path) for entry in reversed(found) if _is_folder(entry) and not _hidden(entry.name)]


def is_image(path: Path) -> bool:
    """Tell by its name whether a file is meant as an image; links that lead nowhere are, sockets and pipes are not."""
    named_so = path.suffix.lower() in IMAGE_SUFFIXES and not _hidden(path.name)
    return named_so and (path.is_file() or path.is_symlink())


def ignored_note(files: Iterable[Path], why: str) -> tuple[str, ...]:
    """Return a note that counts and names files left aside, or nothing where there are none."""
    names = [path.name for path in files]
    return (f"{len(names):,} {why} ignored: {named(sorted(set(names)), 5)}",) if names else ()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))
