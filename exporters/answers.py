"""What a TFLite model answers before it is a file with a document."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime import Probabilities
from melanoma_edge.runtime.litert import interpreter
from melanoma_edge.squares import Squares


def answers(tflite: bytes, pixels: Squares, progress: Progress = silent, task: str = "running") -> Probabilities:
    """Return the probabilities ``[n, classes]`` that a model with float32 input gives for images ``[n, N, N, 3]``."""
    running = interpreter(tflite, Path("model.tflite"))
    (image,), (output,) = running.get_input_details(), running.get_output_details()
    found = []
    for done, picture in enumerate(pixels):
        running.set_tensor(image["index"], picture[None].astype(np.float32))
        running.invoke()
        found.append(running.get_tensor(output["index"])[0])
        progress(task, done + 1, len(pixels))
    return np.stack(found)
