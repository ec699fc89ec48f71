"""A process of its own for what may crash, so that a crash becomes an error message."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO, Any, Self

import numpy as np

from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import MachineError, MelanomaEdgeError
from melanoma_edge.runtime import open_model
from melanoma_edge.runtime.base import Answers, Pixels, Probabilities, Runner, check_batch
from melanoma_edge.runtime.shared import Questions, memory_file

_CHUNK = 32
_GRACE, _HASTE = 5.0, 0.1  # seconds the child has to leave by itself
_NAMES = {".tflite": "litert", ".onnx": "onnxruntime", ".ort": "onnxruntime"}
Opener = Callable[[Path, int | None], Runner]
Answering = Callable[[Any], Any]
Service = Callable[..., AbstractContextManager[Answering]]
"""What a child opens: a context manager that gives a function from questions to answers; importable by name.

Its answer to None is its introduction."""


class RuntimeCrash(MachineError):
    """Report a runtime that died of the model it ran."""


class Worker:
    """Open something in a child process and let it answer questions there.

    Errors of the child are raised here as themselves; when it dies, ``RuntimeCrash`` names the file and how it died,
    or ``MachineError`` when the system killed it, as it does for lack of memory.
    The child never outlives the ``with`` block, nor this process.
    """

    def __init__(self, name: str, path: Path, service: Service, *arguments: Any) -> None:
        """Remember what to open; the child starts when the ``with`` block is entered.

        Args:
            name: of the runtime, for messages.
            path: of the model, for messages.
            service: what the child enters; an importable function, called with ``arguments``.
        """
        self.name = name
        self.introduction: Any = None
        self._path, self._opening = path, (service, arguments)
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Connection[Any, Any] | None = None
        self._memory: int | None = None
        self._questions: Questions | None = None
        self._said: IO[bytes] | None = None

    def __enter__(self) -> Self:
        python, modules = self._python()
        ours, theirs = Pipe()
        self._pipe, self._memory, self._said = ours, memory_file(), tempfile.TemporaryFile()
        self._questions = Questions(ours, self._memory)
        command = f"from melanoma_edge.runtime.worker import attend; attend({theirs.fileno()}, {self._memory})"
        with theirs:
            self._child = subprocess.Popen(
                [*python, "-P", "-c", command],  # -P: what lies in the current folder is not ours
                pass_fds=[theirs.fileno(), self._memory],
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._said,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(modules)},
                start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the child
            )
        try:
            self.introduction = self.ask(self._opening)
        except BaseException:
            self._end(_HASTE)
            raise
        return self

    def _python(self) -> tuple[list[str], list[str]]:
        """Return the command that starts the child's Python, and where that finds modules."""
        return [sys.executable], list(filter(None, sys.path))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(_HASTE if error else _GRACE)

    def ask(self, question: Any) -> Any:
        """Return the child's answer; question and answer are pickled, a question's arrays in shared memory."""
        assert self._pipe is not None and self._questions is not None
        try:
            self._questions.send(question)
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise self._death() from error
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _death(self) -> MachineError:
        assert self._child is not None and self._said is not None
        code = self._child.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self._said.seek(0)
        last = self._said.read().decode(errors="replace").strip().rsplit("\n", 1)[-1]
        what = f"the runtime ({self.name}) died with {how}{': ' + last if last else ''}"
        fix = "try another format or precision, or run `melanoma-edge doctor`"
        kind = MachineError if code == -signal.SIGKILL else RuntimeCrash
        return kind(what, where=str(self._path), fix=fix)

    def _end(self, patience: float) -> None:
        pipe, memory, child, said = self._pipe, self._memory, self._child, self._said
        self._pipe = self._memory = self._questions = self._child = self._said = None
        if pipe is not None:
            pipe.close()  # the child reads the end of the pipe and leaves
        if child is not None:
            try:
                child.wait(patience)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if memory is not None:
            os.close(memory)
        if said is not None:
            said.close()


class IsolatedRunner(Worker):
    """Run a model in a child process; its crash is raised here as ``RuntimeCrash``."""

    def __init__(self, path: Path, threads: int | None = None, opener: Opener = open_model) -> None:
        """Remember what to open; the child starts when the ``with`` block is entered.

        Args:
            path: what ``open_model`` takes.
            threads: as for ``open_model``.
            opener: what the child calls to open the model; an importable function.
        """
        super().__init__(_NAMES.get(path.suffix, "isolated"), path, _running, path, threads, opener)
        self.options: Mapping[str, str] = MappingProxyType({})
        self._contract: ModelContract | None = None

    @property
    def contract(self) -> ModelContract:
        """The contract of the opened model."""
        if self._contract is None:
            raise RuntimeError("the runner is used outside its with block")
        return self._contract

    def __enter__(self) -> Self:
        super().__enter__()
        self.name, options, self._contract = self.introduction
        self.options = MappingProxyType(options)
        return self

    def infer(self, batch: Pixels) -> Probabilities:
        """Return probabilities ``[n, classes]`` of images ``[n, N, N, 3]``."""
        parts = self._in_parts("infer", batch)
        return np.concatenate(parts) if parts else np.empty((0, len(self.contract.classes)), np.float32)

    def infer_all(self, batch: Pixels) -> Answers:
        """Return every output by name for images ``[n, N, N, 3]``."""
        parts = self._in_parts("infer_all", batch) or [self.ask(("infer_all", batch))]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _in_parts(self, verb: str, batch: Pixels) -> list[Any]:
        check_batch(batch, self.contract)
        starts = range(0, len(batch), _CHUNK)
        return [self.ask((verb, np.ascontiguousarray(batch[start : start + _CHUNK]))) for start in starts]


@contextmanager
def _running(path: Path, threads: int | None, opener: Opener) -> Iterator[Answering]:
    with opener(path, threads) as runner:
        described = (runner.name, dict(runner.options), runner.contract)
        yield lambda question: described if question is None else getattr(runner, question[0])(question[1])


def attend(descriptor: int, memory: int) -> None:
    """Answer questions from the pipe until it closes; the first one says what to open."""
    pipe: Connection[Any, Any] = Connection(descriptor)
    questions = Questions(pipe, memory)
    with pipe:
        try:
            service, arguments = questions.receive()
            with service(*arguments) as answer:
                pipe.send(answer(None))
                while True:
                    pipe.send(answer(questions.receive()))
        except EOFError:
            return
        except Exception as error:
            pipe.send(_portable(error))


def _portable(error: Exception) -> Exception:
    """Return ``error`` if it survives the way to the parent, else a description of it."""
    if isinstance(error, MelanomaEdgeError):
        return error
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return MachineError(f"the runtime failed: {error!r}", fix="run `melanoma-edge doctor`")
    return error
