"""TFLite files executed by LiteRT, without TensorFlow."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from melanoma_edge.errors import TrustError
from melanoma_edge.quiet import quiet_native
from melanoma_edge.runtime.artifact import ArtifactRecord
from melanoma_edge.runtime.base import Pixels, Probabilities, check_batch, require

INPUT, OUTPUT = "image", "probabilities"
_AGAIN = "export the run again"


class LiteRTRunner:
    """Run a TFLite artifact, one image at a time, on the CPU (XNNPACK)."""

    name = "litert"

    def __init__(self, record: ArtifactRecord, data: bytes, threads: int | None = None) -> None:
        """Open the bytes of an artifact.

        Raises:
            TrustError: when they are no TFLite file, or its tensors are not those of the contract.
            MachineError: when ai-edge-litert is missing.
        """
        self.contract = record.contract
        self._interpreter = interpreter(data, record.path, threads)
        self._input, self._output = self._tensors(record.path)

    def _tensors(self, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        size, classes = self.contract.input_size, len(self.contract.classes)
        with suppress(ValueError, KeyError, IndexError):
            (name,) = self._interpreter.get_signature_list()
            runner = self._interpreter.get_signature_runner(name)
            image, answer = runner.get_input_details()[INPUT], runner.get_output_details()[OUTPUT]
            fits = list(image["shape"]) == [1, size, size, 3] and list(answer["shape"]) == [1, classes]
            types = image["dtype"] in (np.uint8, np.float32) and answer["dtype"] == np.float32
            if fits and types:
                return image, answer
        wanted = f"{INPUT} [1, {size}, {size}, 3] and {OUTPUT} [1, {classes}]"
        raise TrustError(f"the file's tensors are not {wanted} as its contract says", where=str(path), fix=_AGAIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interpreter = None

    def infer(self, batch: Pixels) -> Probabilities:
        """Return probabilities ``[n, classes]`` of images ``[n, N, N, 3]``."""
        check_batch(batch, self.contract)
        answers = np.empty((len(batch), len(self.contract.classes)), np.float32)
        for row, image in enumerate(batch.astype(self._input["dtype"])):
            self._interpreter.set_tensor(self._input["index"], image[None])
            self._interpreter.invoke()
            answers[row] = self._interpreter.get_tensor(self._output["index"])[0]
        return answers


def interpreter(data: bytes, path: Path, threads: int | None = None, *, keep_all: bool = False) -> Any:
    """Return an allocated LiteRT interpreter; ``keep_all`` keeps every tensor readable after ``invoke``.

    Raises:
        TrustError: when ``data`` is not a model LiteRT can run.
        MachineError: when ai-edge-litert is missing.
    """
    litert = require("ai_edge_litert.interpreter", "ai-edge-litert")
    try:
        with quiet_native():
            made = litert.Interpreter(
                model_content=data, num_threads=threads, experimental_preserve_all_tensors=keep_all
            )
            made.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise TrustError(f"LiteRT cannot run the file: {error}", where=str(path), fix=_AGAIN) from error
    return made
