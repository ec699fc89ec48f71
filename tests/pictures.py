"""Pictures for tests: random lesions that differ from one another in every detail, and folders of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

CROP = (12, 20, 140, 148)
"""A cutting of 80 % of the side of a picture of 160 pixels."""


def lesion(seed: int, width: int = 160, height: int = 160) -> Image.Image:
    """Draw a dark blob with structure on skin with structure."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    place = random.uniform(-0.25, 0.25, 2)
    blob = np.exp(
        -(((x - place[0]) / random.uniform(0.2, 0.5)) ** 2 + ((y - place[1]) / random.uniform(0.2, 0.5)) ** 2)
    )
    colour = random.uniform((150, 110, 90), (230, 190, 180)) - blob[..., None] * random.uniform(40, 120, 3)
    for grain, strength in ((3, 25.0), (9, 12.0), (27, 8.0)):
        coarse = Image.fromarray(random.integers(0, 256, (grain, grain), np.uint8)).resize((width, height), 3)
        colour += (np.asarray(coarse, float)[..., None] - 128) / 128 * strength
    return Image.fromarray(colour.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))


def save(image: Image.Image, path: Path, **options: object) -> Path:
    """Save a picture, as JPEG of high quality where nothing else is said, and make the folder for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **({"quality": 95} | options if path.suffix == ".jpg" else options))  # type: ignore[arg-type]
    return path


def two_classes(folder: Path, each: int = 6, first: int = 0) -> Path:
    """Write different lesions into folders named melanoma and nevus."""
    for place, label in enumerate(("melanoma", "nevus")):
        for number in range(each):
            save(lesion(first + 1000 * place + number), folder / label / f"{label}{first + number}.jpg")
    return folder
