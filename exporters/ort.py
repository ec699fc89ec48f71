"""The ORT writer: the ONNX model as onnxruntime has optimized it, for builds of onnxruntime without an optimizer.

Level "extended", and no layout of one kind of processor: what is written on x86 runs on ARM. Fusions are made as ARM
makes them, with int8 activations, so a file decides alike wherever it runs and whatever session options say.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

from exporters.onnx import refuse_int16, write_onnx
from exporters.ort_file import in_fixed_order, tools
from exporters.precision import Precision
from exporters.registry import register
from melanoma_edge.errors import ExportError
from melanoma_edge.quiet import quiet_native
from melanoma_edge.runtime.base import require
from melanoma_edge.runtime.onnx import INTEGER_ARITHMETIC

CONFIG = ".required_operators.config"
_ERRORS_ONLY = 3
_COMMENTS = re.compile(r"^#.*\n", re.MULTILINE)


def _refuse(precision: Precision, batch: int | None) -> str:
    if precision is Precision.FLOAT16:
        return "onnxruntime unpacks halves when it saves, so the file would be float32"
    return refuse_int16(precision, batch)


def required_operators(data: bytes) -> dict[str, str]:
    """Return the configuration of a build of onnxruntime that runs this file and little else, by what its name ends in.

    It lists operators by domain and version, with the types each is used with; ``build.py`` of onnxruntime takes it as
    ``--include_ops_by_config``, with ``--enable_reduced_operator_type_support``.
    """
    with tempfile.TemporaryDirectory() as folder:
        model, config = Path(folder) / "model.ort", Path(folder) / "config"
        model.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it leaves closing the file to chance
            tools().create_config_from_models([model], config, True)
        return {CONFIG: _COMMENTS.sub("", config.read_text())}


@register("ort", ".ort", refuse=_refuse, beside=required_operators)
def write_ort(tflite: bytes, document: str, precision: Precision, batch: int | None) -> bytes:
    """Optimize the ONNX model of ``write_onnx`` and save it in onnxruntime's own format, ``document`` inside.

    Raises:
        ExportError: as ``write_onnx``, or when onnxruntime cannot save it.
    """
    onnx = write_onnx(tflite, document, precision, batch)
    runtime = require("onnxruntime", "onnxruntime")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.ort"
        try:
            with quiet_native():
                runtime.InferenceSession(onnx, _saving_to(runtime, path), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exceptions share no public base class
            raise ExportError(f"onnxruntime cannot save the model: {error}", fix="export onnx instead") from error
        return in_fixed_order(path.read_bytes())


def _saving_to(runtime: Any, path: Path) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(path)
    options.add_session_config_entry("session.save_model_format", "ORT")
    options.add_session_config_entry(*INTEGER_ARITHMETIC)
    return options
