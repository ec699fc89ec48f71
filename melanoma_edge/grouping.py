"""Which images show one lesion: those of one folder, or those that a table gives one name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from melanoma_edge.data.sources.table import Record, read_table
from melanoma_edge.errors import DataError, named


def by_folder(images: Sequence[Path]) -> dict[Path, str]:
    """Return the folder of each image as its group, in its first spelling; an image named twice is one."""
    spelled: dict[Path, str] = {}
    return {image: spelled.setdefault(image.parent.resolve(), str(image.parent)) for image in images}


def by_table(images: Sequence[Path], table: Path, image_column: str, group_column: str) -> dict[Path, str]:
    """Return the group of each image as a table has it; rows of other images are passed over.

    Args:
        images: files; one named twice is one.
        table: a CSV file.
        image_column: file names, with or without folders and suffix; where several rows fit, the longest counts.
        group_column: what images of one lesion have in common.

    Raises:
        DataError: for a table that is missing, cannot be read or puts one image into two groups or none, for a row
            that fits two files, and for images that it lacks.
    """
    if not table.is_file():
        raise DataError("no such table", where=str(table), fix="check its path")
    image_column, group_column = image_column.lower(), group_column.lower()
    columns = [image_column, group_column]
    records = read_table(table, columns, only=columns, filled=False)
    rows = _rows(records, image_column, {name for image in images for name in _names(image)})
    taken = {image: next((name for name in _names(image) if name in rows), "") for image in images}
    lacking = [str(image) for image, name in taken.items() if not name]
    if lacking:
        what = f"table has no row for {len(lacking)} images: {named(lacking)}"
        raise DataError(what, where=str(table), fix=f"add their rows to the column {image_column}, or leave them out")
    _check_one_file(taken, table)
    groups = _groups({name: rows[name] for name in taken.values()}, group_column, table)
    return {image: groups[name] for image, name in taken.items()}


def _rows(records: Sequence[Record], column: str, asked: set[str]) -> dict[str, list[Record]]:
    rows: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        name = record.cells[column].replace("\\", "/").removeprefix("./")
        if name in asked:
            rows[name].append(record)
    return rows


def _check_one_file(taken: Mapping[Path, str], table: Path) -> None:
    """Raise ``DataError`` where a name too short to tell two files apart would make them one lesion."""
    files: dict[str, dict[Path, str]] = defaultdict(dict)
    for image, name in taken.items():
        files[name].setdefault(image.resolve(), str(image))
    torn = [f"{name} fits {' and '.join(found.values())}" for name, found in files.items() if len(found) > 1]
    if torn:
        fix = "write the folders and suffixes that tell them apart into the table, or leave one of them out"
        raise DataError(f"names of the table that fit several files: {named(torn)}", where=str(table), fix=fix)


def _groups(rows: Mapping[str, Sequence[Record]], column: str, table: Path) -> dict[str, str]:
    empty = [f"row {row.row} {column}" for found in rows.values() for row in found if not row.cells[column]]
    if empty:
        raise DataError(f"empty cells: {named(empty)}", where=str(table), fix="fill them in or remove those rows")
    other = [
        f"row {row.row} {name}"
        for name, found in rows.items()
        for row in found
        if row.cells[column] != found[0].cells[column]
    ]
    if other:
        raise DataError(f"one image in two groups: {named(other)}", where=str(table), fix="keep one row of each image")
    return {name: found[0].cells[column] for name, found in rows.items()}


def _names(image: Path) -> Iterator[str]:
    """Yield what a table may call a file: with all its folders first, down to its bare name."""
    for count in range(len(image.parts), 0, -1):
        name = "/".join(image.parts[-count:])
        yield name
        yield name.removesuffix(image.suffix)
