from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from toy_files import sealed, toy_tflite

from exporters.ort_file import in_fixed_order, session, tools
from melanoma_edge.errors import ExportError

__all__ = ["sealed", "toy_tflite"]


def kernel_types(data: bytes) -> list[tuple[bytes, list[tuple[bytes, list[tuple[int, int]]]]]]:
    resolver = session(data).KernelTypeStrResolver()
    found = []
    for i in range(resolver.OpKernelTypeStrArgsLength()):
        operator = resolver.OpKernelTypeStrArgs(i)
        types = [operator.KernelTypeStrArgs(j) for j in range(operator.KernelTypeStrArgsLength())]
        listed = [
            (one.KernelTypeStr(), [(one.Args(k).ArgType(), one.Args(k).Index()) for k in range(one.ArgsLength())])
            for one in types
        ]
        found.append((operator.OpId(), listed))
    return found


def saved(onnx: Path, to: Path) -> bytes:
    """Return what onnxruntime itself writes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(to)
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(str(onnx), options, providers=["CPUExecutionProvider"])
    return to.read_bytes()


def test_kernel_types_are_sorted_and_all_there(sealed: Any, tmp_path: Path) -> None:
    raw = saved(sealed("onnx", "int8"), tmp_path / "raw.ort")
    before, after = kernel_types(raw), kernel_types(in_fixed_order(raw))
    assert after == sorted((name, sorted(types)) for name, types in before)
    assert len(after) > 5 and any(len(types) > 1 for _, types in after)


def test_the_model_s_bytes_stay_and_a_second_time_changes_nothing(sealed: Any, tmp_path: Path) -> None:
    raw = saved(sealed("onnx", "float32"), tmp_path / "raw.ort")
    once = in_fixed_order(raw)
    assert in_fixed_order(once) == once
    assert session(once).OrtVersion() == session(raw).OrtVersion()
    model = session(raw).Model()._tab.Pos
    assert once.endswith(raw[model:]) and len(once) % 16 == 0


@pytest.mark.parametrize("data", [b"", b"ORT", b"\x00" * 64, b"TFL3" * 8])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ExportError, match="not an ORT file"):
        session(data)


def test_loading_onnxruntime_s_tools_leaves_logging_alone() -> None:
    handlers = list(logging.root.handlers)
    tools()
    assert logging.root.handlers == handlers
    code = "import logging; from exporters.ort_file import tools; tools(); print(logging.root.handlers)"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
