"""The one door to TensorFlow: Keras 2 is chosen before TensorFlow loads, because tfmot works with nothing else."""

from __future__ import annotations

import os
import sys
from typing import Any

from melanoma_edge.errors import MachineError
from melanoma_edge.quiet import quiet_native

_FLAG = "TF_USE_LEGACY_KERAS"


def load_tensorflow() -> tuple[Any, Any]:
    """Import TensorFlow with Keras 2 and return ``(tensorflow, tf_keras)``.

    Raises:
        MachineError: when a package is missing, or TensorFlow was imported before with Keras 3 as its Keras.
    """
    if "tensorflow" in sys.modules and os.environ.get(_FLAG) != "1":
        raise MachineError(
            "TensorFlow was imported before melanoma-edge could choose Keras 2",
            fix=f"set {_FLAG}=1 in the environment, or import melanoma_edge first",
        )
    os.environ[_FLAG] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tf_keras" in sys.modules:
        return sys.modules["tensorflow"], sys.modules["tf_keras"]
    try:
        with quiet_native():
            import tensorflow
            import tf_keras

            tensorflow.config.list_physical_devices()
    except ImportError as error:
        raise MachineError(f"{error.name or 'tensorflow'} cannot be imported: {error}", fix=_FIX) from error
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow, tf_keras


_FIX = "install melanoma-edge with its dependencies into a fresh virtual environment; `melanoma-edge doctor` checks it"
