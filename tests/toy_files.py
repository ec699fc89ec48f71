"""Sealed files of the toy run in any format, precision and batch, without a whole export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from toys import toy_pixels

from exporters import FORMATS, Precision
from exporters.outputs import output_shapes, with_outputs
from exporters.quantize import quantized
from exporters.source import float_tflite
from melanoma_edge.runtime.artifact import seal, unsealed_document

Sealed = Callable[..., Path]


@pytest.fixture(scope="session")
def toy_tflite(toy_run: Any) -> Callable[[str], bytes]:
    """Return a function from a precision to the toy's TFLite model."""
    from melanoma_edge.compression.calibration import collect_ranges
    from melanoma_edge.model.classifier import inference_model

    model = inference_model(toy_run.network, toy_run.weights(), toy_run.contract.temperature)
    source = float_tflite(model, toy_run.contract.input_size)
    measured = collect_ranges(source, toy_pixels(12, seed=1))
    return cache(lambda precision: quantized(source, Precision(precision), measured.ranges(Precision(precision).bits)))


@pytest.fixture(scope="session")
def sealed(toy_run: Any, toy_tflite: Callable[[str], bytes], tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """Return a function that writes a file: form, precision, further outputs, batch."""
    folder = tmp_path_factory.mktemp("sealed")

    @cache
    def write(form: str, precision: str, extras: Sequence[str] = (), batch: int | None = 1) -> Path:
        tflite = with_outputs(toy_tflite(precision), extras)
        shapes = output_shapes(tflite, batch)
        document = unsealed_document(form, precision, toy_run.contract, None, shapes)
        path = folder / f"{precision}-{'-'.join(extras)}-{batch}.{form}"
        path.write_bytes(seal(FORMATS[form].write(tflite, document, Precision(precision), batch)))
        return path

    return write
