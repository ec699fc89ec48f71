"""A bundle's files out of its models: golden vectors, model card, manifest, signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from melanoma_edge.bundle.card import model_card
from melanoma_edge.bundle.choice import choose
from melanoma_edge.bundle.container import Files
from melanoma_edge.bundle.golden import Judge, runners, tolerance_of
from melanoma_edge.bundle.manifest import (
    CARD,
    CONTRACT,
    GOLDEN,
    MANIFEST,
    MODELS,
    PARITY,
    SCHEMA,
    SIGNATURE,
    Manifest,
    Model,
    chain,
    listed,
)
from melanoma_edge.bundle.sources import Chosen
from melanoma_edge.files import to_json
from melanoma_edge.progress import Progress, silent
from melanoma_edge.strictjson import to_plain

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


def assemble(
    chosen: Chosen,
    tool: str,
    release: int = 1,
    key: EllipticCurvePrivateKey | None = None,
    progress: Progress = silent,
) -> dict[str, bytes]:
    """Return the files of a bundle; the same models, release and key give the same bytes.

    Args:
        chosen: its models.
        tool: name and version of what makes it.
        release: a number that rises with each bundle of this name that is handed out: apps refuse to go back.
        key: signs the manifest.
        progress: told of the golden vectors.

    Raises:
        ExportError: when no golden vectors can be found for the models.
        TrustError: when a model cannot be run.
    """
    contract, safeguards = chosen.contract, chosen.contract.effective_safeguards
    files = {CONTRACT: contract.to_json().encode()}
    for form, source in chosen.sources.items():
        files |= {MODELS[form]: source.data, PARITY[form]: to_json(source.parity).encode()}
    records = {form: source.record for form, source in chosen.sources.items()}
    with runners(records, files) as opened:
        golden, photos = choose(Judge(contract, safeguards), opened, progress, tolerance_of(records.values()))
    files |= {**photos, GOLDEN: to_json(to_plain(golden)).encode(), CARD: model_card(chosen).encode()}
    judged = chosen.sources["tflite"].parity
    manifest = Manifest(
        schema=SCHEMA,
        name=contract.name,
        release=release,
        tool=tool,
        synthetic=contract.provenance.synthetic,
        target=contract.target,
        verdict=chosen.verdict.value,
        limits_changed=chosen.limits_changed,
        lesions=judged["groups"],
        melanomas=judged["melanomas"],
        artifacts={form: _model(chosen, form) for form in chosen.sources},
        safeguards=safeguards,
        chain=chain(contract, files),
        files=listed(files),
    )
    return _signed({**files, MANIFEST: to_json(to_plain(manifest)).encode()}, key)


def _model(chosen: Chosen, form: str) -> Model:
    record = chosen.sources[form].record
    return Model(MODELS[form], record.precision, record.sha256, record.bytes)


def _signed(files: Files, key: EllipticCurvePrivateKey | None) -> dict[str, bytes]:
    if key:
        from melanoma_edge.bundle.signing import sign

        files = {**files, SIGNATURE: sign(files[MANIFEST], key)}
    return dict(sorted(files.items()))
