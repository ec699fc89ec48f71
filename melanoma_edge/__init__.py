"""Train, compress, export and prove small melanoma models for phones.

The verbs of the command line are functions here. They are loaded when first used, so that importing the package
loads neither TensorFlow nor a runtime.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from melanoma_edge.prediction import predict
    from melanoma_edge.training.trainer import train

__all__ = ["__version__", "predict", "train"]

_HOMES = {"train": "melanoma_edge.training.trainer", "predict": "melanoma_edge.prediction"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
