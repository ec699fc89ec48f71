"""Picture files that are not whole, although Pillow decodes them without complaint."""

from __future__ import annotations

import numpy as np
from PIL import Image

# What libjpeg's zero coefficients decode to, and the side of a JPEG's blocks of colour.
_FILLED, _BLOCK = 128, 16


def complete(data: bytes, name: str | None) -> bool:
    """Tell whether a file of a format reaches its end mark; a download filled up with zeros decodes all the same."""
    if name == "PNG":
        return data.rfind(b"IEND\xaeB`\x82") >= 0
    return name not in ("JPEG", "MPO") or jpeg_ends(data)


def jpeg_ends(data: bytes) -> bool:
    """Look for the end mark behind the first scan, since an EXIF thumbnail before it has an end mark of its own."""
    position = 2
    while data[position : position + 1] == b"\xff" and data[position + 1] != 0xDA:
        padding = data[position + 1] == 0xFF
        position += 1 if padding else 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return data.find(b"\xff\xd9", position) >= 0


def ends_in_grey(image: Image.Image) -> bool:
    """Tell a half-decoded JPEG: libjpeg fills what it cannot read with grey 128, and Pillow does not say so.

    Behind damaged bytes the rest slips along, and only the last few blocks are missing. Of 11,000 images of lesions
    none ends like this.

    Args:
        image: as the file stores it, before it is turned upright.
    """
    if image.mode not in ("RGB", "L"):
        return False
    last = np.asarray(image.crop((max(0, image.width - _BLOCK), image.height - 1, *image.size)))
    return bool((last == _FILLED).all())
