"""Where to train: CPU, one GPU, or several behind a ``MirroredStrategy``."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from melanoma_edge.errors import MachineError
from melanoma_edge.model.legacy_keras import load_tensorflow

_PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy", "pillow")


@dataclass(frozen=True)
class Devices:
    """Hold the distribution strategy and what it runs on."""

    strategy: Any
    names: tuple[str, ...]
    mixed_precision: bool


def choose_devices(device: str, mixed_precision: bool | None) -> Devices:
    """Choose devices.

    Args:
        device: ``cpu``, ``gpu`` (an error when there is none) or ``auto``.
        mixed_precision: float16 arithmetic; None means on a GPU only.

    Raises:
        MachineError: when a GPU is asked for and TensorFlow sees none.
    """
    tf, _ = load_tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and device == "cpu":
        tf.config.set_visible_devices([], "GPU")
        gpus = []
    if device == "gpu" and not gpus:
        fix = 'install the CUDA build with `pip install "melanoma-edge[gpu]"` or use --device cpu'
        raise MachineError("no GPU that TensorFlow can use", fix=fix)
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    mixed = bool(gpus) if mixed_precision is None else mixed_precision
    strategy = tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()
    return Devices(strategy, tuple(gpu.name for gpu in gpus) or ("CPU",), mixed)


def environment(devices: Devices) -> dict[str, Any]:
    """Describe versions and hardware, for the run's record; no times and no host names."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "devices": list(devices.names),
        "mixed_precision": devices.mixed_precision,
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
