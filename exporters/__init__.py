"""Exporters: from a run to files that run elsewhere.

A format is a function that turns the TFLite model of the asked precision into a file, registered under its name; see
``registry.py``. Every file is read back, its operators counted and one batch run through it before it gets its name.
"""

from __future__ import annotations

from exporters import onnx as _onnx  # noqa: F401  # the built-in formats register themselves
from exporters import ort as _ort  # noqa: F401
from exporters import tflite as _tflite  # noqa: F401
from exporters.job import Artifact, ExportRecord, export, export_many
from exporters.place import planned
from exporters.precision import Precision
from exporters.registry import FORMATS, Format, register

__all__ = ["FORMATS", "Artifact", "ExportRecord", "Format", "Precision", "export", "export_many", "planned", "register"]
