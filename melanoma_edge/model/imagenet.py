"""ImageNet weights of keras.applications for our networks.

Layer shapes are equal, but keras pads its stride-2 convolutions by ((0, 1), (0, 1)) where ours pad by 1 on every
side, the only form that pruning accepts. Our network samples the pixels that keras would sample on the image
turned by 180 degrees. So every 3x3 kernel is turned by 180 degrees: ours on the turned image then equals keras on
the image, and dermoscopy has no upright.
"""

from __future__ import annotations

import hashlib
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from melanoma_edge.errors import DataError, TrustError, UsageError, machine_errors
from melanoma_edge.files import sha256_of, write_text
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.spec import NetworkSpec

_WIDTHS = {"mobilenet_v2": (0.35, 0.5, 0.75, 1.0, 1.3, 1.4), "mobilenet_v1": (0.25, 0.5, 0.75, 1.0)}
_SITE = "https://storage.googleapis.com/tensorflow/keras-applications"
_NAMES = {
    "mobilenet_v2": "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{width}_224_no_top.h5",
    "mobilenet_v1": "mobilenet/mobilenet_{width}_224_tf_no_top.h5",
}
_V1_WIDTHS = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}

_ARRAYS_SHA256 = {("mobilenet_v2", 0.35): "cea55efc9877ca3885be4994427a90914d259e7e8d759d90f36f7bb16e1725a7"}
"""Hash of the arrays in layer order, where it is known. keras publishes none, so that of another file is remembered at
its first download and holds from then on."""


def load_imagenet(model: Any, spec: NetworkSpec, init: str, cache: Path) -> str:
    """Load ImageNet weights into everything but the head.

    Args:
        model: a network made by ``mobilenet.build``.
        spec: its layout.
        init: ``imagenet`` to download, or the path of a keras.applications weights file without top.
        cache: where downloads are kept.

    Returns:
        The sha256 of the weights file.

    Raises:
        UsageError: when keras.applications has no weights of this width.
        DataError: when the file is missing or cannot be had.
        TrustError: when it does not fit the network or its checksum is wrong.
    """
    check_init(spec, init)
    if init == "imagenet":
        path = _download(spec, cache)
        donor = _donor(spec, path, fix=f"delete {path} and download again")
        _check_download(spec, donor, path)
    else:
        path = Path(init)
        donor = _donor(spec, path, fix="give weights of the same backbone and width, without top")
    _copy(donor, model, path)
    return sha256_of(path)


def check_init(spec: NetworkSpec, init: str) -> None:
    """Raise what ``load_imagenet`` would, as far as it can be known without TensorFlow; ``none`` is always fine."""
    if init == "none":
        return
    if spec.family not in _WIDTHS:
        raise UsageError(f"no ImageNet weights for {spec.family}", fix="use --init none, or leave out --preset")
    if spec.width not in _WIDTHS[spec.family]:
        known = ", ".join(str(width) for width in _WIDTHS[spec.family])
        fix = f"use a width of {known}, or --init none"
        raise UsageError(f"no ImageNet weights for {spec.family} of width {spec.width}", fix=fix)
    if init != "imagenet" and not Path(init).is_file():
        raise DataError("weights file not found", where=init, fix=_WAYS)


_WAYS = "give `--init FILE` (keras.applications weights without top), or `--init imagenet` on a machine with internet"


def _download(spec: NetworkSpec, cache: Path) -> Path:
    _, keras = load_tensorflow()
    width = _V1_WIDTHS[spec.width] if spec.family == "mobilenet_v1" else str(spec.width)
    name = _NAMES[spec.family].format(width=width)
    folder = cache / "imagenet"
    with machine_errors("downloading ImageNet weights"):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with redirect_stdout(sys.stderr):  # keras draws its bar on stdout, which belongs to data
            return Path(keras.utils.get_file(Path(name).name, f"{_SITE}/{name}", cache_dir=folder, cache_subdir=""))
    except Exception as error:  # urllib's, http's and keras' own types
        raise DataError(f"ImageNet weights could not be downloaded: {error}", where=name, fix=_WAYS) from error


def _donor(spec: NetworkSpec, path: Path, fix: str) -> Any:
    _, keras = load_tensorflow()
    kind = keras.applications.MobileNetV2 if spec.family == "mobilenet_v2" else keras.applications.MobileNet
    donor = kind(input_shape=(224, 224, 3), alpha=spec.width, include_top=False, weights=None)
    try:
        donor.load_weights(str(path))
    except Exception as error:  # h5py and keras raise many types for a wrong or broken file
        what = f"weights file is damaged or does not fit {spec.family} of width {spec.width}: {error}"
        raise TrustError(what, where=str(path), fix=fix) from error
    return donor


def _check_download(spec: NetworkSpec, donor: Any, path: Path) -> None:
    arrays = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in donor.get_weights())
    found = hashlib.sha256(arrays).hexdigest()
    record = path.with_suffix(".sha256")
    known = _ARRAYS_SHA256.get((spec.family, spec.width))
    if known is None and not record.exists():
        write_text(record, found)
    if found != (known or record.read_text("utf-8").strip()):
        fix = f"delete {path.name} and {record.name} and download again"
        raise TrustError("downloaded weights have a wrong checksum", where=str(path), fix=fix)


def _copy(donor: Any, model: Any, path: Path) -> None:
    given, taken = _layers(donor), [layer for layer in _layers(model) if layer.name != "head"]
    shapes = [[array.shape for array in layer.get_weights()] for layer in given]
    if shapes != [[array.shape for array in layer.get_weights()] for layer in taken]:
        raise TrustError("weights have other layers than the network", where=str(path), fix=_WAYS)
    for source, target in zip(given, taken, strict=True):
        target.set_weights([_turned(array) for array in source.get_weights()])


def _layers(model: Any) -> list[Any]:
    return [layer for layer in model.layers if layer.weights]


def _turned(array: Any) -> Any:
    return array[::-1, ::-1] if array.ndim == 4 else array
