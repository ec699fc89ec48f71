"""Which images show one lesion: those of one folder, or those that a table gives one name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from melanoma_edge.data.sources.table import Record, read_table
from melanoma_edge.errors import DataError, named


def by_folder(images: Sequence[Path]) -> dict[Path, str]:
    """Return the folder of each image as its group; an image named twice is one."""
    return {image: str(image.parent) for image in images}


def by_table(images: Sequence[Path], table: Path, image_column: str, group_column: str) -> dict[Path, str]:
    """Return the group of each image as a table has it; rows of other images are passed over.

    Args:
        images: files; one named twice is one.
        table: a CSV file.
        image_column: file names, with or without folders and suffix; where several rows fit, the longest counts.
        group_column: what images of one lesion have in common.

    Raises:
        DataError: for a table that is missing, cannot be read or puts one image into two groups, and for images
            that it lacks.
    """
    if not table.is_file():
        raise DataError("no such table", where=str(table), fix="check its path")
    image_column, group_column = image_column.lower(), group_column.lower()
    known = _known(read_table(table, [image_column, group_column]), image_column, group_column, table)
    found = {image: next((known[name] for name in _names(image) if name in known), "") for image in images}
    lacking = [str(image) for image, group in found.items() if not group]
    if lacking:
        what = f"table has no row for {len(lacking)} images: {named(lacking)}"
        raise DataError(what, where=str(table), fix=f"add their rows to the column {image_column}, or leave them out")
    return found


def _known(records: Sequence[Record], image: str, group: str, table: Path) -> dict[str, str]:
    known: dict[str, str] = {}
    twice = []
    for record in records:
        name = record.cells[image].replace("\\", "/").removeprefix("./")
        if known.setdefault(name, record.cells[group]) != record.cells[group]:
            twice.append(f"row {record.row} {name}")
    if twice:
        raise DataError(f"one image in two groups: {named(twice)}", where=str(table), fix="keep one row of each image")
    return known


def _names(image: Path) -> Iterator[str]:
    """Yield what a table may call a file: with all its folders first, down to its bare name."""
    for count in range(len(image.parts), 0, -1):
        name = "/".join(image.parts[-count:])
        yield name
        yield name.removesuffix(image.suffix)
