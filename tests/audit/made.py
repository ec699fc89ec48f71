"""Folders with everything wrong that an audit looks for."""

from __future__ import annotations

import shutil
from pathlib import Path

from pictures import CROP, lesion, save

from melanoma_edge.audit.material import Material, gather
from melanoma_edge.data.reading import Reading


def faulty(folder: Path) -> Path:
    """Write Train and Test folders of two classes with copies, contradictions, leaks and broken files.

    Of 16 lesions, Train/melanoma has 0 to 7 and Train/nevus 8 to 15; Test has two more of each class, 20 to 23.
    """
    for number in range(16):
        save(lesion(number), folder / "Train" / ("melanoma" if number < 8 else "nevus") / f"a{number}.jpg")
    for number in range(20, 24):
        save(lesion(number), folder / "Test" / ("melanoma" if number < 22 else "nevus") / f"a{number}.jpg")
    train, test = folder / "Train", folder / "Test"
    shutil.copy(train / "melanoma/a0.jpg", train / "nevus/under-two-labels.jpg")
    shutil.copy(train / "nevus/a9.jpg", test / "melanoma/leaked.jpg")
    shutil.copy(train / "melanoma/a1.jpg", train / "melanoma/copy.jpg")
    save(lesion(2), train / "melanoma/a2-pixels.png")
    save(lesion(2), train / "melanoma/a2-pixels-too.bmp")
    save(lesion(3).crop(CROP), test / "melanoma/cut.png")
    save(lesion(10).resize((99, 99)), train / "nevus/small.jpg")
    save(lesion(30), train / "nevus/a30.png").rename(train / "nevus/misnamed.jpg")
    (train / "nevus/broken.jpg").write_bytes(b"text")
    return folder


def material(folder: Path, *paths: Path) -> Material:
    """Gather what lies in some folders; the index goes beside them."""
    return gather(paths or [folder], Reading(), folder.parent / "index", workers=1)
