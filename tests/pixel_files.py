"""Small image files of known pixels, for the tests of the pixel recipe."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_edge.pixels import decode


def picture(width: int = 23, height: int = 17, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(path: Path, image: Image.Image | NDArray[Any], **options: Any) -> Path:
    if not isinstance(image, Image.Image):
        image = Image.fromarray(np.ascontiguousarray(image))
    image.save(path, **options)
    return path


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def array(path: Path) -> NDArray[np.uint8]:
    image = decode(path)
    assert image.mode == "RGB"
    return np.asarray(image)


def encoded(kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    smooth = Image.fromarray(picture(9, 7)).resize((90, 70), Image.Resampling.BICUBIC)
    smooth.save(stream, kind, **options)
    return stream.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
