"""One export from start to end: convert, quantize, write, read back, prove, rename into place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from exporters import lint
from exporters.inventory import CensusRow, Inventory, take
from exporters.place import alone, place, planned
from exporters.precision import Precision
from exporters.quantize import quantized
from exporters.registry import Format, checked
from exporters.source import float_tflite
from melanoma_edge.compression import calibration
from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import ExportError
from melanoma_edge.files import to_json, write_text, written
from melanoma_edge.progress import Progress, silent
from melanoma_edge.quiet import quiet_native
from melanoma_edge.runtime import Pixels, Probabilities, open_artifact
from melanoma_edge.runtime.artifact import ArtifactRecord, CalibrationNote, read_record, seal, unsealed_document
from melanoma_edge.runtime.worker import IsolatedRunner
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training.run import Run

SCHEMA = "melanoma-edge/export/1"
_PROBES = 4
_FLOAT_TOLERANCE = 1e-5
_TOOLS = ("tensorflow", "tf_keras", "ai-edge-quantizer", "ai-edge-litert", "tf2onnx", "onnx", "onnxruntime")


@dataclass(frozen=True)
class ExportRecord:
    """Hold ``artifacts/<file>.json``: what was written, from what, with what, and what was found inside.

    ``keras_difference`` is the largest difference of a probability from Keras on a few random images; it judges
    nothing but a float32 file.
    """

    schema: str
    file: str
    sha256: str
    bytes: int
    format: str
    precision: str
    batch: int | None
    contract_sha256: str
    weights_sha256: str
    calibration: CalibrationNote | None
    input_levels: int
    keras_difference: float
    census: tuple[CensusRow, ...]
    tools: Mapping[str, str]


@dataclass(frozen=True)
class Artifact:
    """Name one exported file; ``record`` also lies beside it as JSON."""

    path: Path
    sha256: str
    bytes: int
    format: str
    precision: Precision
    record: ExportRecord


def export(
    run: Run,
    format: str,
    precision: str,
    *,
    calibration_images: int = 512,
    seed: int = 0,
    batch: int | None = 1,
    force: bool = False,
    progress: Progress = silent,
) -> Artifact:
    """Write one artifact into ``RUN/artifacts/``; arguments and errors as ``export_many``."""
    (artifact,) = export_many(
        run,
        [(format, precision)],
        calibration_images=calibration_images,
        seed=seed,
        batch=batch,
        force=force,
        progress=progress,
    )
    return artifact


def export_many(
    run: Run,
    asked: Iterable[tuple[str, str]],
    *,
    calibration_images: int = 512,
    seed: int = 0,
    batch: int | None = 1,
    force: bool = False,
    progress: Progress = silent,
) -> list[Artifact]:
    """Write artifacts of a run; conversion, calibration and quantization are done once for all formats.

    Args:
        run: whose weights and contract go into the files.
        asked: pairs of format and precision, such as ``("tflite", "int8")``.
        calibration_images: how many training images the ranges of int8 are measured on.
        seed: of the choice of calibration images.
        batch: images per inference, None for free; TFLite files take one.
        force: overwrite files that exist.
        progress: told of what is done.

    Raises:
        UsageError: for unknown names, what a format cannot do, an existing file, or while another export writes into
            the run; before anything is computed.
        ExportError: when a tool fails, or the file written is not what was asked.
        DataError: when training images for calibration are missing.
        MachineError: when a package is missing, a runtime crashes, or the disk is full.
    """
    asked = list(asked)
    planned(run, asked, batch=batch, force=force)
    pairs = checked(asked, batch)
    material = _Material(run, calibration_images, seed, progress)
    artifacts = []
    with alone(run.artifacts):
        planned(run, asked, batch=batch, force=force)  # again: another export may have ended since
        for done, (form, precision) in enumerate(pairs):
            progress("exporting", done, len(pairs))
            artifacts.append(_export_one(material, form, precision, batch))
        progress("exporting", len(pairs), len(pairs))
    return artifacts


class _Material:
    """Make each thing that several files need once, and only when it is needed."""

    def __init__(self, run: Run, count: int, seed: int, progress: Progress) -> None:
        self.run = run
        self._count, self._seed, self._progress = count, seed, progress
        self._quantized: dict[Precision, bytes] = {}

    @cached_property
    def model(self) -> Any:
        with quiet_native():
            from melanoma_edge.model.classifier import inference_model

            return inference_model(self.run.network, self.run.weights(), self.run.contract.temperature)

    @cached_property
    def source(self) -> bytes:
        self._progress("converting", 0, 1)
        made = float_tflite(self.model, self.run.contract.input_size)
        self._progress("converting", 1, 1)
        return made

    @cached_property
    def chosen(self) -> calibration.CalibrationSet:
        return calibration.calibration_images(self.run, self._count, self._seed, self._progress)

    @cached_property
    def ranges(self) -> calibration.Ranges:
        return calibration.collect_ranges(self.source, self.chosen.pixels, self._progress)

    @cached_property
    def probe(self) -> Pixels:
        """A few images of coarse coloured noise, the same for every run of a size."""
        size = self.run.contract.input_size
        coarse = np.random.default_rng(0).integers(0, 256, (_PROBES, 8, 8, 3), np.uint8)
        steps = np.arange(size) * 8 // size
        return coarse[:, steps][:, :, steps]

    @cached_property
    def expected(self) -> Probabilities:
        with quiet_native():
            return np.asarray(self.model(self.probe.astype(np.float32), training=False), np.float32)

    def tflite(self, precision: Precision) -> bytes:
        if precision not in self._quantized:
            ranges = self.ranges if precision.calibrated else None
            self._quantized[precision] = quantized(self.source, precision, ranges)
        return self._quantized[precision]

    def note(self, precision: Precision) -> CalibrationNote | None:
        if not precision.calibrated:
            return None
        chosen = self.chosen
        return CalibrationNote(len(chosen.image_ids), chosen.seed, chosen.sha256, chosen.class_counts)


def _export_one(material: _Material, form: Format, precision: Precision, batch: int | None) -> Artifact:
    run, note = material.run, material.note(precision)
    document = unsealed_document(form.name, precision, run.contract, note)
    data = seal(form.write(material.tflite(precision), document, precision, batch))
    path = place(run, form, precision)
    with written(path) as temporary:
        temporary.write_bytes(data)
        written_back = read_record(temporary)
        inventory = take(temporary.read_bytes(), form.name)
        lint.check(inventory, precision)
        difference = _prove(temporary, material, precision)
    record = _record(material, written_back, inventory, path, batch, difference)
    _forget_verdict(path)
    write_text(path.with_name(f"{path.name}.json"), to_json(to_plain(record)))
    return Artifact(path, record.sha256, record.bytes, form.name, precision, record)


def _prove(path: Path, material: _Material, precision: Precision) -> float:
    """Run the file in a process of its own and return the largest difference of a probability from Keras."""
    contract, expected = material.run.contract, material.expected
    with IsolatedRunner(path, opener=open_artifact) as runner:
        name, found = runner.name, runner.contract
        answers = runner.infer(material.probe)
    problems = _implausible(contract, found, expected, answers)
    difference = float(np.abs(answers - expected).max()) if not problems else 0.0
    if precision is Precision.FLOAT32 and difference > _FLOAT_TOLERANCE:
        problems.append(f"probabilities differ from Keras by {difference:.2g}, more than {_FLOAT_TOLERANCE:g}")
    if problems:
        raise ExportError(f"{name} runs the file, but {'; '.join(problems)}", fix="report this with the log (--debug)")
    return difference


def _implausible(
    contract: ModelContract, found: ModelContract, expected: Probabilities, answers: Probabilities
) -> list[str]:
    checks = {
        "its contract is not the run's": found == contract,
        f"answers have the shape {list(answers.shape)}": answers.shape == expected.shape,
        "answers are not finite": bool(np.isfinite(answers).all()),
        "probabilities do not sum to 1": bool(np.allclose(answers.sum(axis=-1), 1, atol=1e-3)),
    }
    return [message for message, holds in checks.items() if not holds]


def _record(
    material: _Material, found: ArtifactRecord, inventory: Inventory, path: Path, batch: int | None, difference: float
) -> ExportRecord:
    return ExportRecord(
        schema=SCHEMA,
        file=path.name,
        sha256=found.sha256,
        bytes=found.bytes,
        format=found.format,
        precision=found.precision,
        batch=batch,
        contract_sha256=found.contract.sha256,
        weights_sha256=material.run.record.weights_sha256,
        calibration=found.calibration,
        input_levels=inventory.levels,
        keras_difference=difference,
        census=inventory.census(),
        tools=_tools(),
    )


def _tools() -> dict[str, str]:
    found = {}
    for name in _TOOLS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _forget_verdict(path: Path) -> None:
    """Remove the verdict on a file that was overwritten; it spoke of other bytes."""
    path.with_name(f"{path.name}.parity.json").unlink(missing_ok=True)
