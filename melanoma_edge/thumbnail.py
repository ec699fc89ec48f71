"""A small picture as text, so that a page with pictures is one file."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

from melanoma_edge.errors import DataError
from melanoma_edge.pixels import decode

_QUALITY = 80


def thumbnail(path: Path, side: int) -> str:
    """Return a picture as a data address (RFC 2397) of a JPEG, or nothing where it cannot be decoded.

    Args:
        path: of the picture.
        side: the longer side of what is shown, in pixels, at most.
    """
    try:
        image = decode(path)
    except DataError:
        return ""
    image.thumbnail((side, side))
    stream = BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
