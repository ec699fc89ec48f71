"""TFLite files executed by LiteRT, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import numpy as np

from melanoma_edge.errors import TrustError
from melanoma_edge.quiet import quiet_native
from melanoma_edge.runtime.artifact import ArtifactRecord
from melanoma_edge.runtime.base import (
    EXPORT_AGAIN,
    INPUT,
    OUTPUT,
    Answers,
    Pixels,
    Probabilities,
    check_batch,
    check_outputs,
    require,
    wrong_tensors,
)


class LiteRTRunner:
    """Run a TFLite artifact, one image at a time, on the CPU (XNNPACK)."""

    name = "litert"
    options: Mapping[str, str] = MappingProxyType({})
    _kernels = "AUTO"

    def __init__(self, record: ArtifactRecord, data: bytes, threads: int | None = None) -> None:
        """Open the bytes of an artifact.

        Raises:
            TrustError: when they are no TFLite file, or its tensors are not those of the contract.
            MachineError: when ai-edge-litert is missing.
        """
        self.contract = record.contract
        self._path = record.path
        self._shapes = {note.name: note.shape[1:] for note in record.outputs}
        self._interpreter = interpreter(data, record.path, threads, kernels=self._kernels)
        self._input, self._places = self._tensors()

    def _tensors(self) -> tuple[dict[str, Any], dict[str, int]]:
        """Return the input, and the places of the outputs by name."""
        size, classes = self.contract.input_size, len(self.contract.classes)
        try:
            (name,) = self._interpreter.get_signature_list()
            runner = self._interpreter.get_signature_runner(name)
            image, answers = runner.get_input_details()[INPUT], runner.get_output_details()
            answer = answers[OUTPUT]
        except (ValueError, KeyError, IndexError) as error:
            raise wrong_tensors("others by name", (), self.contract, self._path) from error
        fits = list(image["shape"]) == [1, size, size, 3] and list(answer["shape"]) == [1, classes]
        types = image["dtype"] in (np.uint8, np.float32) and all(one["dtype"] == np.float32 for one in answers.values())
        if not (fits and types):
            found = " and ".join(f"{np.dtype(one['dtype'])} {one['shape'].tolist()}" for one in (image, answer))
            raise wrong_tensors(found, answer["shape"].tolist(), self.contract, self._path)
        check_outputs({one: answers[one]["shape"].tolist()[1:] for one in answers}, self._shapes, self._path)
        return image, {one: answers[one]["index"] for one in self._shapes}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interpreter = None

    def infer(self, batch: Pixels) -> Probabilities:
        """Return probabilities ``[n, classes]`` of images ``[n, N, N, 3]``.

        Raises:
            TrustError: when the model fails.
        """
        return self.infer_all(batch)[OUTPUT]

    def infer_all(self, batch: Pixels) -> Answers:
        """Return every output for images ``[n, N, N, 3]``; raises as ``infer``."""
        check_batch(batch, self.contract)
        answers = {name: np.empty((len(batch), *shape), np.float32) for name, shape in self._shapes.items()}
        with distrusted(self._path):
            for row, image in enumerate(batch.astype(self._input["dtype"])):
                self._interpreter.set_tensor(self._input["index"], image[None])
                self._interpreter.invoke()
                for name, place in self._places.items():
                    answers[name][row] = self._interpreter.get_tensor(place)[0]
        return answers


class PlainLiteRTRunner(LiteRTRunner):
    """Run a TFLite artifact with LiteRT's own kernels, as where XNNPACK is missing or switched off."""

    name = "litert-plain"
    options: Mapping[str, str] = MappingProxyType({"kernels": "without XNNPACK"})
    _kernels = "BUILTIN_WITHOUT_DEFAULT_DELEGATES"


def interpreter(
    data: bytes, path: Path, threads: int | None = None, *, keep_all: bool = False, kernels: str = "AUTO"
) -> Any:
    """Return an allocated LiteRT interpreter.

    Args:
        data: the model.
        path: of the file, for messages.
        threads: CPU threads; LiteRT's default when None.
        keep_all: keep every tensor readable after ``invoke``.
        kernels: a name of LiteRT's ``OpResolverType``.

    Raises:
        TrustError: when ``data`` is not a model LiteRT can run.
        MachineError: when ai-edge-litert is missing.
    """
    litert = require("ai_edge_litert.interpreter", "ai-edge-litert")
    with distrusted(path), quiet_native():
        made = litert.Interpreter(
            model_content=data,
            num_threads=threads,
            experimental_preserve_all_tensors=keep_all,
            experimental_op_resolver_type=litert.OpResolverType[kernels],
        )
        made.allocate_tensors()
    return made


@contextmanager
def distrusted(path: Path) -> Iterator[None]:
    """Turn what LiteRT raises about a file into ``TrustError``."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise TrustError(f"LiteRT cannot run the file: {error}", where=str(path), fix=EXPORT_AGAIN) from error
