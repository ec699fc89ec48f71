"""The report of a run: its documents checked, put together and written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.data.catalog import Catalog
from melanoma_edge.errors import UsageError
from melanoma_edge.evidence.provenance import PARENT_OF, walk
from melanoma_edge.files import refuse_overwrite, sha256_of, to_json, write_text
from melanoma_edge.parity.record import UNVERIFIED, remade
from melanoma_edge.report.card import CardModel, model_card, plain
from melanoma_edge.report.documents import CARD, PAGE, RECORD, REPORT, ArtifactDocuments, Document, Documents
from melanoma_edge.report.page import CONTENTS, Link, Material, as_written, counts, render
from melanoma_edge.report.sharing import Sharing
from melanoma_edge.report.summary import matrix_of, sections, summary
from melanoma_edge.thumbnail import thumbnail
from melanoma_edge.training.run import Run

SCHEMA = "melanoma-edge/report/1"
PICTURES = 120
"""How many pictures a page shows at most; lesions that were lost come first."""
UNNAMED, PARENT = "A model without its name", "weights of the parent run"
"""What stands for the names of runs where names are hidden."""
_SIDE = 112


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
        UsageError: when something stands at ``out``, or its name does not end with .html.
        TrustError: when the run's chain of hashes is broken, or a document is not as it must be.
        MachineError: when it cannot be written.
    """
    home = run.path / REPORT
    page = out or home / PAGE
    card, record = (page.with_suffix(".md"), page.with_suffix(".json")) if out else (home / CARD, home / RECORD)
    if out:
        if out.suffix.lower() not in (".html", ".htm"):
            fix = f"give a name that ends with .html, for instance {out.with_suffix('.html').name}"
            raise UsageError("the page is HTML; its card and record get the same name", where=str(out), fix=fix)
        refuse_overwrite([page, card, record], force)
    documents, chain = walk(run)
    shown = _Pictures(run.catalog) if pictures else (lambda _: "")
    with as_written(run.path):
        material = _material(run, documents, chain, shared=not pictures)
        html, text = render(material, shown), _card(material)
    written = {page.name: write_text(page, html), card.name: write_text(card, text)}
    document = _document(material, written, pictures)
    write_text(record, to_json(document))
    return Report(page, card, record, document)


def _material(run: Run, documents: Documents, chain: Iterable[Link], shared: bool) -> Material:
    contract = run.contract
    models = [_model(one) for one in documents.artifacts]
    found = tuple(chain)
    if shared:
        hiding = Sharing()
        files = [one.name for one in documents.artifacts]
        documents = _hidden(documents, hiding)
        contract = replace(contract, name=UNNAMED)
        models = [
            replace(one, name=hiding.file(one.name), parity=one.parity and hiding.of(one.parity)) for one in models
        ]
        found = tuple(_hidden_link(link, hiding, files) for link in found)
    missing = sections(documents, "RUN" if shared else str(run.path))
    told = summary(models, contract, matrix_of(documents))
    return Material(documents, contract, models, told, missing, found, shared)


def _hidden_link(link: Link, hiding: Sharing, files: Sequence[str]) -> Link:
    """Return a link of the chain without the names of runs, which their users chose."""
    parts = (link.name, link.parent)
    name, parent = (PARENT if one.startswith(PARENT_OF) else hiding.without_files(one, files) for one in parts)
    return replace(link, name=name, parent=parent)


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


def _hidden(documents: Documents, hiding: Sharing) -> Documents:
    """Return documents without names; their hashes stay those of the files."""
    files = [one.name for one in documents.artifacts]

    def hide(one: Document | None) -> Any:
        return one and replace(one, path=hiding.without_files(one.path, files), content=hiding.of(one.content))

    def hide_parts(one: ArtifactDocuments) -> ArtifactDocuments:
        parts = ("record", "parity", "evaluation", "search", "layers", "bisection")
        return replace(one, name=hiding.file(one.name), **{key: hide(getattr(one, key)) for key in parts})

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
        return thumbnail(path, _SIDE)


def _card(material: Material) -> str:
    undone = [f"- {kind}: `{command}`" for kind, command in material.missing.items() if command]
    contract: ModelContract = material.contract
    links = [f"- {plain(link.name)}: `{link.sha256}`" for link in material.chain]
    further = {"Not done": undone or ["- nothing that the toolkit can do"], "Chain of sha256": links}
    found = material.summary
    return model_card(
        contract,
        material.models,
        {"Verdict": [f"**{found.status}**: {plain(found.sentence)}"], **further},
        found.status,
    )


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
