"""One look at an image file: what it says of itself, what it holds, and a thumbnail to compare it by.

A file is read and decoded once; everything the audit wants to know of it comes from that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms

from melanoma_edge.errors import DataError
from melanoma_edge.pixels import ORIENTATION, decode_bytes, quietly, read_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE, COLOUR_SIDE = 96, 16
THUMB_BYTES = SIDE * SIDE + 2 * COLOUR_SIDE * COLOUR_SIDE
"""A thumbnail: brightness, then blue and red difference, of the whole picture squashed into squares."""

_MAKE, _MODEL = 0x010F, 0x0110
_DETAIL_SIDE = 512
_CORNER = 8


@dataclass(frozen=True, slots=True)
class Look:
    """Hold what one file is; all but the first fields are empty where ``problem`` says why it cannot be decoded.

    Attributes:
        path: absolute.
        bytes: size of the file.
        modified: its time of change in nanoseconds.
        sha256: of the bytes; empty where they cannot be read.
        problem: why the pixel recipe refuses it.
        format: what the bytes are, such as ``JPEG``, whatever the name says.
        width, height: of the stored picture, before EXIF orientation.
        mode: Pillow's mode of the stored picture.
        orientation: EXIF orientation; 1 is upright.
        profile: name of the embedded colour profile.
        camera: EXIF make and model.
        pixels: hash of the upright sRGB pixels.
        colour: mean red, green and blue, 0 to 255.
        corners: brightness of the four corners, 0 to 255.
        detail: root mean square, in grey values, of what halving and doubling the picture takes away.
    """

    path: str
    bytes: int
    modified: int
    sha256: str = ""
    problem: str = ""
    format: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    orientation: int = 1
    profile: str = ""
    camera: str = ""
    pixels: str = ""
    colour: tuple[float, ...] = ()
    corners: tuple[float, ...] = ()
    detail: float = 0.0


def look_at(path: Path) -> tuple[Look, bytes]:
    """Look at one file; its thumbnail has ``THUMB_BYTES`` bytes, or none where it cannot be decoded."""
    size, modified = stamp(path)
    seen = {"path": str(path), "bytes": size, "modified": modified}
    try:
        data = read_picture(path)
    except DataError as error:
        return Look(**seen, problem=error.what), b""  # type: ignore[arg-type]
    seen |= {"sha256": hashlib.sha256(data).hexdigest(), **_header(data)}
    try:
        with quietly():
            picture = decode_bytes(data, path)
    except DataError as error:
        return Look(**seen, problem=error.what), b""  # type: ignore[arg-type]
    thumb = _thumbnail(picture)
    return Look(**seen, **_measured(picture, thumb)), thumb  # type: ignore[arg-type]


def stamp(path: Path) -> tuple[int, int]:
    """Return a file's size and time of change, by which it is known again; zeros where there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _header(data: bytes) -> dict[str, object]:
    """Return what the file says of itself; nothing where not even that can be read."""
    try:
        with quietly(), Image.open(BytesIO(data)) as image:
            exif = image.getexif()
            camera = " ".join(str(exif.get(tag, "")).strip("\0 ") for tag in (_MAKE, _MODEL)).strip()
            turn = exif.get(ORIENTATION, 1)
            return {
                "format": str(image.format),
                "width": image.width,
                "height": image.height,
                "mode": image.mode,
                "orientation": turn if turn in range(1, 9) else 1,
                "profile": _profile_name(image.info.get("icc_profile")),
                "camera": "".join(filter(str.isprintable, camera))[:80],
            }
    except Exception:  # a damaged file fails in as many ways as there are to damage it
        return {}


def _profile_name(profile: bytes | None) -> str:
    if not profile:
        return ""
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile))).strip()[:80] or "unnamed"
    except (ImageCms.PyCMSError, OSError):
        return "damaged"


def _thumbnail(picture: Image.Image) -> bytes:
    bright, blue, red = picture.convert("YCbCr").split()
    small = bright.resize((SIDE, SIDE), Image.Resampling.BILINEAR).tobytes()
    return small + b"".join(
        part.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BILINEAR).tobytes() for part in (blue, red)
    )


def _measured(picture: Image.Image, thumb: bytes) -> dict[str, object]:
    digest = hashlib.sha256(f"{picture.width} {picture.height} ".encode() + picture.tobytes())
    bright = brightness(np.frombuffer(thumb, np.uint8)[None])[0]
    ends = (slice(None, _CORNER), slice(-_CORNER, None))
    corners = tuple(round(float(bright[rows, columns].mean()), 1) for rows in ends for columns in ends)
    mean = np.asarray(picture.resize((1, 1), Image.Resampling.BOX))[0, 0]
    return {
        "pixels": digest.hexdigest(),
        "colour": tuple(float(value) for value in mean),
        "corners": corners,
        "detail": round(_detail(picture), 3),
    }


def _detail(picture: Image.Image) -> float:
    """Measure what only full resolution holds, in the middle of the picture."""
    width, height = (min(side, _DETAIL_SIDE) // 2 * 2 for side in picture.size)
    if not width or not height:
        return 0.0
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    middle = picture.crop((left, top, left + width, top + height)).convert("L")
    halved = middle.resize((width // 2, height // 2), Image.Resampling.BICUBIC)
    again = halved.resize((width, height), Image.Resampling.BICUBIC)
    lost = np.asarray(middle, np.float32) - np.asarray(again, np.float32)
    return float(np.sqrt((lost**2).mean()))


def brightness(thumbs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the brightness of thumbnails ``[n, THUMB_BYTES]``, float32 ``[n, SIDE, SIDE]``."""
    return np.asarray(thumbs[:, : SIDE * SIDE], np.float32).reshape(-1, SIDE, SIDE)


def colour(thumbs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the two colour differences of thumbnails, float32 ``[n, 2, COLOUR_SIDE, COLOUR_SIDE]``."""
    return np.asarray(thumbs[:, SIDE * SIDE :], np.float32).reshape(-1, 2, COLOUR_SIDE, COLOUR_SIDE)
