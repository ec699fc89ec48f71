"""What is inside a written file, read back from its bytes: operators, types, sizes, and how pixels enter."""

from __future__ import annotations

from exporters import onnx_graph, ort_graph, tflite_graph
from exporters.steps import CensusRow, Inventory, Step, Totals, levels
from melanoma_edge.errors import ExportError

__all__ = ["CensusRow", "Inventory", "Step", "Totals", "levels", "take"]

_STRANGE = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
_READERS = {"tflite": tflite_graph.read, "onnx": onnx_graph.read, "ort": ort_graph.read}


def take(data: bytes, format_name: str) -> Inventory:
    """Read a file's inventory.

    Args:
        data: the file.
        format_name: ``tflite``, ``onnx`` or ``ort``.

    Raises:
        ExportError: when the file cannot be read, its graph contradicts itself, or the format is another.
    """
    if format_name not in _READERS:
        raise ExportError(f"the operators of {format_name} files cannot be listed", fix="look at the .onnx of the run")
    try:
        return _READERS[format_name](data)
    except _STRANGE as error:  # a forged or damaged graph points anywhere
        what = f"the {format_name} file's graph contradicts itself: {type(error).__name__}: {error}"
        raise ExportError(what, fix="do not use the file; export the run again") from error
