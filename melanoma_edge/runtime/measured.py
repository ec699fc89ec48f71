"""What a benchmark is asked for and what it found, as frozen dataclasses and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from melanoma_edge.errors import MelanomaEdgeError
from melanoma_edge.machine import Machine
from melanoma_edge.strictjson import to_plain

SCHEMA = "melanoma-edge/benchmark/1"
NOTE = "Ratios hold for this machine alone; they promise nothing about a phone, whose cores have other instructions."
_ROUNDS = 20


@dataclass(frozen=True)
class Setting:
    """Say what is measured and for how long.

    ``runtimes`` run the formats they can; each number of ``threads`` is tried. ``seconds`` of inference are given to
    each candidate over all rounds, or ``repeats`` inferences. ``starts`` fresh processes are timed for the start-up.
    """

    runtimes: tuple[str, ...] = ("litert", "onnxruntime", "onnxruntime-untuned")
    threads: tuple[int, ...] = (1,)
    seconds: float = 2.0
    repeats: int | None = None
    starts: int = 3

    @property
    def rounds(self) -> int:
        """How often the candidates take turns."""
        return _ROUNDS if self.repeats is None else min(_ROUNDS, self.repeats)


@dataclass(frozen=True)
class FileSize:
    """Describe an exported file: ``batch`` images go in at once, ``deflated_bytes`` are what an app store downloads."""

    path: str
    sha256: str
    format: str
    precision: str
    input_size: int
    batch: int
    bytes: int
    deflated_bytes: int


@dataclass(frozen=True)
class Spread:
    """Hold the median over rounds and the range of 90 % of them."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Timing:
    """Hold what was measured of one candidate.

    ``start_ms`` is the median over fresh processes, of opening the file with the first inference. ``p50_ms`` and
    ``p95_ms`` are of one inference, of as many images as the file's batch. ``memory_before`` is what the process with
    its libraries held before it opened the file, ``peak_memory`` the most it held, in bytes; None where the system does
    not tell. ``ratio`` compares the fastest inference of each round, per image, with that of the first candidate
    without an error in the same round: below 1 is faster. The fastest, because what disturbs a machine only ever makes
    an inference slower. ``cpu_ms`` and ``cpu_ratio`` are the same of the time that all cores spent on it: waiting for a
    core on a busy machine does not count, threads that wait busily for others do.
    """

    start_ms: float
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    images_per_second: float
    inferences: int
    memory_before: int | None
    peak_memory: int | None
    ratio: Spread
    cpu_ratio: Spread


@dataclass(frozen=True)
class Row:
    """Give the timing of one candidate, or the error that kept it from one."""

    path: str
    runtime: str
    threads: int
    timing: Timing | None
    error: MelanomaEdgeError | None

    def to_document(self) -> dict[str, Any]:
        """Return the row as JSON has it, flat."""
        head = {"path": self.path, "runtime": self.runtime, "threads": self.threads}
        return head | (to_plain(self.timing) if self.timing else {"error": self.error and self.error.what})


@dataclass(frozen=True)
class Benchmark:
    """Hold a whole benchmark. ``load_before`` counts the processes that wanted a core before it began."""

    machine: Machine
    versions: dict[str, str]
    load_before: float
    busy: bool
    setting: Setting
    files: tuple[FileSize, ...]
    rows: tuple[Row, ...]

    def to_document(self) -> dict[str, Any]:
        """Return the benchmark as JSON has it."""
        return {
            "schema": SCHEMA,
            "note": NOTE,
            "machine": to_plain(self.machine),
            "versions": self.versions,
            "load_before": self.load_before,
            "busy": self.busy,
            "setting": {**to_plain(self.setting), "rounds": self.setting.rounds},
            "files": to_plain(self.files),
            "rows": [row.to_document() for row in self.rows],
        }
