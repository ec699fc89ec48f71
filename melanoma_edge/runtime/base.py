"""What every runtime offers: bytes of an image in, class probabilities out."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import MachineError, TrustError

INPUT, OUTPUT = "image", "probabilities"
"""The names of the tensors of every exported file."""
EMBEDDING, CAM = "embedding", "cam"
"""The names of the outputs that a file may have beside the probabilities."""
EXPORT_AGAIN = "export the run again"

Pixels = NDArray[np.uint8]
Probabilities = NDArray[np.float32]
Answers = dict[str, NDArray[np.float32]]
"""Outputs by name, each with the batch as its first axis."""


class WrongShape(TrustError):
    """Refuse a file whose tensors are not those of its contract."""


class WrongLabels(WrongShape):
    """Refuse a file that does not answer one probability per class of its contract."""


class Runner(Protocol):
    """Execute one model. Used as a context manager; after the block it cannot infer any more."""

    @property
    def name(self) -> str:
        """The runtime's name."""

    @property
    def options(self) -> Mapping[str, str]:
        """The runtime's settings that are not its defaults and can change what a model answers."""

    @property
    def contract(self) -> ModelContract:
        """What the model takes and answers."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def infer(self, batch: Pixels) -> Probabilities:
        """Return probabilities ``[n, classes]`` in float32 of images ``[n, N, N, 3]`` in uint8, RGB."""
        ...

    def infer_all(self, batch: Pixels) -> Answers:
        """Return every output of the model, ``probabilities`` first; see ``exporters.outputs`` for the others."""
        ...


def check_batch(batch: Pixels, contract: ModelContract) -> None:
    """Raise ``ValueError`` unless ``batch`` is uint8 ``[n, N, N, 3]`` for the contract's N."""
    size = contract.input_size
    if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[1:] != (size, size, 3):
        raise ValueError(f"batch must be uint8 [n, {size}, {size}, 3], not {batch.dtype} {list(batch.shape)}")


def wrong_tensors(found: str, answer: Sequence[object], contract: ModelContract, where: Path) -> WrongShape:
    """Return the error about a file whose tensors are ``found`` and whose output has the shape ``answer``."""
    size, classes = contract.input_size, len(contract.classes)
    kind = WrongLabels if len(answer) == 2 and answer[1] != classes else WrongShape
    wanted = f"{INPUT} [batch, {size}, {size}, 3] and {OUTPUT} [batch, {classes}]"
    what = f"the file's tensors are not {wanted} as its contract says, but {found}"
    return kind(what, where=str(where), fix=EXPORT_AGAIN)


def check_outputs(found: Mapping[str, Sequence[object]], told: Mapping[str, Sequence[object]], where: Path) -> None:
    """Raise ``WrongShape`` unless a file's outputs are those its document names, in shapes without the batch."""
    have, want = ({name: list(shape) for name, shape in one.items()} for one in (found, told))
    if have != want:
        raise WrongShape(
            f"the file's outputs are {have}, but its document says {want}", where=str(where), fix=EXPORT_AGAIN
        )


def require(module: str, package: str) -> ModuleType:
    """Import ``module`` of the PyPI ``package``, without leave to report to its makers what is done with it.

    Raises:
        MachineError: when it is not installed or cannot be loaded on this machine.
    """
    # onnxruntime 1.29 and later uploads usage data from Linux, too, unless this is set before it is loaded.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MachineError(f"{package} cannot be loaded: {error}", fix=f"pip install {package}") from error
