"""The whole chain in one go, from synthetic images to a verdict; what ``quickstart`` runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporters import Artifact, export_many
from melanoma_edge.compression.prune import prune, prune_config
from melanoma_edge.data.synthetic import MARKER, SyntheticSpec, write_synthetic
from melanoma_edge.data.synthetic import SCHEMA as DATA_SCHEMA
from melanoma_edge.errors import DataError, Interrupted, UsageError, machine_errors, named
from melanoma_edge.parity.comparison import compare
from melanoma_edge.parity.record import save_verdicts
from melanoma_edge.parity.verdict import Verdict
from melanoma_edge.predicted import Prediction, Unreadable
from melanoma_edge.prediction import predict
from melanoma_edge.progress import Progress, silent
from melanoma_edge.training.config import configured
from melanoma_edge.training.folder import refuse_to_clear, schema_of
from melanoma_edge.training.run import Run
from melanoma_edge.training.trainer import train

SCHEMA = "melanoma-edge/quickstart/1"
STEPS = ("synthetic images", "train", "prune", "export int8 TFLite and ONNX", "parity on the test split", "predict")
_SPARSITY = 0.5
_DATA = {"images", "metadata.csv", MARKER}
_RUNS = ("run", "pruned")
_LEFT = re.compile(r"\.(data|run|pruned)\.(lock|replaced|\d+\.part)")
"""What a killed quickstart leaves beside its folders."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Hold what the chain left."""

    run: Run
    pruned: Run
    artifacts: list[Artifact]
    verdict: Verdict
    photo: Path
    answer: Prediction

    def to_document(self) -> dict[str, Any]:
        """Return the JSON of ``quickstart --json``."""
        return {
            "schema": SCHEMA,
            "run": str(self.run.path),
            "pruned": str(self.pruned.path),
            "artifacts": [str(item.path) for item in self.artifacts],
            "parity": self.verdict.to_document(),
            "prediction": self.answer.to_document(),
        }


def quickstart(
    out: Path,
    *,
    seed: int = 0,
    force: bool = False,
    lesions: int = SyntheticSpec().lesions,
    epochs: int | None = None,
    say: Callable[[str], None] = lambda text: None,
    progress: Progress = silent,
) -> Chain:
    """Make synthetic images, train, prune, export, judge and predict.

    Args:
        out: an empty or new directory.
        seed: of everything.
        force: clear what an earlier quickstart left in ``out``.
        lesions: size of the synthetic set.
        epochs: of training; the preset's when left out.
        say: told in a sentence what happens next.
        progress: told of every step.

    Raises:
        UsageError: when ``out`` has content and ``force`` is not given, or holds what a quickstart does not write.
        Interrupted: on Ctrl-C.
        MelanomaEdgeError: as the steps do.
    """
    check_place(out, force)
    _clear(out)
    try:
        return _steps(out, seed, lesions, epochs, say, progress)
    except (KeyboardInterrupt, Interrupted) as error:
        raise Interrupted("quickstart stopped", where=str(out), fix="start it anew with --force") from error


def _steps(
    out: Path, seed: int, lesions: int, epochs: int | None, say: Callable[[str], None], progress: Progress
) -> Chain:
    say(f"1/6 Drawing {lesions:,} synthetic lesions: nothing measured on them says anything about people.")
    write_synthetic(out / "data", SyntheticSpec(lesions=lesions, seed=seed), progress)
    say("2/6 Training a small MobileNet from scratch.")
    config = configured("tiny", data=(str(out / "data"),), seed=seed, epochs=epochs)
    run = train(config, out / "run", progress=progress)
    say("3/6 Pruning half of its 1x1 weights, which saves download bytes and no time.")
    pruned = prune(run, out / "pruned", prune_config(run, _SPARSITY), progress=progress)
    say("4/6 Exporting to int8.")
    artifacts = export_many(pruned, [("tflite", "int8"), ("onnx", "int8")], seed=seed, progress=progress)
    say("5/6 Judging the exported files against the float model on the test split.")
    verdict = compare(pruned, [item.path for item in artifacts], seed=seed, progress=progress)
    save_verdicts(verdict)
    say("6/6 Predicting one image.")
    photo = Path(pruned.catalog.part("test")[0].path)
    (answer,) = predict(artifacts[0].path, [photo])
    if isinstance(answer, Unreadable):
        raise DataError("a synthetic image cannot be read back", where=str(photo), fix="run again with --force")
    return Chain(run, pruned, artifacts, verdict, photo, answer)


def check_place(out: Path, force: bool) -> None:
    """Raise ``UsageError`` unless a quickstart may be written here: nothing there, or one and ``force``."""
    if out.exists() and not out.is_dir():
        raise UsageError("the output path is a file", where=str(out), fix="choose another --out")
    content = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    if content and not force:
        raise UsageError("refusing to overwrite", where=str(out), fix="choose another --out or add --force")
    strange = [name for name in content if name not in ("data", *_RUNS) and not _LEFT.fullmatch(name)]
    if strange:
        what = f"refusing to clear a folder with other files: {named(strange)}"
        raise UsageError(what, where=str(out), fix="choose another --out")
    if "data" in content:
        _check_data(out / "data")
    for name in _RUNS:
        if name in content and any((out / name).iterdir()):
            refuse_to_clear(out / name)


def _check_data(folder: Path) -> None:
    strange = sorted(path.name for path in folder.iterdir() if path.name not in _DATA)
    if strange or schema_of(folder / MARKER) != DATA_SCHEMA:
        what = f"refusing to clear data that are not the synthetic set: {named(strange) or 'no ' + MARKER}"
        raise UsageError(what, where=str(folder), fix="choose another --out")


def _clear(out: Path) -> None:
    with machine_errors(f"clearing {out}"):
        for path in list(out.iterdir()) if out.is_dir() else ():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
