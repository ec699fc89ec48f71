"""The one pixel recipe: a picture file becomes ``uint8 [N, N, 3]``, the same in training, calibration, parity and use.

decode -> EXIF orientation -> 8-bit sRGB RGB -> centre square -> Pillow's ``BILINEAR`` (antialiased triangle filter).
JPEG files are decoded in full, never at a reduced scale. ``contract.PixelRecipe`` names these steps.
"""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from melanoma_edge.damage import complete, ends_in_grey
from melanoma_edge.errors import DataError, machine_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 178_956_970
"""Largest picture that is decoded; Pillow's own limit against decompression bombs (512 MiB as RGB)."""

MAX_BYTES = 1 << 30
"""Largest file that is read; an uncompressed picture of ``MAX_PIXELS`` fits."""

# Only these decoders see a file; Pillow's others are for drawings, films and measurements. JPEG includes MPO.
_DECODERS = (JpegImageFile, PngImageFile, TiffImageFile, BmpImageFile, GifImageFile, WebPImageFile)
_FORMATS = tuple(str(decoder.format) for decoder in _DECODERS)
_UNSUPPORTED_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}

ORIENTATION = 0x0112
"""The EXIF tag that says how the stored picture must be turned to stand upright (EXIF 2.32)."""
_DNG_TAG = 0xC612

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The turn for each of its values but 1, which needs none."""

_OPAQUE_MODE = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK"}
_UNKNOWN_RANGE = {"F", "LAB", "HSV"}
_PROFILE_MODE = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}

_CONVERT = "convert it to JPEG or PNG and try again"
_REPLACE = "replace the file with an intact copy"


def load_pixels(path: Path, size: int) -> NDArray[np.uint8]:
    """Return one picture file as the network sees it.

    Args:
        path: the file.
        size: side N of the square in pixels, at least 1.

    Returns:
        uint8 ``[N, N, 3]``, sRGB, 0..255.

    Raises:
        DataError: when the file is missing, unreadable, damaged or not one still, opaque picture.
        MachineError: when memory runs out.
    """
    with quietly():
        return square(decode_bytes(read_picture(path), path), size)


def decode(path: Path) -> Image.Image:
    """Return a picture file as upright 8-bit sRGB RGB in its full size.

    Of several frames in a phone's MPO file (depth, gain map, second eye) the first, the photograph, is taken.
    An unreadable EXIF block says nothing about orientation: the picture is taken as stored.

    Raises:
        DataError: when the file is missing, unreadable, damaged or not one still, opaque picture.
        MachineError: when memory runs out.
    """
    with quietly():
        return decode_bytes(read_picture(path), path)


@contextmanager
def quietly() -> Iterator[None]:
    """Silence warnings inside the block: what Pillow warns of is refused or defined here.

    Python keeps warning filters per process, so threads share one block around them all.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_picture(path: Path) -> bytes:
    """Return the bytes of a picture file.

    Raises:
        DataError: when it is missing, not permitted, not a regular file, or larger than ``MAX_BYTES``.
        MachineError: when memory runs out.
    """
    with machine_errors(f"reading {path.name}"):
        try:
            status = path.stat()
            problem, fix = _file_problem(status), "give the path of a picture file"
            if problem is None:
                return path.read_bytes()
        except FileNotFoundError:
            problem, fix = "image does not exist", "check the path"
        except (OSError, ValueError) as error:
            problem, fix = f"image cannot be read: {error}", "check its name, its permissions and the disk"
    raise DataError(problem, where=str(path), fix=fix)


def _file_problem(status: os.stat_result) -> str | None:
    if stat.S_ISDIR(status.st_mode):
        return "a folder is not an image"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if status.st_size > MAX_BYTES:
        return f"file of {status.st_size:,} bytes is larger than any picture accepted ({MAX_BYTES:,})"
    return None


def decode_bytes(data: bytes, path: Path) -> Image.Image:
    """Return the bytes of a picture file as ``decode`` does; call it inside ``quietly``.

    Args:
        data: the whole file.
        path: its name, for messages.

    Raises:
        DataError: when the bytes are not one intact, still, opaque picture.
        MachineError: when memory runs out.
    """
    with machine_errors(f"decoding {path.name}"):
        try:
            return _to_srgb(_upright(_opened(data)))
        except _UnfitError as unfit:
            raise DataError(str(unfit), where=str(path), fix=unfit.fix) from unfit
        except MemoryError:
            raise
        # Pillow's decoders raise whatever a damaged file makes them meet: OSError, SyntaxError, struct.error ...
        except Exception as error:
            raise DataError(f"image is damaged: {error}", where=str(path), fix=_REPLACE) from error


class _UnfitError(Exception):
    """Carry the reason why a picture is refused, and what to do."""

    def __init__(self, reason: str, fix: str = _CONVERT) -> None:
        super().__init__(reason)
        self.fix = fix


def _opened(data: bytes) -> Image.Image:
    if not data:
        raise _UnfitError("image file is empty", _REPLACE)
    if data[4:8] == b"ftyp" and data[8:12] in _UNSUPPORTED_BRANDS:
        raise _UnfitError("HEIC and AVIF pictures are not supported", "convert it to JPEG (phones: camera setting)")
    try:
        image = Image.open(BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise _UnfitError("not an image of a known format (JPEG, PNG, TIFF, BMP, GIF, WebP), or damaged") from error
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    if image.width * image.height > MAX_PIXELS:
        raise _too_large()
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise _UnfitError("image has more than one frame", "save the frame to be judged as JPEG or PNG")
    if _DNG_TAG in getattr(image, "tag_v2", ()):
        raise _UnfitError("raw camera files (DNG) are not supported, only their preview could be read")
    if not complete(data, image.format):
        raise _UnfitError("image is cut off: its end mark is missing", _REPLACE)
    image.load()
    if image.format in ("JPEG", "MPO") and ends_in_grey(image):
        raise _UnfitError("image is damaged: its end is empty", _REPLACE)
    return image


def _too_large() -> _UnfitError:
    return _UnfitError(f"image has more than {MAX_PIXELS:,} pixels", "crop it to the lesion and try again")


def _upright(image: Image.Image) -> Image.Image:
    """Turn the picture as its EXIF says; TIFF files were turned by Pillow while loading."""
    try:
        turn = UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # a damaged EXIF block fails in as many ways as a damaged picture
        turn = None
    return image if turn is None else image.transpose(turn)


def _to_srgb(image: Image.Image) -> Image.Image:
    """Return 8-bit sRGB RGB; without a profile grey and RGB values are taken as sRGB, CMYK as Pillow converts it."""
    if image.mode in _UNKNOWN_RANGE:
        raise _UnfitError(f"pictures of mode {image.mode} have no defined range of values")
    if _transparent(image):
        raise _UnfitError("image is partly transparent: what lies behind is unknown", "save it without transparency")
    profile = image.info.get("icc_profile")
    image = _deep_to_8_bit(image)
    image = image.convert(_OPAQUE_MODE.get(image.mode, "RGB"))
    return _through_profile(image, profile) if profile else image.convert("RGB")


def _transparent(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    if image.mode.startswith("I"):
        raise _UnfitError("16-bit image with a transparent value", "save it without transparency")
    lowest, _ = image.convert("RGBA").getchannel("A").getextrema()
    return lowest != 255


def _deep_to_8_bit(image: Image.Image) -> Image.Image:
    """Keep the high byte of 16-bit grey values, as Pillow does for 16-bit RGB; its own conversion would clip."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise _UnfitError("grey values are not 16-bit")
    return Image.fromarray((values.astype(np.uint16) >> 8).astype(np.uint8))


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert to sRGB with LittleCMS and perceptual intent, the one that photographs and phones use.

    A profile for another colour space than the picture's says nothing about it and is ignored, as browsers do;
    only grey values stand for equal red, green and blue in an RGB profile.
    """
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        mode = _PROFILE_MODE.get(source.profile.xcolor_space)
        if image.mode == "L" and mode == "RGB":
            image = image.convert("RGB")
        if image.mode != mode:
            return image.convert("RGB")
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.PERCEPTUAL
        )
    except (ImageCms.PyCMSError, OSError) as error:
        raise _UnfitError(
            f"the embedded colour profile is damaged: {error}", "save it as sRGB and try again"
        ) from error
    return transform.apply(image)


def square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """Return the centre square of an RGB picture, resized.

    The square's side is the shorter side; of an odd remainder the smaller half lies left or above:
    ``left = (width - side) // 2``. It is cut out first, so nothing outside it bleeds in.

    Args:
        image: RGB, at least 1 x 1.
        size: side N of the result in pixels, at least 1.

    Returns:
        uint8 ``[N, N, 3]``.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    if image.width != image.height:
        image = image.crop((left, top, left + side, top + side))
    return np.array(image.resize((size, size), Image.Resampling.BILINEAR))
