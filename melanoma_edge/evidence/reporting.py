"""The report of a run: its documents checked, put together and written."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.data.catalog import Catalog
from melanoma_edge.data.metadata import LESION, PATIENT
from melanoma_edge.errors import DataError
from melanoma_edge.evidence.provenance import walk
from melanoma_edge.files import refuse_overwrite, sha256_of, to_json, write_text
from melanoma_edge.parity.record import UNVERIFIED, remade
from melanoma_edge.pixels import decode
from melanoma_edge.report.card import CardModel, model_card
from melanoma_edge.report.documents import RECORD, REPORT, ArtifactDocuments, Document, Documents
from melanoma_edge.report.page import CONTENTS, Link, Material, counts, render
from melanoma_edge.report.sharing import Names
from melanoma_edge.report.summary import sections, summary
from melanoma_edge.training.run import Run

SCHEMA = "melanoma-edge/report/1"
PAGE, CARD = "index.html", "MODEL_CARD.md"
PICTURES = 120
"""How many pictures a page shows at most; lesions that were lost come first."""
_SIDE, _QUALITY = 112, 75


@dataclass(frozen=True)
class Report:
    """Hold what was written, and the document that says so."""

    page: Path
    card: Path
    record: Path
    document: dict[str, Any]


def write_report(run: Run, out: Path | None = None, *, pictures: bool = True, force: bool = False) -> Report:
    """Write one page and one model card from the JSON files of a run.

    Args:
        run: whose.
        out: the page; ``report/index.html`` in the run when left out. Card and record get its name with ``.md`` and
            ``.json``.
        pictures: whether lesions are shown, as far as their files are there and unchanged. Without, names are hidden.
        force: replace what stands at ``out``; the report inside the run is always replaced.

    Raises:
        UsageError: when something stands at ``out``.
        TrustError: when the run's chain of hashes is broken, or a document is not as it must be.
        MachineError: when it cannot be written.
    """
    home = run.path / REPORT
    page = out or home / PAGE
    card, record = (page.with_suffix(".md"), page.with_suffix(".json")) if out else (home / CARD, home / RECORD)
    if out:
        refuse_overwrite([page, card, record], force)
    documents, chain = walk(run)
    material = _material(run, documents, chain, shared=not pictures)
    shown = _Pictures(run.catalog) if pictures else (lambda _: "")
    html, text = render(material, shown), _card(material)
    written = {page.name: write_text(page, html), card.name: write_text(card, text)}
    document = _document(material, written, pictures)
    write_text(record, to_json(document))
    return Report(page, card, record, document)


def _material(run: Run, documents: Documents, chain: Iterable[Link], shared: bool) -> Material:
    contract = run.contract
    models = [_model(one) for one in documents.artifacts]
    missing = sections(documents)
    if shared:
        names = Names(_names(run))
        documents = _hidden(documents, names)
        contract = replace(contract, name=names.without(contract.name))
        models = [replace(one, parity=names.without(one.parity)) for one in models]
        missing = {kind: command.replace(str(run.path), "RUN") for kind, command in missing.items()}
    return Material(documents, contract, models, summary(models, contract), missing, tuple(chain), shared)


def _model(one: ArtifactDocuments) -> CardModel:
    record = one.record.content
    found = remade(one.parity.content, record["sha256"]) if one.parity else None
    return CardModel(
        name=one.name,
        precision=record["precision"],
        bytes=record["bytes"],
        sha256=record["sha256"],
        verdict=found.verdict.value if found else UNVERIFIED,
        limits_changed=bool(found and found.limits_changed),
        parity=one.parity.content if one.parity and found else None,
    )


def _names(run: Run) -> set[str]:
    """Return every name of an image, a lesion or a patient that a run's catalog knows, and every path."""
    rows = run.catalog.rows
    extra = {row.extra[key] for row in rows for key in (LESION, PATIENT) if key in row.extra}
    whole = {name for row in rows for name in (row.image_id, row.group, row.path, Path(row.path).name)}
    folders = {str(Path(row.path).parent) for row in rows} | {str(run.path), *run.record.configuration.data}
    return whole | extra | {name for name in folders if "/" in name}


def _hidden(documents: Documents, names: Names) -> Documents:
    """Return documents without names; their hashes stay those of the files."""

    def hide(one: Document | None) -> Any:
        return one and replace(one, content=names.without(one.content))

    def hide_parts(one: ArtifactDocuments) -> ArtifactDocuments:
        parts = ("record", "parity", "evaluation", "search", "layers", "bisection")
        return replace(one, **{key: hide(getattr(one, key)) for key in parts})

    return replace(
        documents,
        run=hide(documents.run),
        contract=hide(documents.contract),
        catalog=hide(documents.catalog),
        artifacts=tuple(map(hide_parts, documents.artifacts)),
        evaluations={key: hide(one) for key, one in documents.evaluations.items()},
        matrices={key: hide(one) for key, one in documents.matrices.items()},
        single={key: hide(one) for key, one in documents.single.items()},
    )


class _Pictures:
    """Give small pictures of catalogued images, as data addresses, until ``PICTURES`` were given."""

    def __init__(self, catalog: Catalog) -> None:
        self._rows = {row.image_id: row for row in catalog.rows}
        self._given: dict[str, str] = {}

    def __call__(self, image_id: str) -> str:
        """Return an image's address; nothing where the file is missing, was changed, or enough were given."""
        if image_id not in self._given and len(self._given) < PICTURES:
            self._given[image_id] = self._made(image_id)
        return self._given.get(image_id, "")

    def _made(self, image_id: str) -> str:
        row = self._rows.get(image_id)
        path = Path(row.path) if row else None
        if row is None or path is None or not path.is_file() or sha256_of(path) != row.sha256:
            return ""
        try:
            image = decode(path)
        except DataError:
            return ""
        image.thumbnail((_SIDE, _SIDE))
        stream = BytesIO()
        image.save(stream, "JPEG", quality=_QUALITY)
        return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _card(material: Material) -> str:
    undone = [f"- {kind}: `{command}`" for kind, command in material.missing.items() if command]
    contract: ModelContract = material.contract
    links = [f"- {link.name}: `{link.sha256}`" for link in material.chain]
    further = {"Not done": undone or ["- nothing that the toolkit can do"], "Chain of sha256": links}
    return model_card(contract, material.models, {"Verdict": [material.summary.sentence], **further})


def _document(material: Material, written: dict[str, str], pictures: bool) -> dict[str, Any]:
    contract = material.contract
    return {
        "schema": SCHEMA,
        "name": contract.name,
        "weights_sha256": contract.provenance.weights_sha256,
        "synthetic": contract.provenance.synthetic,
        "leaky": contract.provenance.leaky,
        "pictures": pictures,
        "verdict": material.summary.status,
        "sentence": material.summary.sentence,
        "counts": {**material.summary.counts, **counts(material)},
        "sections": list(CONTENTS),
        "not_done": {kind: command for kind, command in material.missing.items() if command},
        "made_of": {one.path: one.sha256 for one in material.documents},
        "pages": written,
    }
