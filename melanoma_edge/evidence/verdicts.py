"""Whether a recorded verdict follows from what it was made of: contract, catalog, its own lesions, answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import TrustError, UsageError, named
from melanoma_edge.evidence.judged_on import TEST, JudgedOn
from melanoma_edge.evidence.recount import contradicted, contradicted_cells, unlike_records
from melanoma_edge.evidence.rejudge import Rejudge
from melanoma_edge.parity.answers import judged_anew
from melanoma_edge.parity.record import remade
from melanoma_edge.report.documents import Document, remake
from melanoma_edge.runtime.artifact import ArtifactRecord
from melanoma_edge.training.run import Run

Proof = Callable[[Document, ArtifactRecord], str]
"""Makes a record again of more than its own lesions and says of what; raises ``TrustError`` for what is otherwise."""
_STAMPS = ("synthetic", "leaky")
_COUNTED = "its counts alone were made again"


def check_record(
    contract: ModelContract, document: Document, found: ArtifactRecord, judged_on: JudgedOn | None
) -> None:
    """Check that a parity record is about these bytes, this contract, and what its own lesions say.

    Args:
        contract: of the file.
        document: the record.
        found: the file.
        judged_on: the lesions of the test split, where they are known.

    Raises:
        TrustError: naming what does not fit.
    """
    content, where, fix = document.content, str(found.path), judged_anew(found.path)
    if remade(content, found.sha256) is None:
        raise broken(document.path, "its exported file", where, fix)
    if content.get("threshold") != contract.threshold:
        raise broken(document.path, "the contract's threshold", where, fix)
    _check_told(contract, document, where, fix)
    with whole(document, where, fix):
        strange = judged_on is not None and [*judged_on.miscounted(content), *_unknown(content["artifacts"], judged_on)]
        if strange:
            raise broken(document.path, f"the catalog ({named(strange)})", where, fix)
        wrong = contradicted(content, contract)
    if wrong:
        raise broken(document.path, f"its own lesions ({named(wrong)})", where, fix)


def check_matrix(run: Run, document: Document, records: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that every cell of a matrix, and its verdict, is what its own lesions and limits say; raises likewise.

    Args:
        run: whose.
        document: the matrix.
        records: the parity JSON of each file that has one, by its name; cells must agree with them.
    """
    where, fix = str(run.path), remake(document.kind, run.path)
    _check_told(run.contract, document, where, fix)
    with whole(document, where, fix):
        strange = _not_of_the_catalog(run, document.content)
        if strange:
            raise broken(document.path, f"the catalog ({named(strange)})", where, fix)
        wrong = contradicted_cells(document.content, run.contract)
        if wrong:
            raise broken(document.path, f"its own lesions and limits ({named(wrong)})", where, fix)
        for cell, difference in unlike_records(document.content, records):
            what = f"{cell}: {difference.name} is {difference.said}, in the record {difference.made}"
            raise broken(document.path, f"the records of parity ({what})", where, fix)


def _not_of_the_catalog(run: Run, matrix: Mapping[str, Any]) -> list[str]:
    """Return the names of what a matrix says of its lesions and the catalog says otherwise.

    The test parts of all folds are all images of the catalog, which is the first fold's. How often the other splits of
    folds hold a lesion only their own catalogs tell: then their images are added up.
    """
    folds, split = matrix["runs"], matrix["split"]
    own = JudgedOn.of(run.catalog, run.contract, split)
    if not folds:
        return [*own.miscounted(matrix), *_unknown(matrix["cells"], own)]
    first = (folds[0]["threshold"], folds[0]["images"]) == (run.contract.threshold, own.images)
    wrong = [] if first else ["runs"]
    if matrix["images"] != sum(fold["images"] for fold in folds):
        wrong.append("images")
    if split == TEST:
        every = JudgedOn.of(run.catalog, run.contract, None)
        wrong += [*every.miscounted(matrix), *_unknown(matrix["cells"], every)]
    return list(dict.fromkeys(wrong))


def _unknown(judged: list[Mapping[str, Any]], on: JudgedOn) -> list[str]:
    return [f"flips of {Path(one['path']).name} in {one['runtime']}" for one in judged if not on.knows(one["flips"])]


def unproven(document: Document, found: ArtifactRecord) -> str:
    """Make nothing again."""
    return ""


def proven_alone(document: Document, found: ArtifactRecord) -> str:
    """Say of a file beside no run that its labels are not here, and its counts all there is."""
    return f"; no run, so {_COUNTED}"


def proven_by(again: Rejudge) -> Proof:
    """Return the proof by the answers beside the files of a run, as far as they were kept."""

    def proof(document: Document, found: ArtifactRecord) -> str:
        with whole(document, str(found.path), judged_anew(found.path)):
            images = again.images_behind(document.content, found, document.path)
            if images is not None:
                return f"; made again from the answers to {images:,} images"
            if document.content["artifacts"][0]["exported"] is None:
                return "; its outputs could not be compared"
        return f"; no answers, so {_COUNTED}"

    return proof


def broken(child: str, parent: str, where: str, fix: str) -> TrustError:
    """Return the error that names a link of the chain which does not fit."""
    return TrustError(f"the chain of hashes breaks between {parent} and {child}", where=where, fix=fix)


def _check_told(contract: ModelContract, document: Document, where: str, fix: str) -> None:
    content, told = document.content, contract.provenance
    fits = {
        "the reference's weights": content.get("reference") == told.reference_sha256,
        "the contract's target": content.get("target") == contract.target,
        "the contract's stamps": [content.get(key, False) for key in _STAMPS] == [told.synthetic, told.leaky],
    }
    for parent, holds in fits.items():
        if not holds:
            raise broken(document.path, parent, where, fix)


@contextmanager
def whole(document: Document, where: str, fix: str) -> Iterator[None]:
    """Turn what a document raises that lacks what is made again of it, or has it otherwise, into ``TrustError``."""
    try:
        yield
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, UsageError) as error:
        raise TrustError(f"{document.path} is damaged: {error!r}", where=where, fix=fix) from error
