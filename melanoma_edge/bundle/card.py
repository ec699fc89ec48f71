"""The model card of a bundle: what people must know before they use it, every number out of the bundle's own JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from melanoma_edge.bundle.manifest import MODELS
from melanoma_edge.bundle.sources import Chosen, Source
from melanoma_edge.contract import ModelContract

NOT_FOR = (
    "No diagnosis: a clinician decides, and no answer says that a lesion is harmless.",
    "No screening of people without symptoms, and no use by people on themselves.",
    "No photos of another type than those named above, and none of nails, mucosa or wounds.",
    "No other classes: what is none of the classes is answered as if it were one.",
)


def model_card(chosen: Chosen) -> str:
    """Return the card as Markdown."""
    contract, first = chosen.contract, chosen.sources["tflite"]
    parts = (
        _head(contract),
        _identity(chosen),
        _use(contract),
        _evidence(contract, first.parity),
        *(_parity(form, source) for form, source in chosen.sources.items()),
        _calibration(contract),
        _limits(contract, chosen),
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _head(contract: ModelContract) -> Iterator[str]:
    yield f"# {contract.name}"
    yield ""
    if contract.provenance.synthetic:
        yield "**Trained on synthetic images. For tests and demonstrations only, never for use on people.**"
        yield ""


def _identity(chosen: Chosen) -> Iterator[str]:
    contract = chosen.contract
    provenance = contract.provenance
    rows = {
        "classes": ", ".join(contract.classes),
        "target": f"{contract.target}: {', '.join(contract.target_classes)}",
        "image types": ", ".join(contract.image_types),
        "input": f"{contract.input_size} x {contract.input_size} pixels",
        "made by": f"{provenance.tool}, {provenance.method}",
        "trained on": f"{', '.join(provenance.sources)} ({', '.join(provenance.licences)})",
        "images, sha256": provenance.catalog_sha256,
        "weights, sha256": provenance.weights_sha256,
        "reference, sha256": provenance.reference_sha256,
    }
    for form, source in chosen.sources.items():
        record = source.record
        rows[f"`{MODELS[form]}`"] = f"{record.precision}, {record.bytes:,} bytes"
        rows[f"`{MODELS[form]}`, sha256"] = record.sha256
    yield "## Identity"
    yield ""
    yield "| what | value |"
    yield "|---|---|"
    yield from (f"| {name} | {value} |" for name, value in rows.items())
    yield ""


def _use(contract: ModelContract) -> Iterator[str]:
    yield "## Intended use"
    yield ""
    yield contract.intended_use
    yield ""
    yield "What it is not for:"
    yield ""
    yield from (f"- {text}" for text in NOT_FOR)
    yield ""


def _evidence(contract: ModelContract, parity: Mapping[str, Any]) -> Iterator[str]:
    (judged,) = parity["artifacts"]
    numbers, point = judged["exported"], contract.operating_point
    yield "## Evidence"
    yield ""
    yield (
        f"On {parity['groups']} lesions never seen in training, {parity['melanomas']} of them {parity['target']}, "
        f"grouped by lesion: {parity['target']} sensitivity {_interval(numbers['sensitivity'])}, specificity "
        f"{_interval(numbers['specificity'])}, AUC {_interval(numbers['melanoma_auc'])}, balanced accuracy over all "
        f"classes {_interval(numbers['balanced_accuracy'])}; 95 % intervals in brackets."
    )
    yield ""
    certified = "holds with one-sided 95 % confidence" if point.certified else "is too few to certify it"
    yield (
        f"The threshold {point.threshold:.6f} was frozen on validation for a sensitivity of "
        f"{point.target_sensitivity:g}: {point.misses} of {point.positives} lesions fell below it, which {certified}."
    )
    yield ""


def _parity(form: str, source: Source) -> Iterator[str]:
    (judged,) = source.parity["artifacts"]
    usual = "limits that were changed for it" if source.verdict.limits_changed else "the usual limits"
    yield f"## `{MODELS[form]}` against the float model: {source.verdict.verdict.value}"
    yield ""
    yield f"Compared on the same lesions in {judged['runtime']}, at {usual}. What changed:"
    yield ""
    yield "| check | status | found |"
    yield "|---|---|---|"
    yield from (f"| {check['name']} | {check['status']} | {check['why']} |" for check in judged["checks"])
    yield ""


def _calibration(contract: ModelContract) -> Iterator[str]:
    prior = ", ".join(f"{name} {share:.4f}" for name, share in zip(contract.classes, contract.class_prior, strict=True))
    yield "## Calibration"
    yield ""
    yield (
        f"Probabilities are calibrated for this mixture of classes: {prior}. Where lesions are mixed otherwise they "
        f"are too high or too low; decisions at the threshold stay what they are."
    )
    yield ""


def _limits(contract: ModelContract, chosen: Chosen) -> Iterator[str]:
    quality = contract.effective_safeguards.quality
    yield "## Limits"
    yield ""
    yield (
        f"- A photo is not answered when its short side has fewer than {quality.smallest_side} pixels, or when it is "
        f"blurred, too dark, too bright, or without colour."
    )
    yield "- Tested on lesions from the sources above only; on other cameras, places and skin it was not tested."
    yield "- Skin tone is not known of the images of the test, so nothing is known of differences between skin tones."
    yield f"- Some {contract.target} lesions are missed: the sensitivity above says how many of those in the test."
    if chosen.verdict.value != "PASS":
        yield "- INCONCLUSIVE: the test had too few lesions to prove that the file decides as the float model did."


def _interval(value: Mapping[str, float] | None) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})" if value else "not defined"
