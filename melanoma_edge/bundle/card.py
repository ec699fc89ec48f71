"""The model card of a bundle, every number out of the bundle's own JSON."""

from __future__ import annotations

from melanoma_edge.bundle.manifest import MODELS
from melanoma_edge.bundle.sources import Chosen, Source
from melanoma_edge.report import card


def model_card(chosen: Chosen) -> str:
    """Return the card as Markdown."""
    return card.model_card(chosen.contract, [_model(form, source) for form, source in chosen.sources.items()])


def _model(form: str, source: Source) -> card.CardModel:
    record, found = source.record, source.verdict
    return card.CardModel(
        name=MODELS[form],
        precision=record.precision,
        bytes=record.bytes,
        sha256=record.sha256,
        verdict=found.verdict.value,
        limits_changed=found.limits_changed,
        parity=source.parity,
    )
