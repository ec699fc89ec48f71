"""One export from start to end: convert, quantize, write, read back, prove, rename into place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from exporters import lint
from exporters.inventory import CensusRow, Inventory, take
from exporters.material import LEARNED, Material, Recipe
from exporters.outputs import chosen, output_shapes, with_outputs
from exporters.place import alone, place, planned
from exporters.precision import Precision
from exporters.proof import prove
from exporters.registry import Format, checked
from exporters.search import Goal, SearchRecord, search
from exporters.stability import Stability, stability
from melanoma_edge.files import to_json, write_text, written
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.artifact import ArtifactRecord, CalibrationNote, needed, read_record, seal
from melanoma_edge.runtime.base import OUTPUT
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training.run import Run

SCHEMA = "melanoma-edge/export/1"
SEARCHED = ".search.json"
_FOUND_OUT = (".answers.csv", ".parity.json", ".evaluation.json")
_TOOLS = ("tensorflow", "tf_keras", "ai-edge-quantizer", "ai-edge-litert", "tf2onnx", "onnx", "onnxruntime")


@dataclass(frozen=True)
class CalibrationRecord(CalibrationNote):
    """Add to the note how much depends on the choice of images; None where that was not asked or cannot be told."""

    stability: Stability | None


@dataclass(frozen=True)
class ExportRecord:
    """Hold ``artifacts/<file>.json``: what was written, from what, with what, and what was found inside.

    ``rounding`` says how weights got onto the int8 grid; ``kept`` which layers of an int8 file are not int8.
    ``outputs`` are their names; ``beside`` holds the sha256 of texts that were written beside the file, by name.
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
    outputs: tuple[str, ...]
    beside: Mapping[str, str]
    contract_sha256: str
    weights_sha256: str
    rounding: str | None
    kept: Mapping[str, str]
    calibration: CalibrationRecord | None
    input_levels: int
    keras_difference: float
    census: tuple[CensusRow, ...]
    tools: Mapping[str, str]


@dataclass(frozen=True)
class Artifact:
    """Name one exported file; ``record`` also lies beside it as JSON, and ``searched`` where there was a search."""

    path: Path
    sha256: str
    bytes: int
    format: str
    precision: Precision
    record: ExportRecord
    searched: SearchRecord | None = None


def export(
    run: Run,
    format: str,
    precision: str,
    *,
    calibration_images: int = 512,
    seed: int = 0,
    rounding: str = LEARNED,
    check_calibration: bool = True,
    goal: Goal | None = None,
    batch: int | None = 1,
    sparse: bool = False,
    extras: Sequence[str] = (),
    force: bool = False,
    progress: Progress = silent,
) -> Artifact:
    """Write one artifact into ``RUN/artifacts/``; arguments and errors as ``export_many``."""
    (artifact,) = export_many(
        run,
        [(format, precision)],
        calibration_images=calibration_images,
        seed=seed,
        rounding=rounding,
        check_calibration=check_calibration,
        goal=goal,
        batch=batch,
        sparse=sparse,
        extras=extras,
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
    rounding: str = LEARNED,
    check_calibration: bool = True,
    goal: Goal | None = None,
    batch: int | None = 1,
    sparse: bool = False,
    extras: Sequence[str] = (),
    force: bool = False,
    progress: Progress = silent,
) -> list[Artifact]:
    """Write artifacts of a run; conversion, calibration and quantization are done once for all formats.

    Args:
        run: whose weights and contract go into the files.
        asked: pairs of format and precision, such as ``("tflite", "int8")``.
        calibration_images: how many training images the ranges of int8 are measured and its weights rounded on.
        seed: of the choice of calibration images.
        rounding: ``learned`` or ``nearest``, for int8 with calibration; a run made by ``quantize`` keeps its own.
        check_calibration: whether int8 is compared with what other calibration images would have given.
        goal: search for the layers of ``int8`` that must stay in float to reach it.
        batch: images per inference, None for free; TFLite files take one.
        sparse: leave the zeros of pruned weights out of the file; float32 TFLite only.
        extras: outputs beside the probabilities: ``embedding``, ``cam``. Where the contract has limits of strangeness,
            files always answer the embedding.
        force: overwrite files that exist.
        progress: told of what is done.

    Raises:
        UsageError: for unknown names, what a format cannot do, an existing file, a goal without ``int8`` or with
            another precision of its kind, or while another export writes into the run; before anything is computed.
        ExportError: when a tool fails, or the file written is not what was asked.
        DataError: when training images for calibration are missing.
        MachineError: when a package is missing, a runtime crashes, or the disk is full.
        SearchFailed: when the goal cannot be reached; nothing is written then.
    """
    asked = list(asked)
    check = partial(planned, run, asked, batch=batch, sparse=sparse, extras=extras, force=force, rounding=rounding)
    check = partial(check, searched=bool(goal))
    check()
    pairs = checked(asked, batch)
    recipe = Recipe(
        calibration_images, seed, rounding, check_calibration, sparse, chosen((*extras, *needed(run.contract)))
    )
    material = Material(run, recipe, progress)
    with alone(run.artifacts):
        # Again: another export may have ended since.
        check()
        found = None
        if goal:
            material.plan, found = search(material, goal)
        artifacts = []
        for done, (form, precision) in enumerate(pairs):
            progress("exporting", done, len(pairs))
            artifacts.append(_export_one(material, form, precision, batch, found))
        progress("exporting", len(pairs), len(pairs))
    return artifacts


def _export_one(
    material: Material, form: Format, precision: Precision, batch: int | None, found: SearchRecord | None
) -> Artifact:
    plan, extras = material.planned(precision), material.recipe.extras
    tflite = with_outputs(material.tflite(precision), extras)
    document = material.document(form.name, precision, plan, output_shapes(tflite, batch))
    data = seal(form.write(tflite, document, precision, batch))
    path = place(material.run, form, precision, material.recipe.sparse, extras)
    with written(path) as temporary:
        temporary.write_bytes(data)
        written_back = read_record(temporary)
        inventory = take(temporary.read_bytes(), form.name)
        lint.check(inventory, precision, extras, plan=plan)
        difference = prove(temporary, material, precision)
        beside = {f"{path.name}{ending}": text for ending, text in form.beside(data).items()}
        _forget(path, beside)
    record = _record(material, written_back, inventory, path, batch, difference)
    record = replace(record, beside={name: write_text(path.with_name(name), text) for name, text in beside.items()})
    write_text(path.with_name(f"{path.name}.json"), to_json(to_plain(record)))
    found = found if precision is Precision.INT8 else None
    if found:
        write_text(path.with_name(f"{path.name}{SEARCHED}"), to_json(to_plain(found)))
    return Artifact(path, record.sha256, record.bytes, form.name, precision, record, found)


def _record(
    material: Material, found: ArtifactRecord, inventory: Inventory, path: Path, batch: int | None, difference: float
) -> ExportRecord:
    return ExportRecord(
        schema=SCHEMA,
        file=path.name,
        sha256=found.sha256,
        bytes=found.bytes,
        format=found.format,
        precision=found.precision,
        batch=batch,
        outputs=(OUTPUT, *found.extras),
        beside={},
        contract_sha256=found.contract.sha256,
        weights_sha256=material.run.record.weights_sha256,
        rounding=found.rounding,
        kept=found.kept,
        calibration=_calibration(material, Precision(found.precision)),
        input_levels=inventory.levels,
        keras_difference=difference,
        census=inventory.census(),
        tools=_tools(),
    )


def _calibration(material: Material, precision: Precision) -> CalibrationRecord | None:
    note = material.note(precision)
    if note is None:
        return None
    checked = material.recipe.check_calibration
    return CalibrationRecord(**vars(note), stability=stability(material, precision) if checked else None)


def _tools() -> dict[str, str]:
    found = {}
    for name in _TOOLS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _forget(path: Path, beside: Iterable[str]) -> None:
    """Remove what lies beside a file about to be overwritten: it speaks of other bytes, also if we are stopped here."""
    for name in (*(f"{path.name}{ending}" for ending in (".json", *_FOUND_OUT, SEARCHED)), *beside):
        path.with_name(name).unlink(missing_ok=True)
