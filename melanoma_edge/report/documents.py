"""The JSON files of a run, each with its sha256: all that a report is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melanoma_edge.errors import TrustError, machine_errors

REPORT = "report"
"""The folder in a run of what is found out after training."""
RECORD = "report.json"
PAGE, CARD = PAGES = "index.html", "MODEL_CARD.md"
_PARITY, _EVALUATION, _SEARCH = ".parity.json", ".evaluation.json", ".search.json"
_LAYERS, _BISECTION = ".layers.json", ".bisect.json"
_SINGLE = {
    "robustness.json": "robustness",
    "rejection.json": "rejection",
    "explanations.json": "explanations",
    "benchmark.json": "benchmark",
}
"""Documents of which a run has one, and their kinds."""


@dataclass(frozen=True)
class Document:
    """Hold one JSON file: where it lies below the run, the sha256 of its bytes, and what it says."""

    path: str
    sha256: str
    content: dict[str, Any]

    @property
    def kind(self) -> str:
        """The middle of its schema, as ``parity`` of ``melanoma-edge/parity/1``."""
        return str(self.content.get("schema", "")).rpartition("/")[0].removeprefix("melanoma-edge/")


@dataclass(frozen=True)
class ArtifactDocuments:
    """Hold what is known of one exported file: its record, and what was found out about it where it was."""

    name: str
    record: Document
    parity: Document | None
    evaluation: Document | None
    search: Document | None
    layers: Document | None
    bisection: Document | None


@dataclass(frozen=True)
class Documents:
    """Hold the JSON files of a run; ``evaluations`` and ``matrices`` are by split."""

    folder: Path
    run: Document
    contract: Document
    catalog: Document
    artifacts: tuple[ArtifactDocuments, ...]
    evaluations: dict[str, Document]
    matrices: dict[str, Document]
    single: dict[str, Document]

    def __iter__(self) -> Iterator[Document]:
        """Yield every document, sorted by path."""
        found = [self.run, self.contract, self.catalog, *self.found_out]
        for one in self.artifacts:
            found += [part for part in (one.record, one.parity, one.search) if part]
        yield from sorted(found, key=lambda one: one.path)

    @property
    def found_out(self) -> tuple[Document, ...]:
        """What commands found out about the run and its files after training, parity with the reference apart."""
        of_files = (part for one in self.artifacts for part in (one.evaluation, one.layers, one.bisection) if part)
        return (*self.evaluations.values(), *self.matrices.values(), *self.single.values(), *of_files)


def read_documents(folder: Path) -> Documents:
    """Read the JSON files of a run.

    Raises:
        TrustError: for a file that must be there and is not, and for one that is damaged or of another kind.
    """
    report = folder / REPORT
    kept = {name: folder / f"{name}.json" for name in ("run", "contract", "catalog")}
    return Documents(
        folder=folder,
        **{name: _read(path, folder, name) for name, path in kept.items()},
        artifacts=tuple(read_artifact_documents(path) for path in artifact_records(folder)),
        evaluations=_by_split(report, folder, "evaluation"),
        matrices=_by_split(report, folder, "matrix", "parity-matrix"),
        single={kind: one for name, kind in _SINGLE.items() if (one := _optional(report / name, folder, kind))},
    )


def artifact_records(folder: Path) -> list[Path]:
    """Return the paths of the records of a run's exported files, sorted."""
    named = (path for path in (folder / "artifacts").glob("*.json") if path.name.count(".") == 2)
    return sorted(named)


def read_artifact_documents(record: Path) -> ArtifactDocuments:
    """Read the record of an exported file, and what else was found out about it; raises as ``read_documents``."""
    folder = record.parent.parent
    name = record.name.removesuffix(".json")
    beside = {ending: record.with_name(name + ending) for ending in (_PARITY, _EVALUATION, _SEARCH)}
    return ArtifactDocuments(
        name=name,
        record=_read(record, folder, "export"),
        parity=_optional(beside[_PARITY], folder, "parity"),
        evaluation=_optional(beside[_EVALUATION], folder, "evaluation"),
        search=_optional(beside[_SEARCH], folder, "search"),
        layers=_optional(folder / REPORT / f"{name}{_LAYERS}", folder, "layers"),
        bisection=_optional(folder / REPORT / f"{name}{_BISECTION}", folder, "bisect"),
    )


def _by_split(report: Path, folder: Path, name: str, kind: str = "") -> dict[str, Document]:
    files = {path.stem.removeprefix(f"{name}-"): path for path in sorted(report.glob(f"{name}-*.json"))}
    return {split: _read(path, folder, kind or name) for split, path in files.items()}


def _optional(path: Path, folder: Path, kind: str) -> Document | None:
    return _read(path, folder, kind) if path.is_file() else None


def _read(path: Path, folder: Path, kind: str) -> Document:
    with machine_errors(f"reading {path.name}"):
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            fix = "give a folder made by `train`"
            raise TrustError(f"{path.name} is missing", where=str(path), fix=fix) from error
    try:
        content = json.loads(data, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise TrustError(f"not JSON: {error}", where=str(path), fix=remake(kind, folder)) from error
    document = Document(str(path.relative_to(folder)), hashlib.sha256(data).hexdigest(), content)
    if not isinstance(content, dict) or document.kind != kind:
        raise TrustError(f"not a document of the kind {kind}", where=str(path), fix=remake(kind, folder))
    return document


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def remake(kind: str, run: Path | str, files: Sequence[str] = ()) -> str:
    """Return the command that makes a document of a kind again; ``files`` are the exported ones, where it needs one."""
    # layers are of .tflite and .onnx; int8 is what moves most
    by_layer = sorted((name for name in files if not name.endswith(".ort")), key=lambda name: "int8" not in name)
    artifact = by_layer[0] if by_layer else "ARTIFACT"
    timed = " ".join(f"{run}/artifacts/{name}" for name in files) or f"{run}/artifacts/*.tflite"
    force = "" if files else " --force"
    commands = {
        "parity": f"melanoma-edge parity {run}",
        "parity-matrix": f"melanoma-edge parity {run} --runtimes all",
        "layers": f"melanoma-edge parity {run} {artifact} --layers",
        "bisect": f"melanoma-edge parity {run} {artifact} --bisect",
        "evaluation": f"melanoma-edge evaluate {run}",
        "robustness": f"melanoma-edge evaluate {run} --robustness",
        "rejection": f"melanoma-edge evaluate {run} --rejection",
        "explanations": f"melanoma-edge evaluate {run} --explain",
        "benchmark": f"melanoma-edge benchmark {timed} --out {run}/{REPORT}/benchmark.json{force}",
        "report": f"melanoma-edge report {run}",
        "export": f"melanoma-edge export {run} --format tflite",
        "search": f"melanoma-edge export {run} --format tflite --max-loss decision_agreement=0.99",
    }
    return commands.get(kind, "restore the run from a backup or train it again")
