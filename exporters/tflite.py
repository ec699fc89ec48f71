"""The TFLite writer."""

from __future__ import annotations

from exporters import flatbuffer
from exporters.precision import Precision
from exporters.registry import register


def _one_image(precision: Precision, batch: int | None) -> str:
    return "" if batch == 1 else "a TFLite file takes one image at a time; other batches are for onnx"


@register("tflite", ".tflite", refuse=_one_image)
def write_tflite(tflite: bytes, document: str, precision: Precision, batch: int | None) -> bytes:
    """Add ``document`` as a metadata buffer; the model is already what is wanted."""
    return flatbuffer.with_metadata(tflite, document)
