"""Class folders: one folder of images per label, directly or below Train and Test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.labels import RENAME, find, unknown
from melanoma_edge.data.metadata import FOLDER_SPLIT, ORIGINAL_LABEL, part_of
from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources.base import Listing, entries, ignored_note, is_image, subfolders, walk
from melanoma_edge.errors import DataError, named


@dataclass(frozen=True)
class ClassFolder:
    """Name a folder whose images all carry one label; ``split`` is the Train or Test folder it lies in, if any."""

    path: Path
    split: str


class FolderSource:
    """Read class folders; which Train or Test folder an image lies in is kept."""

    name = "folder"
    looks_for = "one folder of images per class, directly or below Train and Test"

    def recognise(self, path: Path) -> str | None:
        """Say which class folders there are, or return None where no folder holds an image."""
        names = sorted({found.path.name for found in _class_folders(path) if any(map(is_image, walk(found.path)))})
        return f"its folders {named(names)}" if names else None

    def read(self, path: Path, reading: Reading) -> Listing:
        """List the images of all class folders.

        Raises:
            DataError: for folder names that are no known label, and for classes without an image.
        """
        folders, strange = _by_label(path, reading.skip_unknown)
        files = {folder: list(walk(folder.path)) for folder in folders}
        images = {folder: [file for file in found if is_image(file)] for folder, found in files.items()}
        _check_filled(path, images)
        other = [file for found in files.values() for file in found if not is_image(file)] + _loose(path)
        rows = tuple(_row(folder, file) for folder, found in images.items() for file in found)
        left = (f"folders named after no known label left out: {named(strange)}",) if strange else ()
        notes = (*left, *ignored_note(other, "files outside class folders or not images"))
        return Listing("class folders", rows, ("unknown (state it yourself)",), (), notes=notes)


def _class_folders(path: Path) -> Iterator[ClassFolder]:
    for folder in subfolders(path):
        if part_of(folder.name):
            yield from (ClassFolder(inner, folder.name) for inner in subfolders(folder))
        else:
            yield ClassFolder(folder, "")


def _by_label(path: Path, skip: bool) -> tuple[list[ClassFolder], list[str]]:
    """Return the folders named after known labels, and the other names; they are an error unless they are skipped."""
    folders = list(_class_folders(path))
    strange = sorted({folder.path.name for folder in folders if find(folder.path.name) is None})
    if strange and not skip:
        fix = f"{RENAME} with --skip-unknown-labels"
        raise DataError(f"folder named after an {unknown(strange)}", where=str(path), fix=fix)
    return [folder for folder in folders if folder.path.name not in strange], strange


def _check_filled(path: Path, images: dict[ClassFolder, list[Path]]) -> None:
    filled = {find(folder.path.name) for folder, found in images.items() if found}
    empty = [str(folder.path.relative_to(path)) for folder in images if find(folder.path.name) not in filled]
    if empty:
        fix = "put images into them or remove them"
        raise DataError(f"class folders without an image: {named(empty)}", where=str(path), fix=fix)


def _row(folder: ClassFolder, file: Path) -> CatalogRow:
    extra = {ORIGINAL_LABEL: folder.path.name} | ({FOLDER_SPLIT: folder.split} if folder.split else {})
    label = find(folder.path.name) or ""
    return CatalogRow(file.stem, str(file), label, "", FolderSource.name, "", extra=extra)


def _loose(path: Path) -> list[Path]:
    parents = [path, *(folder for folder in subfolders(path) if part_of(folder.name))]
    return [Path(entry.path) for parent in parents for entry in entries(parent) if not Path(entry.path).is_dir()]
