"""Write the toy models that the Kotlin engine's tests open: ``python tests/android/engine_models.py``.

They are what the app's own bundle is not: int8 with bytes as input, and with a class activation map and an embedding.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    os.environ["TF_USE_LEGACY_KERAS"] = "1"

from toys import ToyRun, toy_catalog, toy_contract, toy_pixels

from exporters import FORMATS, Precision
from exporters.outputs import output_shapes, with_outputs
from exporters.quantize import quantized
from exporters.source import float_tflite
from melanoma_edge.runtime import open_model, read_record
from melanoma_edge.runtime.artifact import seal, unsealed_document

FOLDER = Path(__file__).parents[2] / "android_demo" / "engine" / "src" / "test" / "resources" / "models"
MODELS = {
    "bytes.tflite": (Precision.INT8_FULL, ()),
    "outputs.tflite": (Precision.INT8, ("embedding", "cam")),
    "outputs.onnx": (Precision.INT8, ("embedding", "cam")),
}
"""By file name: precision, and outputs beside the probabilities."""


def answers(path: Path) -> dict[str, Any]:
    """Return a model's tensors and what it answers for the image ``image.rgb`` beside it."""
    record = read_record(path)
    size = record.contract.input_size
    with open_model(path, threads=1) as runner:
        image = (path.parent / "image.rgb").read_bytes()
        found = runner.infer_all(_array(image, size))
    outputs = {
        note.name: {"shape": list(note.shape[1:]), "values": _plain(found[note.name])} for note in record.outputs
    }
    return {"input_size": size, "classes": len(record.contract.classes), "outputs": outputs}


def _array(image: bytes, size: int) -> Any:
    import numpy as np

    return np.frombuffer(image, np.uint8).reshape(1, size, size, 3)


def _plain(values: Any) -> list[float]:
    return [float(value) for value in values[0].ravel()]


def make(folder: Path) -> None:
    """Write the models, one image, and what Python's runtimes answer for it."""
    from melanoma_edge.compression.calibration import collect_ranges
    from melanoma_edge.model.classifier import inference_model

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as images:
        run = ToyRun(Path(images) / "run", toy_contract(), toy_catalog(Path(images) / "images"))
        source = float_tflite(
            inference_model(run.network, run.weights(), run.contract.temperature), run.contract.input_size
        )
    ranges = collect_ranges(source, toy_pixels(12, seed=1))
    (folder / "image.rgb").write_bytes(toy_pixels(1, seed=3).tobytes())
    for name, (precision, extras) in MODELS.items():
        tflite = with_outputs(quantized(source, precision, ranges.ranges(precision.bits)), extras)
        form = Path(name).suffix[1:]
        document = unsealed_document(form, precision.value, run.contract, None, output_shapes(tflite, 1))
        (folder / name).write_bytes(seal(FORMATS[form].write(tflite, document, precision, 1)))
    expected = {name: answers(folder / name) for name in MODELS}
    (folder / "answers.json").write_text(json.dumps(expected) + "\n", "utf-8")


if __name__ == "__main__":
    make(FOLDER)
