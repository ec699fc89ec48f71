"""What a bundle is made of: exported files with their verdicts, chosen from a run or taken from another bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from melanoma_edge.bundle.checks import lacks_embedding
from melanoma_edge.bundle.documents import REMAKE
from melanoma_edge.bundle.manifest import MODELS
from melanoma_edge.bundle.parity import read_record
from melanoma_edge.bundle.verify import Bundle
from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import ParityFailed, ParityInconclusive, TrustError, UsageError, named
from melanoma_edge.parity.comparison import accepted
from melanoma_edge.parity.gate import Status, overall
from melanoma_edge.parity.record import Remade, remade, verdict_path
from melanoma_edge.runtime.artifact import FORMATS, ArtifactRecord, needed, read_artifact
from melanoma_edge.training.run import Run


@dataclass(frozen=True, eq=False)
class Source:
    """Hold one model: its record under the name that it has in a bundle, its bytes and the record of its test."""

    record: ArtifactRecord
    data: bytes
    parity: Mapping[str, Any]
    verdict: Remade


@dataclass(frozen=True, eq=False)
class Chosen:
    """Hold the models of a bundle by format, where they come from, and why others were left out.

    ``release`` is that of the bundle that they were taken from, and the first one otherwise.
    """

    sources: dict[str, Source]
    paths: dict[str, str]
    left_out: tuple[str, ...] = ()
    release: int = 1

    @property
    def contract(self) -> ModelContract:
        """The contract that all of them carry."""
        return self.sources["tflite"].record.contract

    @property
    def verdict(self) -> Status:
        """The worst of the verdicts."""
        return overall(one.verdict.verdict for one in self.sources.values())

    @property
    def limits_changed(self) -> bool:
        """Whether some were judged at limits that are not the usual ones."""
        return any(one.verdict.limits_changed for one in self.sources.values())


def from_run(
    run: Run,
    *,
    precision: str = "int8",
    formats: Sequence[str] = (),
    artifacts: Sequence[Path] = (),
    allow_inconclusive: bool = False,
) -> Chosen:
    """Choose the models of a bundle among a run's exported files.

    Args:
        run: whose.
        precision: of the files.
        formats: ``tflite`` and perhaps ``onnx``; by default ONNX comes along where it is there and fit.
        artifacts: files to take, in place of precision and formats.
        allow_inconclusive: take what was tested on too few lesions, too.

    Raises:
        UsageError: for unknown formats, without TFLite, or where several files would do.
        TrustError: for a run of a leaky split, and for a file that is missing, changed, of another model, was never
            judged, or answers no embedding where the contract's limits need it.
        ParityFailed: for one that decides worse than its reference.
        ParityInconclusive: for one tested on too few lesions, unless allowed.
    """
    if run.contract.provenance.leaky:
        fix = "train again without --split-policy legacy"
        raise TrustError(
            "no phone gets a model that was tested on what it was trained on", where=str(run.path), fix=fix
        )
    left_out: list[str] = []
    if artifacts:
        wanted = _by_format(run, artifacts)
    else:
        asked = _checked(formats)
        wanted = {form: _only(_candidates(run, form, precision), run, form, precision, left_out) for form in asked}
    _require_tflite(wanted)
    sources = {form: _source(run, path, allow_inconclusive) for form, path in wanted.items()}
    if not (artifacts or formats):
        sources |= _optional(run, precision, allow_inconclusive, left_out)
    paths = {form: str(one.record.path) for form, one in sources.items()}
    return Chosen({form: _renamed(one, form) for form, one in sources.items()}, paths, tuple(left_out))


def from_bundle(bundle: Bundle, allow_inconclusive: bool = True) -> Chosen:
    """Take the models of a verified bundle, to sign it or to give it another release.

    Raises:
        ParityInconclusive: when one was tested on too few lesions, unless allowed.
    """
    sources = {}
    for form, record in bundle.records.items():
        document = bundle.parity[form]
        found = _fit(document, record, record.path, allow_inconclusive)
        sources[form] = _renamed(Source(record, bundle.files[record.path.name], document, found), form)
    paths = {form: str(one.path) for form, one in bundle.records.items()}
    return Chosen(sources, paths, release=bundle.manifest.release)


def _checked(formats: Sequence[str]) -> tuple[str, ...]:
    unknown = sorted(set(formats) - MODELS.keys())
    if unknown:
        raise UsageError(f"no bundle has models of format {named(unknown)}", fix=f"use {' or '.join(MODELS)}")
    return tuple(form for form in MODELS if form in formats) if formats else ("tflite",)


def _require_tflite(wanted: Mapping[str, Path]) -> None:
    if "tflite" not in wanted:
        raise UsageError("a bundle needs a TFLite model: phones run it", fix="add --format tflite")


def _by_format(run: Run, artifacts: Sequence[Path]) -> dict[str, Path]:
    wanted: dict[str, Path] = {}
    for record in accepted(run, artifacts):
        if record.format not in MODELS or record.format in wanted:
            fix = f"give at most one file of each of {' and '.join(MODELS)}"
            raise UsageError(f"a bundle cannot take this {record.format} file", where=str(record.path), fix=fix)
        wanted[record.format] = record.path
    return {form: wanted[form] for form in MODELS if form in wanted}


def _only(there: Sequence[ArtifactRecord], run: Run, form: str, precision: str, left_out: list[str]) -> Path:
    """Return the one file, or the one of several that answers what the contract needs and no more."""
    if not there:
        fix = f"melanoma-edge export {run.path} --format {form} --precision {precision}"
        raise TrustError(f"no {precision} {form} file in the run", where=str(run.artifacts), fix=fix)
    taken = there if len(there) == 1 else [record for record in there if record.extras == needed(run.contract)]
    if len(taken) != 1:
        what = f"several {precision} {form} files: {named(record.path.name for record in there)}"
        raise UsageError(what, where=str(run.artifacts), fix="say which with --artifact")
    others = named(record.path.name for record in there if record not in taken)
    if others:
        left_out.append(f"{taken[0].path.name} taken; {others} left out: the contract needs other outputs than theirs")
    return taken[0].path


def _candidates(run: Run, form: str, precision: str) -> list[ArtifactRecord]:
    """Return the exported files of a format and precision; of those of another precision only the record counts."""
    suffix = next(suffix for suffix, name in FORMATS.items() if name == form)
    files = sorted(run.artifacts.glob(f"*{suffix}"))
    return [record for record in accepted(run, files) if record.precision == precision] if files else []


def _optional(run: Run, precision: str, allow_inconclusive: bool, left_out: list[str]) -> dict[str, Source]:
    """Return the ONNX file of a precision if there is one that is fit, else say why not."""
    try:
        there = _candidates(run, "onnx", precision)
        if not there:
            return {}
        return {"onnx": _source(run, _only(there, run, "onnx", precision, left_out), allow_inconclusive)}
    except (TrustError, UsageError, ParityFailed, ParityInconclusive) as error:
        left_out.append(f"onnx left out: {error.what} ({error.where})")
        return {}


def _source(run: Run, path: Path, allow_inconclusive: bool) -> Source:
    record, data = read_artifact(path)
    if lacks_embedding(record, record.contract.effective_safeguards):
        what = "the file answers no embedding of the contract's length, so strange photos would pass"
        raise TrustError(what, where=str(path), fix="export with --with-embedding")
    try:
        document = json.loads(verdict_path(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        document = None
    again = f"melanoma-edge parity {run.path} {path}"
    return Source(record, data, document, _fit(document, record, path, allow_inconclusive, again))


def _fit(document: Any, record: ArtifactRecord, path: Path, allow_inconclusive: bool, again: str = REMAKE) -> Remade:
    """Return the verdict on a file that may come into a bundle."""
    found = remade(document, record.sha256)
    if found is None:
        raise TrustError("nothing is known of what this file decides: it is unverified", where=str(path), fix=again)
    if found.verdict is Status.FAIL:
        fix = "export it again, for instance with --max-loss decision_agreement=0.99"
        raise ParityFailed("a model that FAILs never comes into a bundle", where=str(path), fix=fix)
    if found.verdict is Status.INCONCLUSIVE and not allow_inconclusive:
        fix = "test on more lesions, or add --allow-inconclusive, which the bundle and the app will say"
        raise ParityInconclusive("too few lesions to tell whether this model decides alike", where=str(path), fix=fix)
    if read_record(document, str(path)).artifacts[0].exported is None:
        raise TrustError("the record of its test has no numbers", where=str(path), fix=again)
    return found


def _renamed(source: Source, form: str) -> Source:
    """Return a source as a bundle holds it: nothing tells of folders of the machine that it comes from, nor of images.

    The lesions whose decision changed are listed by names of files, which are the user's and may name people.
    """
    record = replace(source.record, path=Path(MODELS[form]))
    (judged,) = source.parity["artifacts"]
    here = {**judged, "path": MODELS[form], "flips": []}
    document = {**source.parity, "run": record.contract.name, "artifacts": [here]}
    document["verdict"] = source.verdict.verdict.value
    return Source(record, source.data, document, source.verdict)
