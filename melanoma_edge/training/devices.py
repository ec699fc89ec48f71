"""Where to train: CPU, one GPU, several behind a ``MirroredStrategy``, or several machines."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from melanoma_edge.errors import MachineError
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.training.cluster import Cluster, joined, told

_PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy", "pillow")


@dataclass(frozen=True)
class Devices:
    """Hold the distribution strategy and what it runs on."""

    strategy: Any
    names: tuple[str, ...]
    mixed_precision: bool
    cluster: Cluster | None = None

    @property
    def replicas(self) -> int:
        """On how many devices, of all machines, each step is made."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def own(self) -> range:
        """Which replicas, counted over all machines, are this process's."""
        here = self.replicas // len(self.cluster.addresses) if self.cluster else self.replicas
        first = self.cluster.index * here if self.cluster else 0
        return range(first, first + here)

    def told(self, data: bytes) -> bytes:
        """Return the chief's ``data`` in every process of the cluster; all must call this."""
        return told(self.strategy, data) if self.cluster else data


def choose_devices(device: str, mixed_precision: bool | None, cluster: Cluster | None = None) -> Devices:
    """Choose devices.

    Args:
        device: ``cpu``, ``gpu`` (an error when there is none) or ``auto``.
        mixed_precision: float16 arithmetic; None means on a GPU only.
        cluster: the processes that train together, which are waited for; nothing may have been computed before.

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
    return Devices(_strategy(tf, gpus, cluster), tuple(gpu.name for gpu in gpus) or ("CPU",), mixed, cluster)


def _strategy(tf: Any, gpus: list[Any], cluster: Cluster | None) -> Any:
    if cluster:
        return joined(cluster)
    return tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()


def environment(devices: Devices) -> dict[str, Any]:
    """Describe versions and hardware, for the run's record; no times and no host names."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "devices": list(devices.names),
        "mixed_precision": devices.mixed_precision,
        **({"workers": len(devices.cluster.addresses)} if devices.cluster else {}),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
