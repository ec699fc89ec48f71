"""The single checks of ``verify``: each reads one part of a bundle and holds it against the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from melanoma_edge.bundle.container import Files
from melanoma_edge.bundle.documents import REMAKE, parse, read
from melanoma_edge.bundle.golden import RUNNERS, Golden, Vector
from melanoma_edge.bundle.golden import SCHEMA as GOLDEN_SCHEMA
from melanoma_edge.bundle.manifest import (
    CARD,
    CONTRACT,
    GOLDEN,
    LAST_RELEASE,
    MANIFEST,
    MODELS,
    PARITY,
    Manifest,
    chain,
    listed,
)
from melanoma_edge.bundle.parity import read_record
from melanoma_edge.contract import ModelContract
from melanoma_edge.decision import State
from melanoma_edge.errors import TrustError, named
from melanoma_edge.parity.gate import Status, overall
from melanoma_edge.parity.record import Remade, remade
from melanoma_edge.runtime.artifact import ArtifactRecord, check_artifact
from melanoma_edge.runtime.base import EMBEDDING
from melanoma_edge.safeguards import Safeguards, problem

_ENDINGS = {"jpeg": "jpg", "png": "png"}
"""File formats of golden photos and how their names end."""
_MOST_TOLERANCE = 0.01
_ID = re.compile("[0-9]{2}")

Records = Mapping[str, ArtifactRecord]
"""What the models are, by format."""


def check_listing(manifest: Manifest, files: Files, where: str) -> None:
    """Check that the files are those of the manifest, to the byte, and that nothing else is there."""
    claimed, found = manifest.files, listed(files)
    refuse(claimed.keys() - found.keys(), "files missing", where)
    refuse(found.keys() - claimed.keys(), "files that the manifest does not list", where)
    refuse([name for name in claimed if claimed[name] != found[name]], "files changed since they were listed", where)
    refuse(set() if list(claimed) == sorted(claimed) else {MANIFEST}, "files are not listed in order", where)
    needed = {CONTRACT, CARD, GOLDEN, MODELS["tflite"]}
    models = [form for form, name in MODELS.items() if name in files]
    needed |= {PARITY[form] for form in models}
    refuse(needed - files.keys(), "files missing", where)
    known = needed | {MODELS[form] for form in models}
    refuse({name for name in claimed.keys() - known if not name.startswith("golden/")}, "files of no bundle", where)
    expect(f"{where}/{MANIFEST}", {"artifacts": models}, {"artifacts": list(manifest.artifacts)})


def check_contract(manifest: Manifest, files: Files, where: str) -> ModelContract:
    """Read the contract, and check what the manifest says of it."""
    contract = ModelContract.from_document(parse(files[CONTRACT], f"{where}/{CONTRACT}"), f"{where}/{CONTRACT}")
    of_it = {"name": contract.name, "target": contract.target, "synthetic": contract.provenance.synthetic}
    if contract.safeguards:
        of_it["safeguards"] = contract.safeguards
    expect(f"{where}/{MANIFEST}", of_it, vars(manifest))
    wrong = problem(manifest.safeguards, contract.threshold)
    if not 1 <= manifest.release <= LAST_RELEASE:
        wrong = f"release {manifest.release} is out of range"
    if wrong:
        raise TrustError(wrong, where=f"{where}/{MANIFEST}", fix=REMAKE)
    return contract


def check_models(manifest: Manifest, contract: ModelContract, files: Files, where: str) -> dict[str, ArtifactRecord]:
    """Check that each model is sealed, is the one the manifest names, and carries the contract."""
    records = {}
    for form, entry in manifest.artifacts.items():
        name = MODELS[form]
        record = check_artifact(files[name], Path(where) / name)
        of_it = {"path": name, "precision": record.precision, "sha256": record.sha256, "bytes": record.bytes}
        expect(f"{where}/{MANIFEST}", of_it, vars(entry))
        expect(f"{where}/{name}", {"format": form, "contract": contract}, vars(record))
        refuse([name] if lacks_embedding(record, manifest.safeguards) else [], _BLIND, where)
        records[form] = record
    return records


def lacks_embedding(record: ArtifactRecord, safeguards: Safeguards) -> bool:
    """Tell whether strange photos would pass, since the model answers no embedding of the length that limits are of."""
    if safeguards.outlier is None:
        return False
    wanted = (len(safeguards.outlier.centre),)
    return all(note.name != EMBEDDING or note.shape[1:] != wanted for note in record.outputs)


_BLIND = "models without the embedding that the outlier limits are of"


def check_parity(manifest: Manifest, contract: ModelContract, records: Records, files: Files, where: str) -> Any:
    """Check that each model was judged, against the right reference, and as the manifest says; return the records."""
    links = chain(contract, files)
    same = list(manifest.chain.items()) == list(links.items())
    refuse(
        [] if same else [name for name in links if manifest.chain.get(name) != links[name]] or ["order"], _CHAIN, where
    )
    documents, found = {}, []
    for form, record in records.items():
        documents[form] = parse(files[PARITY[form]], f"{where}/{PARITY[form]}")
        found.append(_judged(documents[form], record, manifest, contract, f"{where}/{PARITY[form]}"))
    verdict = overall(one.verdict for one in found)
    changed = any(one.limits_changed for one in found)
    expect(f"{where}/{MANIFEST}", {"verdict": verdict.value, "limits_changed": changed}, vars(manifest))
    refuse([verdict.value] if verdict is Status.FAIL else [], "the model decides worse than its reference", where)
    return documents


_CHAIN = "the chain of hashes is broken"


def _judged(document: Any, record: ArtifactRecord, manifest: Manifest, contract: ModelContract, where: str) -> Remade:
    """Make the verdict again, and check that its record is about this model, this reference and this test."""
    judged = read_record(document, where)
    found = remade(document, record.sha256)
    if found is None:
        raise TrustError("not a sound record of a test of this very model", where=where, fix=REMAKE)
    verdict = {"verdict": found.verdict.value}
    about = {"run": contract.name, "reference": contract.provenance.reference_sha256, "threshold": contract.threshold}
    about |= {"target": contract.target, "synthetic": contract.provenance.synthetic}
    expect(where, {**about, "groups": manifest.lesions, "melanomas": manifest.melanomas, **verdict}, vars(judged))
    model = {"path": record.path.name, "format": record.format, "precision": record.precision, "bytes": record.bytes}
    expect(where, {**model, **verdict}, vars(judged.artifacts[0]))
    return found


def check_golden(manifest: Manifest, contract: ModelContract, files: Files, where: str) -> Golden:
    """Check that the golden vectors are whole and fit the contract; they are not run here."""
    place = f"{where}/{GOLDEN}"
    golden = read(Golden, files[GOLDEN], GOLDEN_SCHEMA, place)
    expect(place, {"input_size": contract.input_size}, vars(golden))
    if not 0 < golden.tolerance <= _MOST_TOLERANCE:
        raise TrustError(f"a tolerance of {golden.tolerance} proves nothing", where=place, fix=REMAKE)
    ids = [vector.id for vector in golden.vectors]
    refuse(["none"] if not ids else [one for one in ids if ids.count(one) > 1], "vectors missing or double", place)
    runtimes = [kind.name for form in manifest.artifacts for kind in RUNNERS[form]]
    for vector in golden.vectors:
        _check_vector(vector, runtimes, contract, files, place)
    named_there = {name for vector in golden.vectors for name in (vector.photo, vector.pixels)} | {GOLDEN}
    refuse({name for name in files if name.startswith("golden/")} - named_there, "files of no vector", where)
    return golden


def _check_vector(vector: Vector, runtimes: list[str], contract: ModelContract, files: Files, place: str) -> None:
    refuse([] if _ID.fullmatch(vector.id) else [vector.id], "not a vector's number", place)
    names = {"photo": f"golden/{vector.id}.{_ENDINGS.get(vector.format)}", "pixels": f"golden/{vector.id}.rgb"}
    expect(place, names, vars(vector))
    refuse({vector.photo, vector.pixels} - files.keys(), "files missing", place)
    sizes = {name: len(answer) for name, answer in vector.answers.items()}
    expect(place, {"answers": dict.fromkeys(runtimes, len(contract.classes))}, {"answers": sizes})
    expect(place, {"bytes": 3 * contract.input_size**2}, {"bytes": len(files[vector.pixels])})
    known = vector.orientation in range(1, 9) and vector.decision in (State.REFER, State.NO_SIGN)
    known = known and vector.state in list(State)
    refuse([] if known else [vector.id], "vectors with an unknown orientation, decision or state", place)


def expect(where: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Raise ``TrustError`` for the first key whose value is another than the rest of the bundle demands."""
    for key, value in wanted.items():
        if found[key] != value:
            said = str(found[key])[:100]
            raise TrustError(f"{key} is {said}, which does not fit the rest of the bundle", where=where, fix=REMAKE)


def refuse(names: Any, what: str, where: str) -> None:
    """Raise ``TrustError`` where there are any names of things that are wrong."""
    if names:
        raise TrustError(f"{what}: {named(sorted(names))}", where=where, fix=REMAKE)
