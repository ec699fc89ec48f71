"""The chain of hashes: images, split, weights, exported files, and what was found out about them.

Every file names what it was made from. The walk follows the names from the root and stops at the first that does not
fit, so that a report never puts together what does not belong together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.data.catalog import Catalog
from melanoma_edge.errors import TrustError, named
from melanoma_edge.evidence.judged_on import TEST, JudgedOn
from melanoma_edge.evidence.rejudge import Rejudge
from melanoma_edge.evidence.verdicts import (
    Proof,
    broken,
    check_matrix,
    check_record,
    proven_alone,
    proven_by,
    unproven,
    whole,
)
from melanoma_edge.files import sha256_of
from melanoma_edge.parity.answers import answers_path, judged_anew
from melanoma_edge.parity.comparison import accepted
from melanoma_edge.progress import Progress, silent
from melanoma_edge.report.card import plain
from melanoma_edge.report.documents import (
    CARD,
    PAGES,
    RECORD,
    REPORT,
    ArtifactDocuments,
    Document,
    Documents,
    read_artifact_documents,
    read_documents,
    remake,
)
from melanoma_edge.report.page import Link
from melanoma_edge.runtime.artifact import FORMATS, ArtifactRecord
from melanoma_edge.training.run import Run

PARENT_OF = "weights of "
"""What the name of a link to a parent run begins with."""
_OF_FILES_ALONE = "benchmark"
"""The kind of document that names files, of this run and others, and no weights."""
_MATRIX = "parity-matrix"
_FILE_KEYS = ("path", "file", "artifact")
"""Keys under which a document names an exported file whose sha256 stands beside it."""


def walk(
    run: Run, *, images: bool = False, answers: bool = False, report: bool = False, progress: Progress = silent
) -> tuple[Documents, tuple[Link, ...]]:
    """Walk the chain of a run, which was checked against ``run.json`` when it was opened.

    No hash holds ``config.json``, ``train.log`` and the answers beside files. That these are what the models gave, only
    ``parity`` can show, which asks the models again. ``run.json`` and what was found out later the report alone holds.

    Args:
        run: whose.
        images: also hash the images where they are, and the plots; a changed one breaks the chain, a missing one does
            not.
        answers: also make the records of parity again of the answers beside the files, as far as these were kept.
        report: also check the report of the run, if there is one.
        progress: told of images and files done.

    Returns:
        The JSON files that were checked, and the links from the images on.

    Raises:
        TrustError: at the first link that does not fit, which it names.
    """
    documents = read_documents(run.path)
    links = [*_data(run.catalog, images, progress), *_weights(run)]
    if images:
        _check_plots(run)
    records = _exported(run)
    _check_orphans(documents, records)
    proof = proven_by(Rejudge(run.contract, run.catalog, progress)) if answers else unproven
    judged_on = JudgedOn.of(run.catalog, run.contract, TEST)
    for one in documents.artifacts:
        links += _artifact(run.contract, one, records[one.name], judged_on, proof)
    parity = {one.name: one.parity.content for one in documents.artifacts if one.parity}
    for document in documents.found_out:
        links.append(_found_out(run, document, records, parity))
    if report:
        links += _report(run.path / REPORT, documents)
    return documents, tuple(links)


def walk_file(record: ArtifactRecord) -> tuple[Link, ...]:
    """Walk the chain of an exported file that lies beside no run, as far as it is here: its seal was checked.

    Raises:
        TrustError: when its record or the record of its test, if there is one beside it, is not about these bytes.
    """
    weights = Link("weights (named by the contract; no run is here)", "", record.contract.provenance.weights_sha256)
    links = [weights, Link("contract", weights.name, record.contract.sha256)]
    beside = record.path.with_name(f"{record.path.name}.json")
    if beside.is_file():
        return (*links, *_artifact(record.contract, read_artifact_documents(beside), record, None, proven_alone))
    return (*links, Link(record.path.name, "contract", record.sha256))


def data_sha256(catalog: Catalog) -> str:
    """Return the hash of the images alone: ids, labels, groups, sources and bytes, whatever split they are in."""
    digest = hashlib.sha256(json.dumps(catalog.classes).encode())
    for row in catalog.rows:
        digest.update(json.dumps((row.image_id, row.label, row.group, row.source, row.sha256)).encode())
    return digest.hexdigest()


def _data(catalog: Catalog, images: bool, progress: Progress) -> Iterator[Link]:
    name = "images"
    if images:
        found = _present(catalog, progress)
        name = f"images ({found} of {len(catalog.rows)} files here, and unchanged)"
    yield Link(name, "", data_sha256(catalog))
    yield Link("catalog with its split", "images", catalog.sha256)


def _present(catalog: Catalog, progress: Progress) -> int:
    """Return how many of the images are where the catalog says; raise for one that was changed."""
    found = 0
    for place, row in enumerate(catalog.rows, 1):
        path = Path(row.path)
        if path.is_file():
            if sha256_of(path) != row.sha256:
                raise broken(f"image {row.image_id}", "the catalog", row.path, "restore the image, or train again")
            found += 1
        progress("hashing images", place, len(catalog.rows))
    return found


def _weights(run: Run) -> Iterator[Link]:
    run.weights()
    contract, parent = run.contract.provenance, run.record.parent
    made_from = "catalog with its split"
    if parent:
        home = (run.path / parent.path).resolve()
        made_from = f"{PARENT_OF}{home.name}"
        if run.record.method == "quantize" or home.is_dir():
            mother = Run.open(home)
            if mother.record.weights_sha256 != parent.weights_sha256:
                raise broken(f"run {run.path.name}", "its parent run", str(home), "restore the parent run")
            yield Link(made_from, "", parent.weights_sha256)
        else:
            made_from += " (not here)"
    if run.reference().record.weights_sha256 != contract.reference_sha256:
        raise broken("contract", "the reference", str(run.path), "restore the run from a backup or make it again")
    yield Link("weights", made_from, contract.weights_sha256)
    yield Link("contract", "weights", run.contract.sha256)


def _check_plots(run: Run) -> None:
    for name, sha256 in run.record.plots.items():
        path = run.path / "plots" / name
        if path.is_file() and sha256_of(path) != sha256:
            raise broken(f"plots/{name}", "run.json", str(path), "restore the run from a backup")


def _exported(run: Run) -> dict[str, ArtifactRecord]:
    paths = sorted(path for path in run.artifacts.glob("*") if path.suffix in FORMATS)
    return {record.path.name: record for record in accepted(run, paths)} if paths else {}


def _check_orphans(documents: Documents, records: Mapping[str, ArtifactRecord]) -> None:
    described = {one.name for one in documents.artifacts}
    lonely = sorted(described ^ set(records))
    if lonely:
        what = f"exported files without their records, or records without their files: {named(lonely)}"
        raise TrustError(what, where=str(documents.folder / "artifacts"), fix="export the run again")


def _artifact(
    contract: ModelContract,
    one: ArtifactDocuments,
    found: ArtifactRecord,
    judged_on: JudgedOn | None,
    proof: Proof,
) -> Iterator[Link]:
    content = one.record.content
    wanted = {
        "sha256": found.sha256,
        "contract_sha256": contract.sha256,
        "weights_sha256": contract.provenance.weights_sha256,
        **{key: getattr(found, key) for key in ("format", "precision", "bytes", "rounding", "kept")},
    }
    for key, value in wanted.items():
        if content.get(key, {} if key == "kept" else None) != value:
            raise broken(one.record.path, key, str(found.path), "export the run again")
    with whole(one.record, str(found.path), "export the run again"):
        for name, sha256 in content.get("beside", {}).items():
            path = found.path.with_name(name)
            if not path.is_file() or sha256_of(path) != sha256:
                raise broken(name, one.record.path, str(path), "export the run again")
    yield Link(one.name, "contract", found.sha256)
    if one.parity:
        check_record(contract, one.parity, found, judged_on)
        yield Link(one.parity.path, f"{one.name}, reference{proof(one.parity, found)}", one.parity.sha256)
    elif answers_path(found.path).is_file():
        fix = judged_anew(found.path)
        raise broken(answers_path(found.path).name, "the record of parity, which is missing,", str(found.path), fix)


def _found_out(
    run: Run, document: Document, records: Mapping[str, ArtifactRecord], parity: Mapping[str, Mapping[str, Any]]
) -> Link:
    """Check that a document is about this run's weights, images and files as they are."""
    content, parents = document.content, []
    own = run.contract.provenance
    wanted = {"weights_sha256": own.weights_sha256, "catalog_sha256": own.catalog_sha256}
    for key, value in wanted.items():
        if key in content or document.kind != _OF_FILES_ALONE:
            if content.get(key) != value:
                raise broken(document.path, key, str(run.path), remake(document.kind, run.path))
            parents.append(key.removesuffix("_sha256"))
    for name, sha256 in sorted(set(_files_named(content))):
        known = name in records or (document.kind != _OF_FILES_ALONE and PurePath(name).suffix in FORMATS)
        if known:
            if name not in records or records[name].sha256 != sha256:
                raise broken(document.path, name, str(run.path), remake(document.kind, run.path))
            parents.append(name)
    if document.kind == _MATRIX:
        check_matrix(run, document, parity)
    if not parents:
        what = f"{document.path} names nothing of this run that it was made from"
        raise TrustError(what, where=str(run.path / document.path), fix=remake(document.kind, run.path))
    return Link(document.path, ", ".join(parents), document.sha256)


def _files_named(value: Any) -> Iterator[tuple[str, str]]:
    """Yield name and sha256 of every exported file that a document names, wherever it stands."""
    if isinstance(value, Mapping):
        names = [value[key] for key in _FILE_KEYS if isinstance(value.get(key), str)]
        if names and isinstance(value.get("sha256"), str):
            yield Path(names[0]).name, value["sha256"]
        for item in value.values():
            yield from _files_named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _files_named(item)


def _report(folder: Path, documents: Documents) -> Iterator[Link]:
    """Check that the report was made from these very documents, and that its pages are those it made."""
    path, fix = folder / RECORD, remake("report", documents.folder)
    if not path.is_file():
        for name in PAGES:
            if (folder / name).is_file():
                raise broken(name, f"{RECORD}, which is missing,", str(folder / name), fix)
        return
    try:
        content = json.loads(path.read_text("utf-8"))
        made_of, pages = dict(content["made_of"]), dict(content["pages"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TrustError(f"report.json is damaged: {error!r}", where=str(path), fix=fix) from error
    now = {one.path: one.sha256 for one in documents}
    for name in sorted(made_of.keys() | now.keys()):
        if made_of.get(name) != now.get(name):
            raise broken("the report", name, str(path), fix)
    for name in sorted({*pages, *PAGES}):
        page = path.with_name(str(name))
        if not page.is_file() or sha256_of(page) != pages.get(name):
            raise broken(str(name), "the report", str(page), fix)
    said = f"**{content.get('verdict')}**: {plain(str(content.get('sentence')))}"
    if said not in (folder / CARD).read_text("utf-8"):
        raise broken(CARD, "the report's verdict", str(path), fix)
    yield Link(f"{REPORT}/{RECORD}", "all documents above", sha256_of(path))
